/* person.h - one who sits before the real window, for tests: mouse, keys and typing as
 * events of the system. */
#ifndef VIEWER_PERSON_H
#define VIEWER_PERSON_H

#include "played_source.h"
#include "ui.h"

/* What a test does at each frame; events of one frame have done their work by the next.
 */
struct person {
    struct ui *ui;
    struct played *played;
    unsigned at; /* frames so far */
    size_t i;    /* what is tried now */
    unsigned n_done;
    bool pressed;
    struct scene before;
    struct prefs *prefs; /* of its windows, or NULL */
    bool own_scale;      /* of the display, not 1 */
};

/* `type` is SDL_MOUSEMOTION, SDL_MOUSEBUTTONDOWN or SDL_MOUSEBUTTONUP. */
void person_mouse(uint32_t type, int x, int y, uint8_t button, uint8_t clicks);
void person_click(int x, int y);
/* Pressed at one place and lifted at another. */
void person_drag(int x0, int y0, int x1, int y1);
void person_key(int symbol, unsigned with);
void person_type(const char *text);
/* The first place of this kind; of HIT_COMMAND, with this command. NULL: none. */
const struct hit *person_find(const struct ui *ui, enum hit_kind kind, enum command c);
void person_click_hit(const struct hit *h);
/* A window of 1280 x 800 until the scene says quit; the test fails where none opens. */
void person_show(struct source *source, struct person *p,
                 void (*on_frame)(void *priv, struct ui *ui));

#endif
