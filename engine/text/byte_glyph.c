/* byte_glyph.c - the printable code point that stands for each byte in the token
 * texts of byte-level BPE. */
#include "text/byte_glyph.h"

#include "text/utf8.h"

/* Three runs of bytes have a glyph of their own; in order these are the code
 * points 256..288, 289..322 and 323. */
enum {
    RUN_1_END = 33, /* bytes 0..32 */
    RUN_2 = 127,
    RUN_2_END = 161, /* bytes 127..160 */
    RUN_3 = 173,     /* the soft hyphen */
    GLYPH_1 = 256,
    GLYPH_2 = GLYPH_1 + RUN_1_END,
    GLYPH_3 = GLYPH_2 + RUN_2_END - RUN_2,
};

int32_t byte_glyph_of(uint8_t byte)
{
    if (byte < RUN_1_END)
        return GLYPH_1 + byte;
    if (byte >= RUN_2 && byte < RUN_2_END)
        return GLYPH_2 + byte - RUN_2;
    if (byte == RUN_3)
        return GLYPH_3;
    return byte;
}

int32_t byte_glyph_to_byte(int32_t code)
{
    if (code >= 0 && code < GLYPH_1)
        return byte_glyph_of((uint8_t)code) == code ? code : -1;
    if (code >= GLYPH_1 && code < GLYPH_2)
        return code - GLYPH_1;
    if (code >= GLYPH_2 && code < GLYPH_3)
        return code - GLYPH_2 + RUN_2;
    return code == GLYPH_3 ? RUN_3 : -1;
}

size_t byte_glyph_encode(const char *bytes, size_t n, char *out)
{
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        const int32_t code = byte_glyph_of((uint8_t)bytes[i]);
        if (code < 0x80) {
            out[len++] = (char)code;
        } else { /* all glyphs are below U+0800 */
            out[len++] = (char)(0xC0 | code >> 6);
            out[len++] = (char)(0x80 | (code & 0x3F));
        }
    }
    return len;
}

size_t byte_glyph_decode(const char *text, size_t n, char *out)
{
    size_t len = 0;
    for (size_t at = 0; at < n;) {
        int32_t code;
        const uint32_t step = utf8_char(text + at, n - at, &code);
        const int32_t byte = step ? byte_glyph_to_byte(code) : -1;
        if (byte < 0)
            return SIZE_MAX;
        out[len++] = (char)byte;
        at += step;
    }
    return len;
}
