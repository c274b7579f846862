/* font_builtin.h - a tiny face, for where the system has no fonts. */
#ifndef VIEWER_FONT_BUILTIN_H
#define VIEWER_FONT_BUILTIN_H

#include <stdint.h>

enum { FONT_BUILTIN_W = 3, FONT_BUILTIN_H = 5 };

/* Fifteen bits, rows from the top, the leftmost dot the highest of three. Small
 * letters are shown as capitals, what it does not have as a box. */
uint16_t font_builtin_glyph(uint32_t code_point);

#endif
