/* utf8.c - characters of a byte string, well-formed ones and others. */
#include "text/utf8.h"

#include <utf8proc.h>

#include "lemnos/text.h"

enum { CHAR_MAX_BYTES = 4 };

uint32_t utf8_char(const char *text, size_t n, int32_t *code)
{
    if (n == 0)
        return 0;
    utf8proc_int32_t c = 0;
    const size_t window = n < CHAR_MAX_BYTES ? n : CHAR_MAX_BYTES;
    const utf8proc_ssize_t len =
        utf8proc_iterate((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)window, &c);
    if (len <= 0)
        return 0;
    *code = c;
    return (uint32_t)len;
}

bool utf8_valid(const char *text, size_t n)
{
    size_t at = 0;
    while (at < n) {
        int32_t code;
        const uint32_t len = utf8_char(text + at, n - at, &code);
        if (len == 0)
            return false;
        at += len;
    }
    return true;
}

/* Bytes that a character starting with `lead` has; 0 when none starts so. */
static size_t length_by_lead(uint8_t lead)
{
    if (lead >= 0xC2 && lead <= 0xDF)
        return 2;
    if (lead >= 0xE0 && lead <= 0xEF)
        return 3;
    if (lead >= 0xF0 && lead <= 0xF4)
        return 4;
    return 0;
}

/* Can `n` bytes become a character when more come? The range of the second byte
 * is narrower after E0, ED, F0 and F4 (Unicode 15.0, table 3-7). */
static bool is_prefix(const uint8_t *s, size_t n)
{
    if (n == 0 || n >= length_by_lead(s[0]))
        return false;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xC0) != 0x80)
            return false;
    if (n < 2)
        return true;
    switch (s[0]) {
    case 0xE0:
        return s[1] >= 0xA0;
    case 0xED:
        return s[1] < 0xA0;
    case 0xF0:
        return s[1] >= 0x90;
    case 0xF4:
        return s[1] < 0x90;
    default:
        return true;
    }
}

size_t lem_utf8_whole(const char *text, size_t n_byte)
{
    const uint8_t *s = (const uint8_t *)text;
    for (size_t back = 1; back < CHAR_MAX_BYTES && back <= n_byte; back++)
        if (is_prefix(s + n_byte - back, back))
            return n_byte - back;
    return n_byte;
}
