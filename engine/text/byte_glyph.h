/* byte_glyph.h - the printable code point that stands for each byte in the token
 * texts of byte-level BPE.
 *
 * Source: the byte_encoder of GPT-2 (openai/gpt-2, encoder.py): the bytes 33-126,
 * 161-172 and 174-255 stand for themselves, the other 68 for 256, 257, … in order. */
#ifndef TEXT_BYTE_GLYPH_H
#define TEXT_BYTE_GLYPH_H

#include <stddef.h>
#include <stdint.h>

/* 33..323 */
int32_t byte_glyph_of(uint8_t byte);

/* The byte a code point stands for; -1 for all others. */
int32_t byte_glyph_to_byte(int32_t code);

/* `n` bytes as glyphs in UTF-8; `out` has room for 2 * n. Returns bytes written. */
size_t byte_glyph_encode(const char *bytes, size_t n, char *out);

/* The bytes that the glyphs stand for; `out` has room for n. Returns bytes
 * written, or SIZE_MAX when the text holds anything but glyphs. */
size_t byte_glyph_decode(const char *text, size_t n, char *out);

#endif
