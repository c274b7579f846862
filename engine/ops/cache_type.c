/* cache_type.c - how many bytes a cache of keys or values takes, by type: the host's
 * side of shaders/common/kv.glsl. */
#include "ops/ops.h"

#include "base/check.h"

static const struct cache_type {
    const char *name;
    uint32_t slot_dims;  /* dims in a slot of 16 bytes */
    uint32_t scale_dims; /* dims whose scales share a slot; 0 = no scales */
} types[] = {
    [LEM_CACHE_F16] = {"f16", 8, 0},
    [LEM_CACHE_F32] = {"f32", 4, 0},
    [LEM_CACHE_Q8_0] = {"q8_0", 16, 128},
};
enum { N_TYPE = sizeof types / sizeof *types, SLOT_BYTES = 16 };

const char *ops_cache_name(enum lem_cache_type type)
{
    return (unsigned)type < N_TYPE ? types[type].name : NULL;
}

uint32_t ops_cache_dim_slots(enum lem_cache_type type, uint32_t dim)
{
    return ceil_div(dim, types[type].slot_dims);
}

uint64_t ops_cache_bytes(enum lem_cache_type type, uint32_t n_head, uint32_t n_ctx,
                         uint32_t dim)
{
    const struct cache_type *t = &types[type];
    uint64_t slots = ceil_div(dim, t->slot_dims);
    if (t->scale_dims)
        slots += ceil_div(dim, t->scale_dims);
    uint64_t bytes;
    if (!check_mul(slots * SLOT_BYTES, n_head, &bytes) ||
        !check_mul(bytes, round_up(n_ctx, OPS_CACHE_TILE), &bytes))
        return UINT64_MAX;
    return bytes;
}
