/* font_script.h - which characters need shaping: letters that join, marks that stand on
 * others, scripts that are read from the right. */
#ifndef VIEWER_FONT_SCRIPT_H
#define VIEWER_FONT_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A stretch of text that is drawn in one way. */
struct font_run {
    size_t n;           /* bytes */
    const char *script; /* its ISO 15924 name, "Arab"; NULL: glyph by glyph will do */
    bool from_right;    /* it is read from the right to the left */
};

/* The first run of `n` > 0 bytes. */
struct font_run font_first_run(const char *text, size_t n);

#endif
