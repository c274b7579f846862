/* utf8.h - characters of a byte string, well-formed ones and others. */
#ifndef TEXT_UTF8_H
#define TEXT_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the well-formed character at the start of `text`, with its code point;
 * 0 when the first byte is not the start of one (or n is 0). */
uint32_t utf8_char(const char *text, size_t n, int32_t *code);

/* True when `text` is characters from end to end. */
bool utf8_valid(const char *text, size_t n);

#endif
