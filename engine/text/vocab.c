/* vocab.c - the token table of a file: texts, scores, types, and lookup by text. */
#include "text/vocab.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

#define KEY_TOKENS "tokenizer.ggml.tokens"
#define KEY_SCORES "tokenizer.ggml.scores"
#define KEY_TYPES  "tokenizer.ggml.token_type"

/* Ids are int32_t, and twice as many slots must fit 32 bits. */
enum { VOCAB_MAX = 1 << 28 };

static uint64_t hash_bytes(const char *text, size_t n)
{
    uint64_t h = 0xCBF29CE484222325u; /* FNV-1a, then folded: slots use low bits */
    for (size_t i = 0; i < n; i++)
        h = (h ^ (uint8_t)text[i]) * 0x100000001B3u;
    return h ^ h >> 32;
}

/* The slot that holds this text, or the free one where it belongs. */
static uint32_t find_slot(const struct vocab *v, const char *text, size_t n)
{
    uint32_t i = (uint32_t)hash_bytes(text, n) & (v->n_slot - 1);
    while (v->slot[i]) {
        const struct vocab_token *t = &v->token[v->slot[i] - 1];
        if (t->n_text == n && memcmp(t->text, text, n) == 0)
            break;
        i = (i + 1) & (v->n_slot - 1);
    }
    return i;
}

int32_t vocab_find(const struct vocab *v, const char *text, size_t n)
{
    if (n == 0 || n > v->longest)
        return -1;
    return (int32_t)v->slot[find_slot(v, text, n)] - 1;
}

const char *vocab_show(const char *text, size_t n, char out[VOCAB_SHOW_MAX])
{
    const size_t room = VOCAB_SHOW_MAX - 4;
    const size_t len = n < room ? n : room;
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)text[i] < 0x20 || text[i] == 0x7F ? '?' : text[i];
    memcpy(out + len, n > room ? "..." : "", n > room ? 4 : 1);
    return out;
}

/* An array of `count` elements of `type`; *out stays NULL when the key is absent
 * and not `required`. */
static enum lem_status find_array(const struct gguf *g, const char *key,
                                  enum gguf_type type, const char *expected,
                                  bool required, const struct gguf_kv **out)
{
    const struct gguf_kv *kv = gguf_find_kv(g, key);
    *out = NULL;
    if (!kv)
        return required ? gguf_complain(g, key, GGUF_MISSING, expected) : LEM_OK;
    if (!kv->is_array || kv->type != type)
        return gguf_complain(g, key, GGUF_WRONG_TYPE, expected);
    *out = kv;
    return LEM_OK;
}

static enum lem_status check_count(const struct vocab *v, const struct gguf *g,
                                   const struct gguf_kv *kv, const struct lem_log *log)
{
    if (kv->count == v->n)
        return LEM_OK;
    return log_fail(log, LEM_ERR_FORMAT,
                    "%s: %s has %llu elements, %s has %u: both must agree. The file is "
                    "damaged or was converted wrongly: convert it again.",
                    g->path, kv->key, (unsigned long long)kv->count, KEY_TOKENS, v->n);
}

static enum lem_status index_token(struct vocab *v, uint32_t id, const struct gguf *g,
                                   const struct lem_log *log)
{
    const struct vocab_token *t = &v->token[id];
    if (t->n_text == 0)
        return LEM_OK;
    const uint32_t i = find_slot(v, t->text, t->n_text);
    if (v->slot[i]) {
        char show[VOCAB_SHOW_MAX];
        return log_fail(log, LEM_ERR_FORMAT,
                        "%s: %s: tokens %u and %u have the same text \"%s\". The file is "
                        "damaged or was converted wrongly: convert it again.",
                        g->path, KEY_TOKENS, v->slot[i] - 1, id,
                        vocab_show(t->text, t->n_text, show));
    }
    v->slot[i] = id + 1;
    return LEM_OK;
}

static enum lem_status read_texts(struct vocab *v, const struct gguf *g,
                                  struct arena *arena, const struct lem_log *log)
{
    const struct gguf_kv *kv;
    enum lem_status st =
        find_array(g, KEY_TOKENS, GGUF_STRING, "an array of strings", true, &kv);
    if (st != LEM_OK || !kv) /* required: found, or said why not */
        return st;
    if (kv->count == 0 || kv->count > VOCAB_MAX)
        return log_fail(log, LEM_ERR_FORMAT, "%s: %s has %llu elements, expected 1 to %d",
                        g->path, KEY_TOKENS, (unsigned long long)kv->count, VOCAB_MAX);
    v->n = (uint32_t)kv->count;
    for (v->n_slot = 16; v->n_slot < 2 * v->n;)
        v->n_slot *= 2;
    v->token = arena_alloc(arena, v->n, sizeof *v->token);
    v->slot = arena_alloc(arena, v->n_slot, sizeof *v->slot);
    if (!v->token || !v->slot)
        return log_fail(
            log, LEM_ERR_MEMORY,
            "%s: host memory ran out reading %u tokens. Close other programs.", g->path,
            v->n);

    const uint8_t *at = kv->data;
    struct gguf_str s;
    for (uint32_t id = 0; id < v->n && gguf_next_str(kv, &at, &s); id++) {
        if (s.len > INT32_MAX)
            return log_fail(log, LEM_ERR_FORMAT, "%s: %s: token %u has %llu bytes",
                            g->path, KEY_TOKENS, id, (unsigned long long)s.len);
        v->token[id].text = s.ptr;
        v->token[id].n_text = (uint32_t)s.len;
        v->token[id].type = TOKEN_NORMAL;
        if (s.len > v->longest)
            v->longest = (uint32_t)s.len;
        if ((st = index_token(v, id, g, log)) != LEM_OK)
            return st;
    }
    return LEM_OK;
}

static float read_f32(const uint8_t *p)
{
    const uint32_t bits =
        p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static enum lem_status read_scores(struct vocab *v, const struct gguf *g,
                                   const struct lem_log *log)
{
    const struct gguf_kv *kv;
    enum lem_status st =
        find_array(g, KEY_SCORES, GGUF_F32, "an array of f32", false, &kv);
    if (st != LEM_OK || !kv)
        return st;
    if ((st = check_count(v, g, kv, log)) != LEM_OK)
        return st;
    for (uint32_t id = 0; id < v->n; id++) {
        v->token[id].score = read_f32(kv->data + 4 * (size_t)id);
        if (isnan(v->token[id].score))
            return log_fail(log, LEM_ERR_FORMAT,
                            "%s: %s: element %u is not a number. The file is damaged.",
                            g->path, KEY_SCORES, id);
    }
    return LEM_OK;
}

static enum lem_status read_types(struct vocab *v, const struct gguf *g,
                                  const struct lem_log *log)
{
    const struct gguf_kv *kv;
    enum lem_status st =
        find_array(g, KEY_TYPES, GGUF_I32, "an array of i32", false, &kv);
    if (st != LEM_OK || !kv)
        return st;
    if ((st = check_count(v, g, kv, log)) != LEM_OK)
        return st;
    v->has_types = true;
    for (uint32_t id = 0; id < v->n; id++) {
        const uint8_t *p = kv->data + 4 * (size_t)id;
        if (p[0] >= TOKEN_TYPE_COUNT || p[1] || p[2] || p[3])
            return log_fail(log, LEM_ERR_FORMAT,
                            "%s: %s: element %u is out of range 0..%d. The file is "
                            "damaged.",
                            g->path, KEY_TYPES, id, TOKEN_TYPE_COUNT - 1);
        v->token[id].type = p[0] == TOKEN_UNDEFINED ? TOKEN_NORMAL : p[0];
    }
    return LEM_OK;
}

/* <architecture>.vocab_size counts the rows of the embedding. Fewer tokens than rows
 * are padding; more would name rows that do not exist. */
static enum lem_status check_vocab_size(const struct vocab *v, const struct gguf *g,
                                        const struct lem_log *log)
{
    struct gguf_str arch;
    char key[160];
    if (gguf_get_str(g, "general.architecture", &arch) != GGUF_FOUND || arch.len > 128)
        return LEM_OK; /* model/ complains of these, where they matter */
    snprintf(key, sizeof key, "%.*s.vocab_size", (int)arch.len, arch.ptr);
    uint32_t rows;
    const enum gguf_answer a = gguf_get_u32(g, key, 1, UINT32_MAX, &rows);
    if (a == GGUF_MISSING)
        return LEM_OK;
    if (a != GGUF_FOUND)
        return gguf_complain(g, key, a, "an integer above 0");
    if (v->n > rows)
        return log_fail(log, LEM_ERR_FORMAT,
                        "%s: %s has %u tokens, but %s is %u: the last tokens have no "
                        "weights. The file is damaged or was converted wrongly: convert "
                        "it again.",
                        g->path, KEY_TOKENS, v->n, key, rows);
    if (v->n < rows)
        log_msg(log, LEM_LOG_WARN,
                "%s: %s has %u tokens, %s is %u: ids from %u on have "
                "no text",
                g->path, KEY_TOKENS, v->n, key, rows, v->n);
    return LEM_OK;
}

enum lem_status vocab_load(struct vocab *v, const struct gguf *g, struct arena *arena,
                           const struct lem_log *log)
{
    *v = (struct vocab){0};
    enum lem_status st = read_texts(v, g, arena, log);
    if (st == LEM_OK)
        st = read_scores(v, g, log);
    if (st == LEM_OK)
        st = read_types(v, g, log);
    if (st == LEM_OK)
        st = check_vocab_size(v, g, log);
    return st;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int32_t vocab_byte_name(const char *text, size_t n)
{
    if (n != 6 || memcmp(text, "<0x", 3) != 0 || text[5] != '>')
        return -1;
    const int hi = hex_digit(text[3]), lo = hex_digit(text[4]);
    return hi < 0 || lo < 0 ? -1 : hi * 16 + lo;
}

enum lem_status vocab_set_pieces(struct vocab *v, const struct gguf *g,
                                 vocab_spelling *spelling, bool spell_user_defined,
                                 struct arena *arena, const struct lem_log *log)
{
    size_t room = 0;
    for (uint32_t id = 0; id < v->n; id++)
        room += v->token[id].n_text;
    char *out = arena_alloc(arena, room, 1);
    if (!out)
        return log_fail(
            log, LEM_ERR_MEMORY,
            "%s: host memory ran out spelling %u tokens. Close other programs.", g->path,
            v->n);
    for (uint32_t id = 0; id < v->n; id++) {
        struct vocab_token *t = &v->token[id];
        size_t len = SIZE_MAX;
        if (t->type == TOKEN_BYTE) {
            const int32_t byte = vocab_byte_name(t->text, t->n_text);
            char show[VOCAB_SHOW_MAX];
            if (byte < 0)
                return log_fail(log, LEM_ERR_FORMAT,
                                "%s: %s: token %u is of type byte, but its text is "
                                "\"%s\" instead of <0x00> to <0xFF>",
                                g->path, KEY_TOKENS, id,
                                vocab_show(t->text, t->n_text, show));
            out[0] = (char)byte;
            len = 1;
        } else if (t->type == TOKEN_NORMAL || t->type == TOKEN_UNUSED ||
                   (t->type == TOKEN_USER_DEFINED && spell_user_defined)) {
            len = spelling(t->text, t->n_text, out);
        }
        t->piece = len == SIZE_MAX ? t->text : out;
        t->n_piece = len == SIZE_MAX ? t->n_text : (uint32_t)len;
        out += len == SIZE_MAX ? 0 : len;
    }
    return LEM_OK;
}
