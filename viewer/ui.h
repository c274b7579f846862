/* ui.h - what every view draws with: the canvas, fonts and colours, the state it shows,
 * and the list of places that answer the mouse. */
#ifndef VIEWER_UI_H
#define VIEWER_UI_H

#include "ab.h"
#include "canvas.h"
#include "font.h"
#include "groups.h"
#include "palette.h"
#include "scene.h"
#include "scroll.h"
#include "stats.h"
#include "steer.h"

enum hit_kind {
    HIT_NOTHING,
    HIT_TOKEN,
    HIT_CELL,
    HIT_LAYER,
    HIT_COMMAND,
    HIT_SEEK,
    HIT_SLIDER, /* `layer` is the enum steer_setting */
    HIT_UNDO,   /* `layer` is the row of what is in force */
    HIT_FIELD,  /* the prompt field */
    HIT_SCROLL  /* the track of the panel that scrolls */
};

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
    struct steer steer;
    struct ab ab;
    struct groups groups;
    struct hit *hit; /* [UI_MAX_HIT] */
    uint32_t n_hit;
    int mouse_x, mouse_y; /* -1 = not in the window */
    struct box field;     /* the prompt field's text, and the caret in it */
    struct box caret;
    int field_scroll; /* pixels of the text left of the field */
    bool builtin;     /* the built-in face was asked for */
    bool touch;       /* controls are made for fingers */
    enum view panel;  /* what a click on the title of the panel being drawn shows alone;
                       * VIEW_OVERVIEW: nothing */
    float seconds;    /* since the last frame; 0: nothing is to glide */
    bool moving;      /* something still glides: draw again */
    float *margins;   /* [n_layer_moe] */
    uint16_t *next;
    float *shown; /* [n_layer_moe][n_expert] what the bank's cells glide from */
    enum bank_of shown_bank;
    struct box bank; /* all cells that are seen; w 0 = there is no bank */
    struct scroll scroll;
    char tip[320];    /* "" or what is to be said beside the mouse in this frame */
    unsigned n_frame; /* frames that the two times are of; 0 = not measured */
    float frame_median, frame_p99;
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
/* As far as it is inside the clip box. */
void ui_add_hit(struct ui *ui, struct hit hit);
/* The topmost hit at a place, or NULL. */
const struct hit *ui_hit_at(const struct ui *ui, int x, int y);
bool ui_hovers(const struct ui *ui, struct box b);
/* Do what clicking there means. */
void ui_click(struct ui *ui, int x, int y);
/* The same with Ctrl held: experts join the selection. */
void ui_click_more(struct ui *ui, int x, int y);
/* The mouse moves to there with its button held since a click on an expert: all between
 * are selected. */
void ui_drag_cells(struct ui *ui, int x, int y);
/* Mouse at rest there. */
void ui_hover(struct ui *ui, int x, int y);

/* A panel with a title; returns the room inside. `note` stands at the right. */
struct box ui_panel(struct ui *ui, struct box b, const char *title, const char *note);
/* 1, 2, 5, 10, 20 …: the least with which labels of `room` pixels keep apart where every
 * cell takes `cell`. */
uint32_t ui_label_step(float cell, int room);
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

/* For the person whose letters are the built-in ones, not by choice. */
#define VIEW_NO_FONTS "No fonts found: install fonts-dejavu-core, or any font."

/* The views; each fills its box. */
void view_text(struct ui *ui, struct box b);
void view_bank(struct ui *ui, struct box b);
void view_score(struct ui *ui, struct box b);
void view_inspector(struct ui *ui, struct box b);
void view_flow(struct ui *ui, struct box b);
void view_coact(struct ui *ui, struct box b);
void view_steer(struct ui *ui, struct box b);
void view_ab(struct ui *ui, struct box b);
/* What is selected and in force, over an expert's cell in the bank. (view_steer.c) */
void view_steer_cell(struct ui *ui, struct box cell, uint32_t layer, uint32_t expert);
/* How the prompt was grouped on the experts. */
void view_groups(struct ui *ui, struct box b);
void view_figures(struct ui *ui, struct box b);
/* Tokens in a second: the mean that the figures show, too. 0: not known. */
double view_rate(const struct scene *s);
/* An expert that was taken, coloured by its weight; with its number, or both in figures,
 * which needs view_plate_width(). */
enum plate_says { PLATE_NOTHING, PLATE_NAME, PLATE_WEIGHT };
void view_plate(struct ui *ui, struct box b, uint16_t expert, float weight,
                enum plate_says says);
int view_plate_width(struct ui *ui);
/* A token's experts by layer, as small as it must be; returns the height, which a token
 * has anyway, below. */
int view_choice(struct ui *ui, struct box in, uint64_t token);
int view_choice_height(struct ui *ui, int width, int most_h);
/* All of it, with weights, entropy and margin; as close as is legible where that makes it
 * fit into `room`, and below that as high as it gets. Returns the height. */
int view_layers(struct ui *ui, struct box in, int room, uint64_t token);
/* What the token under the mouse is, beside it. */
void view_card(struct ui *ui);
/* The field for the next prompt, and the byte of its text at a place of the window. */
void view_field(struct ui *ui, struct box b);
size_t view_field_at(struct ui *ui, int x);
/* The text in lines as wide as `in`, at white space where there is some; returns the
 * height. Where `in.h` is not 0 it ends there, the last line with dots where more was to
 * come. With `draw` false it is only measured. (view_message.c) */
int view_wrap(struct ui *ui, enum font_style style, struct box in, const char *text,
              uint32_t color, bool draw);
/* What had no room where the mouse is: all of ui->tip beside it. (view_message.c) */
void view_tip(struct ui *ui);
/* In words: in the middle, where there is nothing to show yet or at all; above the views,
 * cut off the top of `body`; and for some seconds. (view_message.c) */
void view_blank(struct ui *ui, struct box b, enum source_phase phase,
                const char *message);
void view_banner(struct ui *ui, struct box *body, const char *message);
void view_notice(struct ui *ui, struct box all);
void view_timeline(struct ui *ui, struct box b);
void view_header(struct ui *ui, struct box b);
void view_help(struct ui *ui, struct box all);

/* The whole window. (layout.c) */
void layout_draw(struct ui *ui);

#endif
