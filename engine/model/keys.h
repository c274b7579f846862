/* keys.h - reading metadata whose keys start with the architecture's name. */
#ifndef MODEL_KEYS_H
#define MODEL_KEYS_H

#include "gguf/gguf.h"

enum { KEYS_MAX_PREFIX = 64 };

struct keys {
    const struct gguf *g;
    char prefix[KEYS_MAX_PREFIX + 1]; /* general.architecture */
    char key[2 * KEYS_MAX_PREFIX];    /* the last key asked for, in full */
};

/* Returns LEM_OK, or has logged what is wrong with general.architecture. */
enum lem_status keys_open(struct keys *r, const struct gguf *g);

/* "expert_count" -> "olmoe.expert_count"; valid until the next call. */
const char *keys_full(struct keys *r, const char *suffix);
bool keys_stated(struct keys *r, const char *suffix);
bool keys_is_array(struct keys *r, const char *suffix);

/*
 * Each leaves *out as it is, the default, when the key is absent; keys_need_u32 fails
 * then. All return LEM_OK, LEM_ERR_FORMAT or LEM_ERR_UNSUPPORTED, logged with key,
 * value and what was expected.
 */

/* An integer in [min, max], or an array of equal ones (some tools write one value
 * per block). */
enum lem_status keys_u32(struct keys *r, const char *suffix, uint32_t min, uint32_t max,
                         uint32_t *out);
/* The same key for block `il`: an integer for all, or element il of an array. */
enum lem_status keys_u32_at(struct keys *r, const char *suffix, uint32_t il, uint32_t min,
                            uint32_t max, uint32_t *out);
enum lem_status keys_need_u32(struct keys *r, const char *suffix, uint32_t min,
                              uint32_t max, uint32_t *out);
/* In [min, max]. */
enum lem_status keys_f32(struct keys *r, const char *suffix, float min, float max,
                         float *out);
enum lem_status keys_bool(struct keys *r, const char *suffix, bool *out);
/* Element il of an array of bool or of integers. */
enum lem_status keys_bool_at(struct keys *r, const char *suffix, uint32_t il, bool *out);

#endif
