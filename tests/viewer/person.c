/* person.c - one who sits before the real window, for tests. */
#include "person.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <SDL.h>
#include <cmocka.h>

#include "keys.h"
#include "window.h"

void person_mouse(uint32_t type, int x, int y, uint8_t button, uint8_t clicks)
{
    SDL_Event e = {.type = type};
    if (type == SDL_MOUSEMOTION) {
        e.motion.x = x;
        e.motion.y = y;
    } else {
        e.button.button = button;
        e.button.clicks = clicks;
        e.button.x = x;
        e.button.y = y;
    }
    assert_int_equal(SDL_PushEvent(&e), 1);
}

void person_click(int x, int y)
{
    person_drag(x, y, x, y);
}

void person_drag(int x0, int y0, int x1, int y1)
{
    person_mouse(SDL_MOUSEMOTION, x0, y0, 0, 0);
    person_mouse(SDL_MOUSEBUTTONDOWN, x0, y0, SDL_BUTTON_LEFT, 1);
    if (x0 != x1 || y0 != y1)
        person_mouse(SDL_MOUSEMOTION, x1, y1, 0, 0);
    person_mouse(SDL_MOUSEBUTTONUP, x1, y1, SDL_BUTTON_LEFT, 1);
}

void person_key(int symbol, unsigned with)
{
    SDL_Event e = {.type = SDL_KEYDOWN};
    e.key.keysym.sym = symbol;
    e.key.keysym.mod = (uint16_t)((with & KEYS_SHIFT ? KMOD_LSHIFT : 0) |
                                  (with & KEYS_CTRL ? KMOD_LCTRL : 0));
    assert_int_equal(SDL_PushEvent(&e), 1);
}

void person_type(const char *text)
{
    SDL_Event e = {.type = SDL_TEXTINPUT};
    snprintf(e.text.text, sizeof e.text.text, "%s", text);
    assert_int_equal(SDL_PushEvent(&e), 1);
}

const struct hit *person_find(const struct ui *ui, enum hit_kind kind, enum command c)
{
    for (uint32_t i = 0; i < ui->n_hit; i++)
        if (ui->hit[i].kind == kind && (kind != HIT_COMMAND || ui->hit[i].command == c))
            return &ui->hit[i];
    return NULL;
}

void person_click_hit(const struct hit *h)
{
    assert_non_null(h);
    person_click(h->box.x + h->box.w / 2, h->box.y + h->box.h / 2);
}

void person_show(struct source *source, struct person *p,
                 void (*on_frame)(void *priv, struct ui *ui))
{
    char message[300] = "";
    struct window_options o = {.w = 1280,
                               .h = 800,
                               .scale = p->own_scale ? 0 : 1,
                               .builtin_font = true,
                               .calm = true,
                               .at = -1,
                               .layer = -1,
                               .expert = -1,
                               .on_frame = on_frame,
                               .prefs = p->prefs,
                               .priv = p};
    if (!window_run(source, &o, message, sizeof message))
        fail_msg("%s", message);
    const char *driver = SDL_GetCurrentVideoDriver();
    assert_string_equal(driver ? driver : "none", "x11");
    SDL_FlushEvents(SDL_FIRSTEVENT, SDL_LASTEVENT); /* not for the next window */
}
