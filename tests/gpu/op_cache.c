/* op_cache.c - caches of keys and values for tests: the layout of shaders/common/kv.glsl
 * in plain C. */
#include "op_env.h"

#include <math.h>
#include <string.h>

#include "base/check.h"
#include "base/half.h"

enum { SLOT_WORDS = 4 };

/* NaN as an f32, and as two f16. */
static const uint32_t nan_word = 0x7fff7fff;

static uint32_t slot_dims(enum lem_cache_type type)
{
    return type == LEM_CACHE_F32 ? 4 : type == LEM_CACHE_F16 ? 8 : 16;
}

static uint32_t n_slot(const struct op_env_cache *c)
{
    const uint32_t data = ceil_div(c->dim, slot_dims(c->type));
    return c->type == LEM_CACHE_Q8_0 ? data + ceil_div(c->dim, 128) : data;
}

/* Word w of slot s. */
static uint32_t *word_at(const struct op_env_cache *c, uint32_t head, uint32_t pos,
                         uint32_t s, uint32_t w)
{
    const uint64_t tile =
        (uint64_t)head * (c->n_ctx / OPS_CACHE_TILE) + pos / OPS_CACHE_TILE;
    const uint64_t slot = (tile * n_slot(c) + s) * OPS_CACHE_TILE + pos % OPS_CACHE_TILE;
    return &c->word[slot * SLOT_WORDS + w];
}

void op_env_cache_open(struct op_env_cache *c, enum lem_cache_type type, uint32_t n_head,
                       uint32_t n_ctx, uint32_t dim)
{
    *c =
        (struct op_env_cache){.type = type, .n_head = n_head, .n_ctx = n_ctx, .dim = dim};
    c->bytes = ops_cache_bytes(type, n_head, n_ctx, dim);
    assert_int_equal(c->bytes, 16ull * n_head * n_ctx * n_slot(c));
    c->word = malloc(c->bytes);
    assert_non_null(c->word);
    for (uint64_t i = 0; i < c->bytes / 4; i++)
        c->word[i] = nan_word;
}

void op_env_cache_close(struct op_env_cache *c)
{
    free(c->word);
    c->word = NULL;
}

static void set_q8_block(struct op_env_cache *c, uint32_t head, uint32_t pos,
                         uint32_t block, float *x)
{
    const uint32_t first = 32 * block, n = c->dim - first < 32 ? c->dim - first : 32;
    const uint32_t data = ceil_div(c->dim, 16);
    float most = 0;
    for (uint32_t i = 0; i < n; i++)
        most = fmaxf(most, fabsf(x[first + i]));
    const float scale = most / 127;
    memcpy(word_at(c, head, pos, data + block / 4, block % 4), &scale, sizeof scale);
    for (uint32_t i = 0; i < round_up(n, 16); i++) {
        uint32_t *word = word_at(c, head, pos, 2 * block + i / 16, i % 16 / 4);
        const int code = i < n && scale > 0 ? (int)lrintf(x[first + i] / scale) : 0;
        if (i % 4 == 0)
            *word = 0;
        *word |= ((uint32_t)code & 255u) << (8 * (i % 4));
        if (i < n)
            x[first + i] = (float)code * scale;
    }
}

void op_env_cache_set(struct op_env_cache *c, uint32_t head, uint32_t pos, float *x)
{
    if (c->type == LEM_CACHE_Q8_0) {
        for (uint32_t block = 0; 32 * block < c->dim; block++)
            set_q8_block(c, head, pos, block, x);
        return;
    }
    const uint32_t per = slot_dims(c->type);
    for (uint32_t i = 0; i < round_up(c->dim, per); i++) {
        const float v = i < c->dim ? x[i] : 0;
        if (c->type == LEM_CACHE_F32) {
            memcpy(word_at(c, head, pos, i / per, i % per), &v, sizeof v);
            continue;
        }
        const uint16_t half = half_from_f32(v);
        uint32_t *word = word_at(c, head, pos, i / per, i % per / 2);
        *word = i % 2 ? (*word & 0xffffu) | (uint32_t)half << 16 : half;
        if (i < c->dim)
            x[i] = half_to_f32(half);
    }
}

bool op_env_cache_get(const struct op_env_cache *c, uint32_t head, uint32_t pos, float *x)
{
    const uint32_t per = slot_dims(c->type), data = ceil_div(c->dim, per);
    for (uint32_t i = 0; i < c->dim; i++) {
        const uint32_t s = i / per, at = i % per;
        const uint32_t word = *word_at(c, head, pos, s, at * SLOT_WORDS / per);
        if (c->type == LEM_CACHE_F32) {
            memcpy(&x[i], &word, sizeof x[i]);
        } else if (c->type == LEM_CACHE_F16) {
            x[i] = half_to_f32((uint16_t)(word >> 16 * (at % 2)));
        } else {
            float scale;
            memcpy(&scale, word_at(c, head, pos, data + i / 128, i / 32 % 4),
                   sizeof scale);
            x[i] = (float)(int8_t)(word >> 8 * (at % 4)) * scale;
        }
        if (*word_at(c, head, pos, s, 0) == nan_word)
            return false;
    }
    return true;
}

/* f16 keeps 11 bits; a byte of q8_0 stands for 1/127 of the largest of 32 values. Half
 * of the last step, and where a value is between two steps rounding may pick either. */
static float rounded_off(const struct op_env_cache *c, const float *x)
{
    float most = 0;
    for (uint32_t i = 0; i < c->dim; i++)
        most = fmaxf(most, fabsf(x[i]));
    return c->type == LEM_CACHE_F16    ? most / 2048
           : c->type == LEM_CACHE_Q8_0 ? most / 253
                                       : 0;
}

void op_env_cache_check(const struct op_env_cache *c, uint32_t head, uint32_t pos,
                        const float *want, float exact, const char *what)
{
    float *got = op_env_filled(c->dim, 0);
    const bool set = op_env_cache_get(c, head, pos, got);
    if (set != (want != NULL))
        fail_msg("%s: position %u of head %u was %s", what, pos, head,
                 set ? "written, but is no token's" : "not written");
    if (want)
        assert_close(got, want, c->dim, exact + rounded_off(c, want), 0,
                     "%s, cache %s: head %u at %u", what, ops_cache_name(c->type), head,
                     pos);
    free(got);
}
