/* test_detokenize.c - the bytes of every id of real vocabularies, worked out here from
 * the texts in the file, and texts of any ids printed as they come: never half a
 * character. The model that ships is always there; others lie beside the project. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/capture.h"
#include "support/tolerance.h"
#include "text/tokenizer.h"

enum { PIECE_MAX = 4096 };

struct opened {
    struct gguf *g;
    struct lem_tokenizer *t;
    struct capture capture;
    bool spm;
};

static void open_file(struct opened *o, const char *path)
{
    *o = (struct opened){0};
    const struct lem_log log = capture_log(&o->capture);
    struct gguf_str model;
    assert_int_equal(gguf_open(&o->g, path, &log), LEM_OK);
    assert_int_equal(tokenizer_open(&o->t, o->g, &log), LEM_OK);
    assert_silent(&o->capture);
    assert_int_equal(gguf_get_str(o->g, "tokenizer.ggml.model", &model), GGUF_FOUND);
    o->spm = model.len == 5 && memcmp(model.ptr, "llama", 5) == 0;
}

static void close_file(struct opened *o)
{
    lem_tokenizer_close(&o->t);
    gguf_close(&o->g);
}

/* ---- what the bytes should be ----------------------------------------------------- */

/* GPT-2's bytes_to_unicode: printable bytes are themselves, the k-th other is 256 + k. */
static int byte_of_glyph(uint32_t code)
{
    uint32_t k = 0;
    for (int b = 0; b < 256; b++) {
        const bool plain = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) ||
                           (b >= 0xAE && b <= 0xFF);
        if (code == (plain ? (uint32_t)b : 256 + k))
            return b;
        k += !plain;
    }
    return -1;
}

/* One or two bytes of UTF-8; others are no glyphs. */
static uint32_t short_char(const char *s, size_t n, size_t *len)
{
    const uint8_t a = (uint8_t)s[0];
    *len = a < 0x80 || n < 2 ? 1 : 2;
    return *len == 1 ? a : (a & 0x1Fu) << 6 | ((uint8_t)s[1] & 0x3Fu);
}

static size_t from_glyphs(const char *text, size_t n, char *out)
{
    size_t n_out = 0, len = 1;
    for (size_t at = 0; at < n; at += len) {
        const int byte = byte_of_glyph(short_char(text + at, n - at, &len));
        if (byte < 0 || ((uint8_t)text[at] >= 0xE0)) { /* no glyphs: text as it is */
            memcpy(out, text, n);
            return n;
        }
        out[n_out++] = (char)byte;
    }
    return n_out;
}

static size_t from_marks(const char *text, size_t n, char *out)
{
    size_t n_out = 0;
    for (size_t at = 0; at < n;) {
        const bool mark = n - at >= 3 && memcmp(text + at, "\xE2\x96\x81", 3) == 0;
        out[n_out++] = mark ? ' ' : text[at];
        at += mark ? 3 : 1;
    }
    return n_out;
}

enum { NORMAL = 1, UNKNOWN = 2, CONTROL = 3, USER = 4, UNUSED = 5, BYTE = 6 };

static size_t expected(const struct opened *o, struct gguf_str text, int32_t type,
                       bool special, char *out)
{
    unsigned byte;
    if ((type == CONTROL || type == UNKNOWN) && !special)
        return 0;
    if (type == BYTE && text.len == 6 && sscanf(text.ptr, "<0x%2X>", &byte) == 1) {
        out[0] = (char)byte;
        return 1;
    }
    if (o->spm && (type == NORMAL || type == USER || type == UNUSED))
        return from_marks(text.ptr, (size_t)text.len, out);
    if (!o->spm && (type == NORMAL || type == UNUSED))
        return from_glyphs(text.ptr, (size_t)text.len, out);
    memcpy(out, text.ptr, (size_t)text.len);
    return (size_t)text.len;
}

static void check_id(const struct opened *o, int32_t id, struct gguf_str text,
                     int32_t type)
{
    char want[PIECE_MAX], got[PIECE_MAX];
    assert_true(text.len < PIECE_MAX);
    for (int special = 0; special < 2; special++) {
        const size_t n = expected(o, text, type, special, want);
        const size_t n_got = lem_tokenizer_piece(o->t, id, special != 0, got, sizeof got);
        if (n_got != n || memcmp(got, want, n) != 0)
            fail_msg("%s: id %d \"%.*s\" gives \"%.*s\", expected \"%.*s\"", o->g->path,
                     id, (int)text.len, text.ptr, (int)n_got, got, (int)n, want);
        /* Alone, a text may lose the space that encoding put before it; nothing else. */
        const size_t n_text =
            lem_tokenizer_decode(o->t, &id, 1, special != 0, got, sizeof got);
        const size_t cut = n - n_text;
        assert_true(n_text <= n && cut <= 1 && (cut == 0 || (o->spm && want[0] == ' ')));
        assert_memory_equal(got, want + cut, n_text);
    }
}

/* ---- printed as they come -----------------------------------------------------------
 */

/* Bytes of the well-formed character there (Unicode, table 3-7); 0 when there is none. */
static size_t char_len(const char *text, size_t n)
{
    static const uint8_t rows[][4] = {/* first byte from, to; second byte from, to */
                                      {0xC2, 0xDF, 0x80, 0xBF}, {0xE0, 0xE0, 0xA0, 0xBF},
                                      {0xE1, 0xEC, 0x80, 0xBF}, {0xED, 0xED, 0x80, 0x9F},
                                      {0xEE, 0xEF, 0x80, 0xBF}, {0xF0, 0xF0, 0x90, 0xBF},
                                      {0xF1, 0xF3, 0x80, 0xBF}, {0xF4, 0xF4, 0x80, 0x8F}};
    const uint8_t *s = (const uint8_t *)text;
    if (s[0] < 0x80)
        return 1;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const size_t len = s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
        if (s[0] < rows[i][0] || s[0] > rows[i][1] || n < len || s[1] < rows[i][2] ||
            s[1] > rows[i][3])
            continue;
        for (size_t k = 2; k < len; k++)
            if (s[k] < 0x80 || s[k] > 0xBF)
                return 0;
        return len;
    }
    return 0;
}

/* Ids one by one, and after each all that may be printed: together it is the whole text,
 * and no character is cut. */
static void check_stream(const struct opened *o, uint64_t *seed, uint32_t n_vocab)
{
    enum { N = 64 };
    static char all[N * PIECE_MAX];
    static bool cut[N * PIECE_MAX];
    size_t n_all = 0, n_out = 0;
    memset(cut, 0, sizeof cut);
    for (int i = 0; i < N; i++) {
        const int32_t id = (int32_t)(random_u32(seed) % n_vocab);
        n_all += lem_tokenizer_piece(o->t, id, true, all + n_all, PIECE_MAX);
        n_out += lem_utf8_whole(all + n_out, n_all - n_out);
        assert_true(n_out <= n_all && n_all - n_out < 4); /* no more than has begun */
        cut[n_out] = true;
    }
    for (size_t at = 0; at < n_all;) {
        const size_t len = char_len(all + at, n_all - at);
        for (size_t k = 1; k < len; k++)
            if (cut[at + k])
                fail_msg("%s: a character of %zu bytes is cut after %zu", o->g->path, len,
                         k);
        at += len ? len : 1;
    }
}

/* ---- files ----------------------------------------------------------------------------
 */

static uint32_t check_file(const char *path)
{
    struct opened o;
    open_file(&o, path);
    const struct gguf_kv *tokens = gguf_find_kv(o.g, "tokenizer.ggml.tokens");
    const struct gguf_kv *types = gguf_find_kv(o.g, "tokenizer.ggml.token_type");
    assert_non_null(tokens);
    const uint8_t *at = tokens->data;
    struct gguf_str text;
    uint32_t n = 0;
    for (; gguf_next_str(tokens, &at, &text); n++)
        check_id(&o, (int32_t)n, text, types ? types->data[4 * (size_t)n] : NORMAL);
    assert_int_equal(n, tokens->count);
    uint64_t seed = 11;
    for (int i = 0; i < 200; i++)
        check_stream(&o, &seed, n);
    close_file(&o);
    return n;
}

static void every_id_of_the_model_that_ships(void **state)
{
    (void)state;
    const uint32_t n = check_file(LEM_TEST_ASSETS "/moe-tales-q8_0.gguf");
    assert_true(n > 256);
    printf("%u ids\n", n);
}

static void every_id_of_real_vocabularies(void **state)
{
    (void)state;
    const char *dir = LEM_TEST_SHARED "/vocab";
    DIR *d = opendir(dir);
    uint32_t n_file = 0, n_id = 0;
    if (!d) {
        printf("skipped: no folder %s\n", dir);
        skip();
    }
    for (struct dirent *e; (e = readdir(d));) {
        const size_t len = strlen(e->d_name);
        char path[512];
        if (len < 5 || strcmp(e->d_name + len - 5, ".gguf") != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        n_id += check_file(path);
        n_file++;
    }
    closedir(d);
    printf("%u vocabularies, %u ids\n", n_file, n_id);
    assert_true(n_file > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_id_of_the_model_that_ships),
        cmocka_unit_test(every_id_of_real_vocabularies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
