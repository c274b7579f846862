/* font.h - writing: the system's fonts with fallback for other scripts, or a small
 * built-in face where there are none. */
#ifndef VIEWER_FONT_H
#define VIEWER_FONT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "canvas.h"

enum font_style { FONT_READ, FONT_UI, FONT_STRONG, FONT_SMALL, FONT_STYLE_COUNT };

struct fonts; /* opaque: font.c */

/* Sizes are for `scale` times 96 dots per inch. Never fails for want of fonts, only of
 * memory (NULL). `builtin` asks for the built-in face. */
struct fonts *fonts_open(float scale, bool builtin);
void fonts_close(struct fonts **f);

/* False: no font was found, the built-in face is used. */
bool fonts_are_real(const struct fonts *f);
/* Of a line, from top to top. */
int fonts_height(const struct fonts *f, enum font_style style);
/* `n` bytes of UTF-8, what is none as U+FFFD. */
int fonts_width(struct fonts *f, enum font_style style, const char *text, size_t n);
/* The line's top left corner at x, y; returns the width. */
int fonts_draw(struct fonts *f, struct canvas *c, enum font_style style, int x, int y,
               const char *text, size_t n, uint32_t color, int alpha);
/* The same with a terminated text, cut with "…" where it is wider than `most`. */
int fonts_label(struct fonts *f, struct canvas *c, enum font_style style, int x, int y,
                int most, const char *text, uint32_t color);

/* One code point of `n` > 0 bytes; *used is how many it takes. */
uint32_t font_code_point(const char *text, size_t n, size_t *used);

#endif
