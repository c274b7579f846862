/* font.c - glyphs from the system's fonts, found through fontconfig, each drawn once
 * and kept. */
#include "font.h"

#include <stdlib.h>
#include <string.h>

#include <SDL_ttf.h>
#include <fontconfig/fontconfig.h>

#include "font_builtin.h"
#include "font_script.h"

enum {
    N_SLOT = 8192,
    N_SHAPED = 1024,
    MAX_SHAPED = 96,
    MAX_FALLBACK = 12,
    REPLACEMENT = 0xfffd
};

struct glyph {
    uint32_t key; /* code point * FONT_STYLE_COUNT + style + 1; 0 = empty */
    int w, h, top, advance;
    uint8_t *mask; /* [h][w] */
};

/* A stretch of text that was shaped as a whole. */
struct shaped {
    char text[MAX_SHAPED]; /* terminated; "" = empty */
    enum font_style style;
    struct glyph glyph;
};

struct face {
    char *path;
    TTF_Font *size[FONT_STYLE_COUNT];
};

struct fonts {
    float scale;
    bool real;
    struct face face[MAX_FALLBACK + 2]; /* text, strong, then fallbacks as needed */
    int n_face;
    struct glyph slot[N_SLOT];
    unsigned n_glyph;
    struct shaped shaped[N_SHAPED]; /* by hash; a newer one takes the place of an older */
};

static const float points[FONT_STYLE_COUNT] = {15.5f, 12.5f, 12.5f, 10.5f};

/* ---- finding fonts ---------------------------------------------------------------- */

/* The system's choice for `family` that has `code_point` (0: any); to be freed. */
static char *find_font(const char *family, bool bold, uint32_t code_point)
{
    FcPattern *want = FcPatternCreate();
    FcCharSet *chars = FcCharSetCreate();
    char *path = NULL;
    if (want && chars) {
        FcPatternAddString(want, FC_FAMILY, (const FcChar8 *)family);
        FcPatternAddInteger(want, FC_WEIGHT, bold ? FC_WEIGHT_BOLD : FC_WEIGHT_REGULAR);
        FcPatternAddBool(want, FC_SCALABLE, FcTrue);
        if (code_point) {
            FcCharSetAddChar(chars, code_point);
            FcPatternAddCharSet(want, FC_CHARSET, chars);
        }
        FcConfigSubstitute(NULL, want, FcMatchPattern);
        FcDefaultSubstitute(want);
        FcResult result;
        FcPattern *got = FcFontMatch(NULL, want, &result);
        FcChar8 *file = NULL;
        if (got && FcPatternGetString(got, FC_FILE, 0, &file) == FcResultMatch)
            path = strdup((const char *)file);
        if (got)
            FcPatternDestroy(got);
    }
    if (chars)
        FcCharSetDestroy(chars);
    if (want)
        FcPatternDestroy(want);
    return path;
}

/* Takes over `path`. */
static bool add_face(struct fonts *f, char *path)
{
    if (!path || f->n_face == (int)(sizeof f->face / sizeof *f->face)) {
        free(path);
        return false;
    }
    struct face *face = &f->face[f->n_face];
    face->path = path;
    for (int i = 0; i < FONT_STYLE_COUNT; i++) {
        face->size[i] = TTF_OpenFont(path, (int)(points[i] * f->scale + 0.5f));
        if (!face->size[i])
            return false;
        TTF_SetFontHinting(face->size[i], TTF_HINTING_LIGHT);
    }
    f->n_face++;
    return true;
}

struct fonts *fonts_open(float scale, bool builtin)
{
    struct fonts *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->scale = scale;
    if (!builtin && TTF_Init() == 0) {
        f->real = add_face(f, find_font("sans-serif", false, 0));
        if (f->real)
            add_face(f, find_font("sans-serif", true, 0));
        else
            TTF_Quit();
    }
    return f;
}

void fonts_close(struct fonts **fonts)
{
    struct fonts *f = *fonts;
    if (!f)
        return;
    for (int i = 0; i < N_SLOT; i++)
        free(f->slot[i].mask);
    for (int i = 0; i < N_SHAPED; i++)
        free(f->shaped[i].glyph.mask);
    for (size_t i = 0; i < sizeof f->face / sizeof *f->face; i++) {
        for (int k = 0; k < FONT_STYLE_COUNT; k++)
            if (f->face[i].size[k])
                TTF_CloseFont(f->face[i].size[k]);
        free(f->face[i].path);
    }
    if (f->real)
        TTF_Quit();
    free(f);
    *fonts = NULL;
}

bool fonts_are_real(const struct fonts *f)
{
    return f->real;
}

static int builtin_dot(const struct fonts *f, enum font_style style)
{
    const size_t at = style < FONT_STYLE_COUNT ? style : 0;
    const int dot = (int)(points[at] * f->scale / 6);
    return dot > 1 ? dot : 1;
}

int fonts_height(const struct fonts *f, enum font_style style)
{
    if (f->real)
        return TTF_FontLineSkip(f->face[0].size[style]);
    return builtin_dot(f, style) * (FONT_BUILTIN_H + 2);
}

/* ---- glyphs -------------------------------------------------------------------------
 */

static TTF_Font *face_with(struct fonts *f, enum font_style style, uint32_t c)
{
    const int first = style == FONT_STRONG && f->n_face > 1 ? 1 : 0;
    if (TTF_GlyphIsProvided32(f->face[first].size[style], c))
        return f->face[first].size[style];
    for (int i = 0; i < f->n_face; i++)
        if (TTF_GlyphIsProvided32(f->face[i].size[style], c))
            return f->face[i].size[style];
    if (add_face(f, find_font("sans-serif", false, c)) &&
        TTF_GlyphIsProvided32(f->face[f->n_face - 1].size[style], c))
        return f->face[f->n_face - 1].size[style];
    return NULL;
}

static const SDL_Color white = {255, 255, 255, 255};

/* Its coverage; `s` is freed. */
static void take_surface(struct fonts *f, struct glyph *g, enum font_style style,
                         TTF_Font *font, SDL_Surface *s)
{
    /* Lines of all faces share a base line. */
    g->top = TTF_FontAscent(f->face[0].size[style]) - TTF_FontAscent(font);
    if (!s)
        return;
    g->mask = calloc((size_t)s->w * (size_t)s->h + 1, 1);
    if (g->mask) {
        g->w = s->w;
        g->h = s->h;
        for (int y = 0; y < s->h; y++) {
            const uint32_t *row =
                (const void *)((const uint8_t *)s->pixels + (ptrdiff_t)y * s->pitch);
            for (int x = 0; x < s->w; x++)
                g->mask[y * s->w + x] = (uint8_t)(row[x] >> 24);
        }
    }
    SDL_FreeSurface(s);
}

static void render_real(struct fonts *f, struct glyph *g, enum font_style style,
                        uint32_t c)
{
    TTF_Font *font = face_with(f, style, c);
    if (!font) {
        font = f->face[0].size[style];
        c = REPLACEMENT;
    }
    TTF_GlyphMetrics32(font, c, NULL, NULL, NULL, NULL, &g->advance);
    take_surface(f, g, style, font, TTF_RenderGlyph32_Blended(font, c, white));
}

static void render_builtin(struct fonts *f, struct glyph *g, enum font_style style,
                           uint32_t c)
{
    const int dot = builtin_dot(f, style);
    const uint16_t bits = font_builtin_glyph(c);
    g->w = FONT_BUILTIN_W * dot;
    g->h = FONT_BUILTIN_H * dot;
    g->top = dot;
    g->advance = (FONT_BUILTIN_W + 1) * dot;
    g->mask = calloc((size_t)g->w * (size_t)g->h, 1);
    for (int y = 0; g->mask && y < g->h; y++)
        for (int x = 0; x < g->w; x++)
            g->mask[y * g->w + x] = bits >> (14 - (y / dot * 3 + x / dot)) & 1 ? 255 : 0;
}

static void forget_glyphs(struct fonts *f)
{
    for (int i = 0; i < N_SLOT; i++) {
        free(f->slot[i].mask);
        f->slot[i] = (struct glyph){0};
    }
    f->n_glyph = 0;
}

static struct glyph *glyph(struct fonts *f, enum font_style style, uint32_t c)
{
    const uint32_t key = c * FONT_STYLE_COUNT + (uint32_t)style + 1;
    uint32_t at = key * 2654435761u >> 19; /* 13 bits: N_SLOT */
    for (; f->slot[at].key; at = (at + 1) % N_SLOT)
        if (f->slot[at].key == key)
            return &f->slot[at];
    if (f->n_glyph >= N_SLOT / 2) {
        forget_glyphs(f);
        at = key * 2654435761u >> 19;
    }
    f->n_glyph++;
    f->slot[at].key = key;
    if (f->real)
        render_real(f, &f->slot[at], style, c);
    else
        render_builtin(f, &f->slot[at], style, c);
    return &f->slot[at];
}

/* ---- text ----------------------------------------------------------------------------
 */

uint32_t font_code_point(const char *text, size_t n, size_t *used)
{
    const uint8_t *s = (const uint8_t *)text;
    const size_t len = s[0] < 0x80   ? 1
                       : s[0] < 0xc2 ? 0
                       : s[0] < 0xe0 ? 2
                       : s[0] < 0xf0 ? 3
                       : s[0] < 0xf5 ? 4
                                     : 0;
    *used = 1;
    if (len == 1)
        return s[0];
    if (len == 0 || len > n)
        return REPLACEMENT;
    uint32_t c = s[0] & (0xffu >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return REPLACEMENT;
        c = c << 6 | (s[i] & 0x3f);
    }
    *used = len;
    return c;
}

/* The run shaped by HarfBuzz through SDL_ttf, with its joins, marks and direction; NULL
 * where it is too long to be kept, or no face has its script. */
static const struct glyph *shaped(struct fonts *f, enum font_style style,
                                  const char *text, const struct font_run *run)
{
    uint32_t hash = 2166136261u ^ (uint32_t)style;
    size_t used;
    if (!f->real || run->n >= MAX_SHAPED)
        return NULL;
    for (size_t i = 0; i < run->n; i++)
        hash = (hash ^ (uint8_t)text[i]) * 16777619u;
    struct shaped *s = &f->shaped[hash % N_SHAPED];
    if (s->style == style && strlen(s->text) == run->n &&
        memcmp(s->text, text, run->n) == 0)
        return s->glyph.mask ? &s->glyph : NULL;
    free(s->glyph.mask);
    *s = (struct shaped){.style = style};
    memcpy(s->text, text, run->n);
    TTF_Font *font = face_with(f, style, font_code_point(text, run->n, &used));
    if (!font || TTF_SetFontDirection(font, run->from_right ? TTF_DIRECTION_RTL
                                                            : TTF_DIRECTION_LTR) != 0)
        return NULL; /* also where the library was built without it */
    (void)TTF_SetFontScriptName(font, run->script);
    take_surface(f, &s->glyph, style, font, TTF_RenderUTF8_Blended(font, s->text, white));
    s->glyph.advance = s->glyph.w;
    (void)TTF_SetFontDirection(font, TTF_DIRECTION_LTR);
    (void)TTF_SetFontScriptName(font, "Latn");
    return s->glyph.mask ? &s->glyph : NULL;
}

static int put_glyph(struct canvas *c, const struct glyph *g, int x, int y,
                     uint32_t color, int alpha)
{
    if (c && g->mask)
        canvas_mask(c, x, y + g->top, g->mask, g->w, g->h, g->w, color, alpha);
    return g->advance;
}

int fonts_draw(struct fonts *f, struct canvas *c, enum font_style style, int x, int y,
               const char *text, size_t n, uint32_t color, int alpha)
{
    int width = 0;
    for (size_t at = 0; at < n;) {
        const struct font_run run = font_first_run(text + at, n - at);
        const struct glyph *whole = run.script ? shaped(f, style, text + at, &run) : NULL;
        if (whole)
            width += put_glyph(c, whole, x + width, y, color, alpha);
        for (size_t i = at; i < at + run.n && !whole;) {
            size_t used;
            const uint32_t cp = font_code_point(text + i, n - i, &used);
            width += put_glyph(c, glyph(f, style, cp < 32 ? ' ' : cp), x + width, y,
                               color, alpha);
            i += used;
        }
        at += run.n;
    }
    return width;
}

int fonts_width(struct fonts *f, enum font_style style, const char *text, size_t n)
{
    return fonts_draw(f, NULL, style, 0, 0, text, n, 0, 0);
}

int fonts_label(struct fonts *f, struct canvas *c, enum font_style style, int x, int y,
                int most, const char *text, uint32_t color)
{
    size_t n = strlen(text);
    if (fonts_width(f, style, text, n) <= most)
        return fonts_draw(f, c, style, x, y, text, n, color, 255);
    const char *dots = f->real ? "\xe2\x80\xa6" : "..";
    const int room = most - fonts_width(f, style, dots, strlen(dots));
    while (n > 0 && (fonts_width(f, style, text, n) > room || (text[n] & 0xc0) == 0x80))
        n--;
    if (n == 0)
        return 0;
    const int w = fonts_draw(f, c, style, x, y, text, n, color, 255);
    return w + fonts_draw(f, c, style, x + w, y, dots, strlen(dots), color, 255);
}
