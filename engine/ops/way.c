/* way.c - the ways to compute products, and which one a device takes. */
#include "ops/way.h"

#include <assert.h>

static const struct {
    const char *name;
    bool tile, texels;
} ways[OPS_N_WAY] = {
    [OPS_WAY_ANY] = {"any", false, false},
    [OPS_WAY_REGISTER] = {"registers", false, false},
    [OPS_WAY_REGISTER_TEXEL] = {"registers, texels", false, true},
    [OPS_WAY_TILE] = {"tiles", true, false},
    [OPS_WAY_TILE_TEXEL] = {"tiles, texels", true, true},
};

const char *ops_way_name(enum ops_way way)
{
    return ways[way].name;
}

bool ops_way_is_tile(enum ops_way way)
{
    return ways[way].tile;
}

bool ops_way_has_texels(enum ops_way way)
{
    return ways[way].texels;
}

enum ops_way ops_way_in_registers(enum ops_way way)
{
    return ways[way].texels ? OPS_WAY_REGISTER_TEXEL : OPS_WAY_REGISTER;
}

/* Where texel buffers hold less than a window, or lanes cannot share what they fetched,
 * texels are no choice. */
bool ops_way_possible(const struct lem_device *device, enum ops_use use, enum ops_way way)
{
    enum { TILE_LANES = 128 }; /* Vulkan promises as many, and the 10 KiB of a tile */
    const struct lem_device_caps *caps = gpu_caps(device);
    if (way <= OPS_WAY_ANY || way >= OPS_N_WAY || use >= OPS_N_USE)
        return false;
    if (ways[way].texels &&
        (!caps->subgroup_quad ||
         caps->max_texel_elements < caps->max_buffer_range / GPU_TEXEL_BYTES))
        return false;
    /* Bytes are read from buffers, integers of 16 bits as texels: see op_round_i8. */
    if (use == OPS_USE_PROMPT_I8 &&
        (gpu_fetches_texels(device) ? way != OPS_WAY_REGISTER_TEXEL
                                    : !caps->int_dot || ways[way].texels))
        return false;
    return !ways[way].tile || (use != OPS_USE_TOKEN && caps->max_workgroup >= TILE_LANES);
}

/* CPU devices run lanes that wait for each other one after the other. */
enum ops_way ops_way_by_rule(const struct lem_device *device, enum ops_use use)
{
    (void)use;
    return gpu_fetches_texels(device) ? OPS_WAY_REGISTER_TEXEL : OPS_WAY_REGISTER;
}

static_assert((int)OPS_N_USE <= GPU_MAX_CHOICE, "a choice of the device for each use");

enum ops_way ops_way_of(const struct lem_device *device, enum ops_use use)
{
    const enum ops_way way = (enum ops_way)gpu_choice(device, use);
    return way == OPS_WAY_ANY ? ops_way_by_rule(device, use) : way;
}

void ops_way_choose(struct lem_device *device, enum ops_use use, enum ops_way way)
{
    gpu_choose(device, use, way);
}
