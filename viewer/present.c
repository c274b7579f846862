/* present.c - the picture on the screen: only what changed since the last one is handed
 * over, for a display server on the same cores must copy it once more. */
#include "present.h"

#include <string.h>

enum { TILE_W = 64, TILE_H = 16, MAX_RECT = 512 };

void present_prepare(void)
{
    /* SDL would take OpenGL to copy the picture: on a machine without a GPU that costs
     * ten times as much as the picture itself. These two have no other way. */
    const char *driver = SDL_GetCurrentVideoDriver();
    if (driver && strcmp(driver, "wayland") != 0 && strcmp(driver, "cocoa") != 0)
        SDL_SetHint(SDL_HINT_FRAMEBUFFER_ACCELERATION, "0");
}

bool present_size(SDL_Window *window, int *w, int *h)
{
    const SDL_Surface *s = SDL_GetWindowSurface(window);
    if (!s)
        return false;
    *w = s->w;
    *h = s->h;
    return true;
}

/* Our pixels are 0xffRRGGBB; the window's may lack the first byte, or be others. */
static bool is_ours(const SDL_PixelFormat *f)
{
    return f->BytesPerPixel == 4 && f->Rmask == 0xff0000 && f->Gmask == 0xff00 &&
           f->Bmask == 0xff;
}

static uint8_t *surface_at(const SDL_Surface *s, int x, int y)
{
    return (uint8_t *)s->pixels + (ptrdiff_t)y * s->pitch + (ptrdiff_t)x * 4;
}

static bool differs(const SDL_Surface *s, const struct canvas *c, struct box b)
{
    for (int y = b.y; y < b.y + b.h; y++)
        if (memcmp(surface_at(s, b.x, y), c->pixel + (size_t)y * (size_t)c->w + b.x,
                   (size_t)b.w * 4) != 0)
            return true;
    return false;
}

static void copy(const SDL_Surface *s, const struct canvas *c, struct box b)
{
    for (int y = b.y; y < b.y + b.h; y++)
        memcpy(surface_at(s, b.x, y), c->pixel + (size_t)y * (size_t)c->w + b.x,
               (size_t)b.w * 4);
}

/* Copy the tiles of a band that changed; neighbours become one rectangle. */
static int copy_band(const SDL_Surface *s, const struct canvas *c, struct box band,
                     SDL_Rect *rect)
{
    int n = 0;
    bool open = false;
    for (int x = band.x; x < band.x + band.w; x += TILE_W) {
        const struct box tile = box_meet((struct box){x, band.y, TILE_W, band.h}, band);
        if (!differs(s, c, tile)) {
            open = false;
            continue;
        }
        copy(s, c, tile);
        if (open)
            rect[n - 1].w += tile.w;
        else
            rect[n++] = (SDL_Rect){tile.x, tile.y, tile.w, tile.h};
        open = true;
    }
    return n;
}

static bool show_changes(SDL_Window *window, SDL_Surface *s, const struct canvas *c)
{
    SDL_Rect rect[MAX_RECT];
    const int most = c->w / TILE_W / 2 + 2; /* of one band */
    int n = 0;
    for (int y = 0; y < c->h; y += TILE_H) {
        const struct box all = {0, 0, c->w, c->h};
        n += copy_band(s, c, box_meet((struct box){0, y, c->w, TILE_H}, all), rect + n);
        if (n + most > MAX_RECT) {
            if (SDL_UpdateWindowSurfaceRects(window, rect, n) != 0)
                return false;
            n = 0;
        }
    }
    return n == 0 || SDL_UpdateWindowSurfaceRects(window, rect, n) == 0;
}

bool present_show(SDL_Window *window, const struct canvas *c, bool whole)
{
    SDL_Surface *s = SDL_GetWindowSurface(window);
    if (!s)
        return false;
    if (s->w != c->w || s->h != c->h)
        return true;
    if (!whole && is_ours(s->format))
        return show_changes(window, s, c);
    return SDL_ConvertPixels(c->w, c->h, SDL_PIXELFORMAT_ARGB8888, c->pixel,
                             c->w * (int)sizeof *c->pixel, s->format->format, s->pixels,
                             s->pitch) == 0 &&
           SDL_UpdateWindowSurface(window) == 0;
}
