/* input.c - what the person does with keyboard, mouse and fingers. */
#include "input.h"

#include <stdlib.h>
#include <string.h>

#include "keys.h"

/* ---- the clipboard --------------------------------------------------------------------
 */

static void copy_selection(struct edit *e)
{
    size_t from, to;
    char kept;
    edit_selection(e, &from, &to);
    if (from == to)
        return;
    kept = e->text[to];
    e->text[to] = '\0';
    SDL_SetClipboardText(e->text + from);
    e->text[to] = kept;
}

static void paste(struct edit *e)
{
    char *text = SDL_GetClipboardText();
    if (text)
        edit_insert(e, text, strlen(text));
    SDL_free(text);
}

/* All of the text that the source has, terminated; to free(). NULL: no memory. */
static char *whole_text(struct scene *s)
{
    size_t n = 0, cap = 1 << 16;
    char *all = malloc(cap);
    if (!all)
        return NULL;
    for (uint64_t i = 0; i < s->n_token; i++) {
        const size_t need = source_piece(s->source, i, NULL, 0);
        if (n + need + 1 > cap) {
            cap = 2 * (n + need + 1);
            char *more = realloc(all, cap);
            if (!more) {
                free(all);
                return NULL;
            }
            all = more;
        }
        n += source_piece(s->source, i, all + n, cap - n);
    }
    all[n] = '\0';
    return all;
}

static void copy_text(struct scene *s)
{
    char *all = whole_text(s);
    if (all)
        SDL_SetClipboardText(all);
    scene_say(s, all ? "The text is on the clipboard." : "No memory to copy the text.");
    free(all);
}

/* ---- the keyboard
 * ---------------------------------------------------------------------- */

static bool move_key(struct edit *e, const SDL_Keysym *key)
{
    const bool shift = (key->mod & KMOD_SHIFT) != 0, word = (key->mod & KMOD_CTRL) != 0;
    switch (key->sym) {
    case SDLK_LEFT:
        edit_move(e, word ? EDIT_WORD_LEFT : EDIT_LEFT, shift);
        break;
    case SDLK_RIGHT:
        edit_move(e, word ? EDIT_WORD_RIGHT : EDIT_RIGHT, shift);
        break;
    case SDLK_HOME:
    case SDLK_UP:
        edit_move(e, EDIT_HOME, shift);
        break;
    case SDLK_END:
    case SDLK_DOWN:
        edit_move(e, EDIT_END, shift);
        break;
    case SDLK_BACKSPACE:
        edit_delete(e, word ? EDIT_WORD_LEFT : EDIT_LEFT);
        break;
    case SDLK_DELETE:
        edit_delete(e, word ? EDIT_WORD_RIGHT : EDIT_RIGHT);
        break;
    default:
        return false;
    }
    return true;
}

static bool clipboard_key(struct edit *e, SDL_Keycode symbol)
{
    switch (symbol) {
    case SDLK_a:
        edit_select_all(e);
        break;
    case SDLK_c:
        copy_selection(e);
        break;
    case SDLK_x:
        copy_selection(e);
        if (e->caret != e->mark)
            edit_delete(e, EDIT_LEFT);
        break;
    case SDLK_v:
        paste(e);
        break;
    default:
        return false;
    }
    return true;
}

/* False for keys that mean the same while typing as elsewhere. */
static bool typing_key(struct scene *s, const SDL_Keysym *key)
{
    struct edit *e = &s->prompt;
    if (e->composing[0])
        return key->sym != SDLK_F1; /* the input method's, until it has done */
    if (move_key(e, key))
        return true;
    if (key->mod & (KMOD_CTRL | KMOD_GUI))
        return clipboard_key(e, key->sym);
    if (key->sym == SDLK_RETURN || key->sym == SDLK_KP_ENTER) {
        if (key->mod & KMOD_SHIFT)
            edit_insert(e, "\n", 1);
        else
            scene_do(s, CMD_WRITE);
        return true;
    }
    if (key->sym == SDLK_ESCAPE || key->sym == SDLK_TAB) {
        s->typing = false;
        return true;
    }
    return key->sym != SDLK_F1;
}

/* The panel that scrolls has the keys for pages while it is alone or under the mouse. */
static bool scroll_key(const struct input *in, const SDL_Keysym *key)
{
    struct ui *ui = in->ui;
    const bool up = key->sym == SDLK_PAGEUP;
    if ((!up && key->sym != SDLK_PAGEDOWN) || scroll_hidden(ui) == 0 ||
        (ui->state->view != VIEW_INSPECTOR && ui->state->view != VIEW_STEER &&
         !scroll_takes(ui, ui->mouse_x, ui->mouse_y)))
        return false;
    scroll_page(ui, up ? -1 : 1);
    return true;
}

static void on_key(struct input *in, const SDL_Keysym *key)
{
    struct scene *s = in->ui->state;
    if (s->typing ? typing_key(s, key) : scroll_key(in, key))
        return;
    const unsigned with = (key->mod & KMOD_SHIFT ? KEYS_SHIFT : 0) |
                          (key->mod & (KMOD_CTRL | KMOD_GUI) ? KEYS_CTRL : 0);
    scene_do(s, keys_command(key->sym, with));
    if (s->want_copy)
        copy_text(s);
    s->want_copy = false;
}

/* ---- the mouse
 * --------------------------------------------------------------------------- */

enum { SLACK = 5, WHEEL = 48 }; /* points: a click's way; a notch of the wheel */

/* A finger moves the content of a panel that scrolls, but for what is made to be dragged
 * itself; the mouse does where nothing else
 * would answer it. What lies under a finger is clicked when it is lifted again. */
static bool takes_content(const struct input *in, const SDL_MouseButtonEvent *b,
                          enum hit_kind kind)
{
    return scroll_takes(in->ui, in->x, in->y) && kind != HIT_SCROLL &&
           kind != HIT_SLIDER && (kind == HIT_NOTHING || b->which == SDL_TOUCH_MOUSEID);
}

static void on_press(struct input *in, const SDL_MouseButtonEvent *b)
{
    struct ui *ui = in->ui;
    const struct hit *h = ui_hit_at(ui, in->x, in->y);
    const enum hit_kind kind = h ? h->kind : HIT_NOTHING;
    if (b->button != SDL_BUTTON_LEFT) {
        in->drag = box_holds(ui->bank, in->x, in->y) ? DRAG_BANK : DRAG_NONE;
        return;
    }
    if (takes_content(in, b, kind)) {
        in->drag = DRAG_CONTENT;
        in->way = 0;
        return;
    }
    in->drag = kind == HIT_SEEK || kind == HIT_SLIDER ? DRAG_SEEK
               : kind == HIT_CELL                     ? DRAG_CELLS
               : kind == HIT_FIELD                    ? DRAG_FIELD
               : kind == HIT_SCROLL                   ? DRAG_THUMB
                                                      : DRAG_NONE;
    if (SDL_GetModState() & KMOD_CTRL)
        ui_click_more(ui, in->x, in->y);
    else
        ui_click(ui, in->x, in->y);
    if (kind == HIT_FIELD && b->clicks == 2)
        edit_select_word(&ui->state->prompt, view_field_at(ui, in->x));
    if (kind == HIT_FIELD && b->clicks > 2)
        edit_select_all(&ui->state->prompt);
}

static void on_motion(struct input *in, int dx, int dy)
{
    struct ui *ui = in->ui;
    ui_hover(ui, in->x, in->y);
    const struct hit *h = ui_hit_at(ui, in->x, in->y);
    switch (in->drag) {
    case DRAG_NONE:
        break;
    case DRAG_SEEK:
        if (h && (h->kind == HIT_SEEK || h->kind == HIT_TOKEN || h->kind == HIT_SLIDER))
            ui_click(ui, in->x, in->y);
        break;
    case DRAG_CELLS:
        ui_drag_cells(ui, in->x, in->y);
        break;
    case DRAG_FIELD:
        edit_place(&ui->state->prompt, view_field_at(ui, in->x), true);
        break;
    case DRAG_BANK:
        if (ui->bank.w > 0 && ui->bank.h > 0)
            scene_pan(ui->state, -(float)dx / (float)ui->bank.w,
                      -(float)dy / (float)ui->bank.h);
        break;
    case DRAG_THUMB:
        scroll_to(ui, in->y);
        break;
    case DRAG_CONTENT:
        in->way += abs(dx) + abs(dy);
        if (in->way > ui_px(ui, SLACK))
            scroll_by(ui, -dy);
        break;
    }
}

static void on_release(struct input *in)
{
    if (in->drag == DRAG_CONTENT && in->way <= ui_px(in->ui, SLACK))
        ui_click(in->ui, in->x, in->y);
    in->drag = DRAG_NONE;
}

/* Over the bank the wheel is a lens, over a panel that scrolls it does that, elsewhere it
 * goes through the text. */
static void on_wheel(struct input *in, const SDL_MouseWheelEvent *wheel)
{
    struct ui *ui = in->ui;
    const struct box b = ui->bank;
    const bool shift = (SDL_GetModState() & KMOD_SHIFT) != 0;
    if (scroll_takes(ui, in->x, in->y)) {
        scroll_by(ui, -wheel->y * ui_px(ui, WHEEL));
        return;
    }
    if (!box_holds(b, in->x, in->y)) {
        scene_do(ui->state, wheel->y > 0 ? CMD_BACK : CMD_NEXT);
        return;
    }
    if (shift || wheel->x)
        scene_pan(ui->state, 0.1f * (float)(shift ? -wheel->y : wheel->x), 0);
    else if (wheel->y)
        scene_zoom(ui->state, wheel->y > 0 ? 1.25f : 0.8f,
                   (float)(in->x - b.x) / (float)b.w, (float)(in->y - b.y) / (float)b.h);
}

/* Two fingers: apart is nearer. */
static void on_fingers(struct input *in, const SDL_MultiGestureEvent *g)
{
    struct ui *ui = in->ui;
    const struct box b = ui->bank;
    const float x = g->x * (float)ui->canvas.w, y = g->y * (float)ui->canvas.h;
    if (g->numFingers != 2 || !box_holds(b, (int)x, (int)y))
        return;
    in->drag = DRAG_NONE;
    scene_zoom(ui->state, 1 + 3 * g->dDist, (x - (float)b.x) / (float)b.w,
               (y - (float)b.y) / (float)b.h);
}

bool input_event(struct input *in, const SDL_Event *e)
{
    struct scene *s = in->ui->state;
    const int x = in->x, y = in->y;
    switch (e->type) {
    case SDL_KEYDOWN:
        on_key(in, &e->key.keysym);
        return true;
    case SDL_TEXTINPUT:
        if (s->typing)
            edit_insert(&s->prompt, e->text.text, strlen(e->text.text));
        return true;
    case SDL_TEXTEDITING:
        if (s->typing)
            edit_compose(&s->prompt, e->edit.text);
        return true;
    case SDL_MOUSEMOTION:
        in->x = (int)((float)e->motion.x * in->scale);
        in->y = (int)((float)e->motion.y * in->scale);
        on_motion(in, in->x - x, in->y - y);
        return true;
    case SDL_MOUSEBUTTONDOWN:
        in->x = (int)((float)e->button.x * in->scale);
        in->y = (int)((float)e->button.y * in->scale);
        on_press(in, &e->button);
        return true;
    case SDL_MOUSEBUTTONUP:
        on_release(in);
        return true;
    case SDL_MOUSEWHEEL:
        on_wheel(in, &e->wheel);
        return true;
    case SDL_MULTIGESTURE:
        on_fingers(in, &e->mgesture);
        return true;
    default:
        return false;
    }
}
