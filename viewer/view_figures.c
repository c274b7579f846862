/* view_figures.c - the figures of a run: speed, what a token's time went to, memory, and
 * how fast the window itself is. Each says over how many tokens. */
#include <stdio.h>
#include <string.h>

#include "ui.h"

enum { N_MEAN = 64, N_BAR = 160 };

static const char *const stage_name[LEM_TRACE_STAGE_COUNT + 1] = {
    "attention", "router", "experts", "head", "sampling", "the rest"};

/* Sums over the last timed tokens up to the cursor that the model wrote. */
struct mean {
    uint64_t total, stage[LEM_TRACE_STAGE_COUNT + 1]; /* microseconds; last: the rest */
    uint32_t n, n_staged;
};

static void add_token(struct mean *m, const struct lem_trace_token *t)
{
    uint64_t known = 0;
    for (int i = 0; i < LEM_TRACE_STAGE_COUNT; i++) {
        m->stage[i] += t->stage_us[i];
        known += t->stage_us[i];
    }
    m->stage[LEM_TRACE_STAGE_COUNT] += t->total_us > known ? t->total_us - known : 0;
    m->total += t->total_us;
    m->n++;
    m->n_staged += known > 0;
}

static struct mean mean_of(const struct scene *s)
{
    struct mean m = {0};
    for (uint64_t i = s->cursor + 1;
         i-- > 0 && m.n < N_MEAN && s->cursor - i < 4 * N_MEAN;) {
        struct lem_trace_token t;
        if (source_token(s->source, i, &t) && !t.prompt && t.total_us)
            add_token(&m, &t);
    }
    return m;
}

double view_rate(const struct scene *s)
{
    const struct mean m = mean_of(s);
    return m.total ? m.n * 1e6 / (double)m.total : 0;
}

/* A name at the left, a value beside it; cut off `in` from the top. */
static void field_in(struct ui *ui, struct box *in, int indent, const char *name,
                     const char *value)
{
    const int h = fonts_height(ui->fonts, FONT_UI) + ui_px(ui, 3);
    if (in->h < h)
        return;
    const struct box row = box_take_top(in, h);
    const int most = ui_px(ui, 130);
    const int name_w = row.w * 34 / 100 < most ? row.w * 34 / 100 : most;
    fonts_label(ui->fonts, &ui->canvas, FONT_UI, row.x + indent, row.y,
                name_w - indent - 4, name, ui->palette.quiet);
    fonts_label(ui->fonts, &ui->canvas, FONT_UI, row.x + name_w, row.y, row.w - name_w,
                value, ui->palette.text);
}

static void field(struct ui *ui, struct box *in, const char *name, const char *value)
{
    field_in(ui, in, 0, name, value);
}

static void bytes_text(uint64_t bytes, char out[32])
{
    if (bytes >= 1ull << 30)
        snprintf(out, 32, "%.2f GiB", (double)bytes / (1ull << 30));
    else
        snprintf(out, 32, "%.1f MiB", (double)bytes / (1ull << 20));
}

static void show_run(struct ui *ui, struct box *in, const struct mean *m)
{
    const struct scene *s = ui->state;
    const struct lem_trace_facts *f = &s->source->facts;
    struct source_figures figures;
    char text[160], bytes[32];
    source_figures(s->source, &figures);
    if (m->total) {
        snprintf(text, sizeof text, "%.1f tokens/s", m->n * 1e6 / (double)m->total);
        field(ui, in, "speed", text);
        snprintf(text, sizeof text, "%.2f ms, mean of %u", (double)m->total / m->n / 1000,
                 m->n);
        field(ui, in, "a token", text);
    }
    field(ui, in, "device", f->device && f->device[0] ? f->device : "not known");
    if (figures.device_bytes) {
        bytes_text(figures.device_bytes, bytes);
        field(ui, in, "device memory", bytes);
    }
    if (figures.n_ctx) {
        snprintf(text, sizeof text, "%llu of %u tokens", (unsigned long long)s->n_token,
                 figures.n_ctx);
        field(ui, in, "context", text);
    }
    field(ui, in, "model", f->architecture ? f->architecture : "");
    snprintf(text, sizeof text, "%u of %u in %u layers", f->n_expert_used, f->n_expert,
             f->n_layer_moe);
    field(ui, in, "experts", text);
    snprintf(text, sizeof text, "%llu, %u of them the prompt",
             (unsigned long long)s->n_token, s->source->n_prompt);
    field(ui, in, "tokens", text);
    if (ui->n_frame) {
        snprintf(text, sizeof text, "%.1f ms, 99 of 100 within %.1f",
                 (double)ui->frame_median, (double)ui->frame_p99);
        field(ui, in, "a frame", text);
    }
}

/* As far as hues go round; the rest is grey. */
static uint32_t stage_color(const struct ui *ui, int stage)
{
    static const uint32_t hue[LEM_TRACE_STAGE_COUNT] = {0, 5, 1, 2, 4};
    if (stage == LEM_TRACE_STAGE_COUNT)
        return palette_mix(ui->palette.quiet, ui->palette.panel, 0.35f);
    return palette_expert(&ui->palette, hue[stage]);
}

/* One bar whose parts are the stages, and a line for each with its share. */
static void show_stages(struct ui *ui, struct box *in, const struct mean *m)
{
    char value[64];
    const int h = ui_px(ui, 16), line = fonts_height(ui->fonts, FONT_UI) + ui_px(ui, 3);
    if (in->h < h + 2 * line)
        return;
    if (!m->n_staged) {
        const struct scene *s = ui->state;
        field(ui, in, "by stage",
              s->source->live ? "not taken: start with --stages"
                              : "not in this recording");
        return;
    }
    box_take_top(in, ui_px(ui, 8));
    struct box bar = box_take_top(in, h);
    uint64_t before = 0;
    for (int i = 0; i <= LEM_TRACE_STAGE_COUNT; i++) {
        const int x0 = (int)(before * (unsigned)bar.w / m->total);
        before += m->stage[i];
        const int x1 = (int)(before * (unsigned)bar.w / m->total);
        canvas_fill(
            &ui->canvas,
            (struct box){bar.x + x0, bar.y, x1 - x0 > 1 ? x1 - x0 - 1 : x1 - x0, bar.h},
            stage_color(ui, i));
    }
    box_take_top(in, ui_px(ui, 6));
    for (int i = 0; i <= LEM_TRACE_STAGE_COUNT && in->h >= line; i++) {
        struct box row = *in;
        const int dot = ui_px(ui, 8);
        snprintf(value, sizeof value, "%.3f ms   %.1f %%",
                 (double)m->stage[i] / m->n / 1000,
                 100 * (double)m->stage[i] / (double)m->total);
        canvas_round(&ui->canvas, (struct box){row.x, row.y + (line - dot) / 2, dot, dot},
                     dot / 2, stage_color(ui, i), 255);
        field_in(ui, &row, dot + ui_px(ui, 7), stage_name[i], value);
        box_take_top(in, line);
    }
}

/* The time of each token up to the cursor, its stages on top of each other. */
static void show_course(struct ui *ui, struct box in)
{
    const struct scene *s = ui->state;
    const int label = fonts_height(ui->fonts, FONT_SMALL) + ui_px(ui, 4);
    if (in.h < ui_px(ui, 60) || s->n_token == 0)
        return;
    box_take_top(&in, ui_px(ui, 8));
    const struct box title = box_take_top(&in, label);
    const int most_n = in.w / ui_px(ui, 3) < N_BAR ? in.w / ui_px(ui, 3) : N_BAR;
    const uint64_t first =
        s->cursor + 1 > (uint64_t)most_n ? s->cursor + 1 - (uint64_t)most_n : 0;
    const float w = (float)in.w / (float)most_n;
    uint32_t most = 1;
    struct lem_trace_token t;
    for (uint64_t i = first; i <= s->cursor; i++)
        if (source_token(s->source, i, &t) && t.total_us > most)
            most = t.total_us;
    /* Not taller than it is easy to see in one look. */
    const int most_h = in.w / 4 > ui_px(ui, 110) ? in.w / 4 : ui_px(ui, 110);
    in.h = in.h < most_h ? in.h : most_h;
    ui_line(ui, FONT_SMALL, title.x, title.y, title.w, ui->palette.quiet,
            "time per token, up to %.2f ms, the last %llu", (double)most / 1000,
            (unsigned long long)(s->cursor + 1 - first));
    canvas_fill(&ui->canvas, (struct box){in.x, in.y + in.h - 1, in.w, 1},
                ui->palette.line);
    for (uint64_t i = first; i <= s->cursor; i++) {
        if (!source_token(s->source, i, &t))
            continue;
        const int x0 = in.x + (int)((float)(i - first) * w),
                  x1 = in.x + (int)((float)(i - first + 1) * w);
        uint64_t below = 0;
        for (int k = 0; k <= LEM_TRACE_STAGE_COUNT; k++) {
            const uint64_t top =
                k < LEM_TRACE_STAGE_COUNT ? below + t.stage_us[k] : t.total_us;
            const int y0 = (int)(below * (unsigned)in.h / most),
                      y1 = (int)(top * (unsigned)in.h / most);
            if (y1 > y0)
                canvas_fill(&ui->canvas,
                            (struct box){x0, in.y + in.h - y1,
                                         x1 - x0 > 1 ? x1 - x0 - 1 : 1, y1 - y0},
                            stage_color(ui, k));
            below = top > below ? top : below;
        }
        ui_add_hit(ui, (struct hit){.box = {x0, in.y, x1 - x0, in.h},
                                    .kind = HIT_TOKEN,
                                    .token = i});
    }
}

void view_figures(struct ui *ui, struct box b)
{
    struct box in = ui_panel(ui, b, "Figures", "");
    const struct mean m = mean_of(ui->state);
    canvas_clip(&ui->canvas, in);
    show_run(ui, &in, &m);
    show_stages(ui, &in, &m);
    show_course(ui, in);
    canvas_unclip(&ui->canvas);
}
