/* scroll.c - a panel that holds more than it shows: its content moves under it. */
#include "scroll.h"

#include "ui.h"

enum { ENDLESS = 1 << 24 };

int scroll_hidden(const struct ui *ui)
{
    const struct scroll *s = &ui->scroll;
    return s->box.w > 0 && s->content > s->box.h ? s->content - s->box.h : 0;
}

static void keep_within(struct ui *ui)
{
    struct scroll *s = &ui->scroll;
    const int most = scroll_hidden(ui);
    s->at = s->at < 0 ? 0 : s->at < most ? s->at : most;
}

struct box scroll_begin(struct ui *ui, struct box box, int64_t of)
{
    struct scroll *s = &ui->scroll;
    if (s->of != of)
        s->at = 0;
    s->of = of;
    s->box = box;
    canvas_clip(&ui->canvas, box);
    return (struct box){box.x, box.y - s->at, box.w, ENDLESS};
}

/* Of the thumb in its track, which is as high as the panel. */
static struct box thumb(const struct ui *ui)
{
    const struct scroll *s = &ui->scroll;
    const int least = ui_px(ui, 24), w = ui_px(ui, 3);
    const int share = (int)((int64_t)s->box.h * s->box.h / (s->content ? s->content : 1));
    const int h = share > least ? share : least;
    const int hidden = scroll_hidden(ui), way = s->box.h - h;
    const int y = hidden && way > 0 ? (int)((int64_t)way * s->at / hidden) : 0;
    return (struct box){s->box.x + s->box.w + ui_px(ui, 5), s->box.y + y, w, h};
}

void scroll_end(struct ui *ui, int bottom)
{
    struct scroll *s = &ui->scroll;
    const int was = s->at;
    canvas_unclip(&ui->canvas);
    s->content = bottom - (s->box.y - s->at);
    keep_within(ui);
    ui->moving |= s->at != was; /* it has become shorter: draw again */
    if (scroll_hidden(ui) == 0)
        return;
    const struct box t = thumb(ui);
    const int wide = ui_px(ui, ui->touch ? 14 : 10);
    const struct box track = {s->box.x + s->box.w + ui_px(ui, 12) - wide, s->box.y, wide,
                              s->box.h};
    canvas_round(&ui->canvas, t, t.w / 2,
                 ui_hovers(ui, track) ? ui->palette.text : ui->palette.faint, 255);
    ui_add_hit(ui, (struct hit){.box = track, .kind = HIT_SCROLL});
}

bool scroll_takes(const struct ui *ui, int x, int y)
{
    return scroll_hidden(ui) > 0 &&
           box_holds(box_inset(ui->scroll.box, -ui_px(ui, 10)), x, y);
}

void scroll_by(struct ui *ui, int pixels)
{
    ui->scroll.at += pixels;
    keep_within(ui);
}

void scroll_page(struct ui *ui, int by)
{
    const int step = ui->scroll.box.h - ui_px(ui, 36);
    scroll_by(ui, by * (step > ui_px(ui, 18) ? step : ui_px(ui, 18)));
}

void scroll_to(struct ui *ui, int y)
{
    struct scroll *s = &ui->scroll;
    const int h = thumb(ui).h, way = s->box.h - h;
    if (way > 0)
        s->at = (int)((int64_t)(y - s->box.y - h / 2) * scroll_hidden(ui) / way);
    keep_within(ui);
}
