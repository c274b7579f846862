/* way.h - the ways to compute products, and which one a device takes: what was measured
 * (tune.c), or what its type suggests. For ops/ and its tests alone. */
#ifndef OPS_WAY_H
#define OPS_WAY_H

#include "gpu/gpu.h"

/* In registers (shaders/common/rows.glsl) or through tiles in shared memory
 * (shaders/common/tile.glsl), and how weights and activations are fetched. The numbers
 * stand in files: see tune_file.c. */
enum ops_way {
    OPS_WAY_ANY, /* of a shape: in registers, fetched as for one token */
    OPS_WAY_REGISTER,
    OPS_WAY_REGISTER_TEXEL,
    OPS_WAY_TILE,
    OPS_WAY_TILE_TEXEL,
    OPS_N_WAY
};

enum ops_use {
    OPS_USE_TOKEN,     /* one row of activations; never a tile */
    OPS_USE_PROMPT,    /* many, in float */
    OPS_USE_PROMPT_I8, /* many, as bytes */
    OPS_N_USE
};

/* "registers", "registers, texels", … */
const char *ops_way_name(enum ops_way way);
bool ops_way_is_tile(enum ops_way way);
bool ops_way_has_texels(enum ops_way way);
/* In registers, fetched in the same manner. */
enum ops_way ops_way_in_registers(enum ops_way way);

/* Can the device do it? */
bool ops_way_possible(const struct lem_device *device, enum ops_use use,
                      enum ops_way way);
/* What the type of the device suggests. */
enum ops_way ops_way_by_rule(const struct lem_device *device, enum ops_use use);
/* What it takes: as chosen, or by the rule. Never OPS_WAY_ANY. */
enum ops_way ops_way_of(const struct lem_device *device, enum ops_use use);
/* Choose; OPS_WAY_ANY: by the rule again. Kernels that lists already have stay. */
void ops_way_choose(struct lem_device *device, enum ops_use use, enum ops_way way);

#endif
