/* view_figures.c - the figures of a run: speed, what a token's time went to, memory, and
 * how fast the window itself is. Each says over how many tokens. */
#include <stdio.h>
#include <string.h>

#include "ui.h"

enum { N_MEAN = 64, N_BAR = 160, NAME_WIDTH = 84 };

static const char *const stage_name[LEM_TRACE_STAGE_COUNT + 1] = {
    "attention", "router", "experts", "head", "sampling", "the rest"};

/* Sums over the last timed tokens up to the cursor that the model wrote. */
struct mean {
    uint64_t total; /* microseconds */
    uint32_t n, n_prompt, n_staged;
    uint64_t staged; /* of tokens whose stages are known: all, and by stage */
    uint64_t stage[LEM_TRACE_STAGE_COUNT + 1]; /* last: the rest */
};

static void add_token(struct mean *m, const struct lem_trace_token *t)
{
    uint64_t known = 0;
    for (int i = 0; i < LEM_TRACE_STAGE_COUNT; i++)
        known += t->stage_us[i];
    m->total += t->total_us;
    m->n++;
    m->n_prompt += t->prompt;
    if (known == 0)
        return;
    for (int i = 0; i < LEM_TRACE_STAGE_COUNT; i++)
        m->stage[i] += t->stage_us[i];
    m->stage[LEM_TRACE_STAGE_COUNT] += t->total_us > known ? t->total_us - known : 0;
    m->staged += t->total_us > known ? t->total_us : known;
    m->n_staged++;
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

static struct bytes_text {
    char s[32];
} bytes_text(uint64_t bytes)
{
    struct bytes_text out;
    if (bytes >= 1ull << 30)
        snprintf(out.s, sizeof out.s, "%.2f GiB", (double)bytes / (1ull << 30));
    else
        snprintf(out.s, sizeof out.s, "%.1f MiB", (double)bytes / (1ull << 20));
    return out;
}

/* As it was known when the token at the cursor was done. */
static void show_memory(struct ui *ui, struct box *in)
{
    const struct scene *s = ui->state;
    struct lem_trace_memory m;
    char text[160];
    source_memory(s->source, s->cursor + 1, &m);
    if (m.weights)
        field(ui, in, "weights", bytes_text(m.weights).s);
    if (m.session) {
        snprintf(text, sizeof text, "%s, cache %s", bytes_text(m.session).s,
                 bytes_text(m.cache).s);
        field(ui, in, "session", text);
    }
    if (m.peak) {
        const int n = snprintf(text, sizeof text, "at most %s", bytes_text(m.peak).s);
        if (m.device)
            snprintf(text + n, sizeof text - (size_t)n, " of %s", bytes_text(m.device).s);
        field(ui, in, "memory", text);
    }
    if (m.n_ctx) {
        snprintf(text, sizeof text, "%llu of %u tokens", (unsigned long long)s->n_token,
                 m.n_ctx);
        field(ui, in, "context", text);
    }
}

static void show_speed(struct ui *ui, struct box *in, const struct mean *m)
{
    const struct scene *s = ui->state;
    struct lem_trace_token t;
    char text[64];
    if (m->total) {
        snprintf(text, sizeof text, "%.1f tokens/s", m->n * 1e6 / (double)m->total);
        field(ui, in, "speed", text);
    }
    if (m->n_staged) /* the table says it */
        return;
    if (source_token(s->source, s->cursor, &t) && t.total_us) {
        snprintf(text, sizeof text, "%.2f ms", (double)t.total_us / 1000);
        field(ui, in, "this token", text);
    }
    if (m->total) {
        snprintf(text, sizeof text, "%.2f ms, mean of %u", (double)m->total / m->n / 1000,
                 m->n);
        field(ui, in, "a token", text);
    }
}

/* What matters most stands first: a small window cuts the rest. */
static void show_run(struct ui *ui, struct box *in)
{
    const struct scene *s = ui->state;
    const struct lem_trace_facts *f = &s->source->facts;
    char text[160];
    field(ui, in, "device", f->device && f->device[0] ? f->device : "not known");
    show_memory(ui, in);
    snprintf(text, sizeof text, "%llu, %u of them the prompt",
             (unsigned long long)s->n_token, s->source->n_prompt);
    field(ui, in, "tokens", text);
    if (ui->n_frame) {
        snprintf(text, sizeof text, "%.1f ms, 99 of 100 within %.1f",
                 (double)ui->frame_median, (double)ui->frame_p99);
        field(ui, in, "a frame", text);
    }
    field(ui, in, "model", f->architecture ? f->architecture : "");
    snprintf(text, sizeof text, "%u of %u in %u layers", f->n_expert_used, f->n_expert,
             f->n_layer_moe);
    field(ui, in, "experts", text);
}

/* As far as hues go round; the rest is grey. */
static uint32_t stage_color(const struct ui *ui, int stage)
{
    static const uint32_t hue[LEM_TRACE_STAGE_COUNT] = {0, 5, 1, 2, 4};
    if (stage == LEM_TRACE_STAGE_COUNT)
        return palette_mix(ui->palette.quiet, ui->palette.panel, 0.35f);
    return palette_expert(&ui->palette, hue[stage]);
}

/* One bar whose parts are the stages. */
static void show_bar(struct ui *ui, struct box bar, const struct mean *m)
{
    uint64_t before = 0;
    for (int i = 0; i <= LEM_TRACE_STAGE_COUNT; i++) {
        const int x0 = (int)(before * (unsigned)bar.w / m->staged);
        before += m->stage[i];
        const int x1 = (int)(before * (unsigned)bar.w / m->staged);
        canvas_fill(
            &ui->canvas,
            (struct box){bar.x + x0, bar.y, x1 - x0 > 1 ? x1 - x0 - 1 : x1 - x0, bar.h},
            stage_color(ui, i));
    }
}

/* Columns of the table, counted from the right. */
enum { COLUMN_SHARE, COLUMN_MEAN, COLUMN_HERE, COLUMN_COUNT, COLUMN_GAP = 10 };

static int column_width(struct ui *ui)
{
    static const char widest[] = "000.000 ms";
    return fonts_width(ui->fonts, FONT_UI, widest, sizeof widest - 1) +
           ui_px(ui, COLUMN_GAP);
}

/* Beside as many columns as there is room for. */
static int name_width(struct ui *ui, int row_w)
{
    const int w = column_width(ui), n = (row_w - ui_px(ui, NAME_WIDTH)) / w;
    return row_w - (n < COLUMN_COUNT ? n : COLUMN_COUNT) * w + ui_px(ui, COLUMN_GAP);
}

/* A text at the right edge of its column, where there is room for that beside names. */
static void cell(struct ui *ui, struct box row, int column, enum font_style style,
                 uint32_t color, const char *text)
{
    const int w = column_width(ui);
    const size_t n = strlen(text);
    const int right = row.x + row.w - column * w;
    const int left = right - fonts_width(ui->fonts, style, text, n);
    if (row.w - (column + 1) * w >= ui_px(ui, NAME_WIDTH))
        fonts_draw(ui->fonts, &ui->canvas, style, left, row.y, text, n, color, 255);
}

/* No wider than the eye follows. */
static struct box table_row(struct ui *ui, struct box *in, int h)
{
    struct box row = box_take_top(in, h);
    const int most = ui_px(ui, NAME_WIDTH) + 4 * column_width(ui);
    row.w = row.w < most ? row.w : most;
    return row;
}

static void show_heads(struct ui *ui, struct box row, const struct mean *m)
{
    char text[32];
    if (m->n_prompt)
        snprintf(text, sizeof text, "of the prompt");
    else
        snprintf(text, sizeof text, "mean of %u", m->n_staged);
    cell(ui, row, COLUMN_HERE, FONT_SMALL, ui->palette.quiet, "this token");
    cell(ui, row, COLUMN_MEAN, FONT_SMALL, ui->palette.quiet, text);
    cell(ui, row, COLUMN_SHARE, FONT_SMALL, ui->palette.quiet, "share");
}

/* What a stage took of this token, and on average; after the last the rest, then all. */
static void show_stage(struct ui *ui, struct box row, const struct mean *here,
                       const struct mean *m, int stage)
{
    const int dot = ui_px(ui, 8), indent = dot + ui_px(ui, 7);
    const bool all = stage > LEM_TRACE_STAGE_COUNT;
    const uint64_t us = all ? m->staged : m->stage[stage];
    char text[32];
    if (!all)
        canvas_round(&ui->canvas,
                     (struct box){row.x, row.y + (row.h - dot) / 2, dot, dot}, dot / 2,
                     stage_color(ui, stage), 255);
    fonts_label(ui->fonts, &ui->canvas, FONT_UI, row.x + indent, row.y,
                name_width(ui, row.w) - indent, all ? "all" : stage_name[stage],
                ui->palette.quiet);
    snprintf(text, sizeof text, "%.3f ms",
             (double)(all ? here->staged : here->stage[stage]) / 1000);
    cell(ui, row, COLUMN_HERE, FONT_UI, ui->palette.text, here->n_staged ? text : "-");
    snprintf(text, sizeof text, "%.3f ms", (double)us / m->n_staged / 1000);
    cell(ui, row, COLUMN_MEAN, FONT_UI, ui->palette.text, text);
    snprintf(text, sizeof text, "%.1f %%", 100 * (double)us / (double)m->staged);
    cell(ui, row, COLUMN_SHARE, FONT_UI, ui->palette.text, text);
}

/* The time by stage: as a bar, and as a table. */
static void show_stages(struct ui *ui, struct box *in, const struct mean *m)
{
    const struct scene *s = ui->state;
    const int h = ui_px(ui, 16), line = fonts_height(ui->fonts, FONT_UI) + ui_px(ui, 3);
    struct mean here = {0};
    struct lem_trace_token t;
    if (in->h < h + 2 * line)
        return;
    if (source_token(s->source, s->cursor, &t))
        add_token(&here, &t);
    if (!m->n_staged) /* none written so far: the prompt's own mean */
        m = &here;
    if (!m->n_staged) {
        field(ui, in, "by stage",
              s->source->live ? "not taken: start with --stages"
                              : "not in this recording");
        return;
    }
    box_take_top(in, ui_px(ui, 8));
    show_bar(ui, box_take_top(in, h), m);
    box_take_top(in, ui_px(ui, 6));
    const int heads = fonts_height(ui->fonts, FONT_SMALL) + ui_px(ui, 2);
    show_heads(ui, table_row(ui, in, heads), m);
    for (int i = 0; i <= LEM_TRACE_STAGE_COUNT + 1 && in->h >= line; i++)
        show_stage(ui, table_row(ui, in, line), &here, m, i);
    box_take_top(in, ui_px(ui, 6));
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
    show_speed(ui, &in, &m);
    show_stages(ui, &in, &m);
    show_run(ui, &in);
    show_course(ui, in);
    canvas_unclip(&ui->canvas);
}
