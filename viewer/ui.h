/* ui.h - what every view draws with: the canvas, fonts and colours, the state it shows,
 * and the list of places that answer the mouse. */
#ifndef VIEWER_UI_H
#define VIEWER_UI_H

#include "canvas.h"
#include "font.h"
#include "palette.h"
#include "scene.h"
#include "stats.h"

enum hit_kind { HIT_NOTHING, HIT_TOKEN, HIT_CELL, HIT_LAYER, HIT_COMMAND, HIT_SEEK };

/* A place that answers the mouse. */
struct hit {
    struct box box;
    enum hit_kind kind;
    uint64_t token; /* HIT_TOKEN */
    uint32_t layer; /* HIT_CELL, HIT_LAYER */
    int expert;     /* HIT_CELL */
    enum command command;
};

enum { UI_MAX_HIT = 60000 };

struct ui {
    struct canvas canvas;
    struct fonts *fonts;
    struct palette palette;
    float scale;
    struct scene *state;
    struct stats *stats;
    struct hit *hit; /* [UI_MAX_HIT] */
    uint32_t n_hit;
    int mouse_x, mouse_y; /* -1 = not in the window */
    /* one token, for the view that draws */
    uint16_t *ids;
    float *weights;
};

/* False when memory ran out. Source and statistics must be open. */
bool ui_open(struct ui *ui, struct scene *state, struct stats *stats, int w, int h,
             float scale, bool builtin_font);
void ui_close(struct ui *ui);
/* False when memory ran out; the old size stays then. */
bool ui_resize(struct ui *ui, int w, int h);

/* A length in pixels. */
int ui_px(const struct ui *ui, float points);
void ui_add_hit(struct ui *ui, struct hit hit);
/* The topmost hit at a place, or NULL. */
const struct hit *ui_hit_at(const struct ui *ui, int x, int y);
bool ui_hovers(const struct ui *ui, struct box b);
/* Do what clicking there means. */
void ui_click(struct ui *ui, int x, int y);
/* Mouse at rest there. */
void ui_hover(struct ui *ui, int x, int y);

/* A panel with a title; returns the room inside. `note` stands at the right. */
struct box ui_panel(struct ui *ui, struct box b, const char *title, const char *note);
/* Of a button with the gap beside it. */
int ui_button_width(struct ui *ui, const char *label);
/* A button as wide as its label, cut off from the right end of `row`. */
void ui_button(struct ui *ui, struct box *row, const char *label, enum command command,
               bool on);
/* printf in one line, cut at the right; returns the height of the line. */
__attribute__((format(printf, 7, 8))) int ui_line(struct ui *ui, enum font_style style,
                                                  int x, int y, int most, uint32_t color,
                                                  const char *fmt, ...);
/* A token's text with white space made visible; terminated. */
void ui_piece(const char *piece, size_t n, char *out, size_t cap);
/* Routing of a token into ui->ids, ui->weights. */
bool ui_routing(struct ui *ui, uint64_t token);

/* The views; each fills its box. */
void view_text(struct ui *ui, struct box b);
void view_bank(struct ui *ui, struct box b);
void view_score(struct ui *ui, struct box b);
void view_inspector(struct ui *ui, struct box b);
void view_flow(struct ui *ui, struct box b);
void view_coact(struct ui *ui, struct box b);
void view_timeline(struct ui *ui, struct box b);
void view_header(struct ui *ui, struct box b);
void view_help(struct ui *ui, struct box b);

/* The whole window. (layout.c) */
void layout_draw(struct ui *ui);

#endif
