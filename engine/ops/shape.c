/* shape.c - how much of a product a lane and a workgroup do, by device and size. */
#include "base/check.h"
#include "ops/weight.h"

/* CPU devices: registers are cheap, threads few, compiling slow. GPUs: eight lanes share
 * the rows of one token's products. Matrices of few rows have work for many lanes so. A
 * tall one, a vocabulary, with a row for each lane would take more cycles in its loop in
 * floats, up to a sixth more in bytes, and have an eighth of the waves to wait for memory
 * with. Only rows too long to be shared have a lane each. */
static struct ops_shape in_registers(const struct lem_device *device, uint32_t n_row,
                                     uint32_t n_col, uint32_t max_rows, enum ops_way way)
{
    if (gpu_type(device) == LEM_DEVICE_CPU) {
        /* Rows share what is fetched of x; but some groups must be left for each
         * processor, hence few lanes, too. Without texels the code is long enough with 4
         * rows. */
        const bool texels = ops_way_has_texels(way);
        const uint32_t most = !texels ? 4 : max_rows > 1 ? 8 : n_row < 2048 ? 8 : 16;
        return (struct ops_shape){.rows = n_row >= 256 ? most : 1,
                                  .tokens = max_rows > 1 ? 4 : 1,
                                  .split = 1,
                                  .lanes = texels ? 16 : 0,
                                  .way = way};
    }
    if (max_rows > 1)
        return (struct ops_shape){
            .rows = n_row >= 512 ? 2 : 1, .tokens = 8, .split = 1, .way = way};
    return (struct ops_shape){.rows = n_row >= 4096 ? 2 : 1,
                              .tokens = 1,
                              .split = n_col > OPS_MOST_SPLIT ? 1 : 8,
                              .way = way};
}

struct ops_shape ops_shape_pick(const struct lem_device *device, uint32_t n_row,
                                uint32_t n_col, uint32_t max_rows)
{
    return in_registers(device, n_row, n_col, max_rows,
                        ops_way_of(device, OPS_USE_TOKEN));
}

/* Always 64 rows of weights, so that the workgroups over rows do not depend on the
 * tokens. Bytes take as many registers with half the products. */
struct ops_shape ops_shape_tile(uint32_t n_token, bool i8, enum ops_way way)
{
    struct ops_shape s = {
        .rows = 4, .tokens = 4, .split = 8, .lanes = 128, .i8 = i8, .way = way};
    if (n_token <= 16) {
        s.lanes = 64;
        s.split = 4;
    } else if (n_token > 32 && !i8) {
        s.rows = 8;
        s.split = 16;
    }
    return s;
}

struct ops_shape ops_shape_matmul(const struct lem_device *device, uint32_t n_row,
                                  uint32_t n_col, uint32_t max_rows, bool i8)
{
    enum { FEW = 8 }; /* for so few a tile has nothing to share */
    struct ops_shape s = ops_shape_pick(device, n_row, n_col, max_rows);
    if (max_rows > 1) {
        const enum ops_way way =
            ops_way_of(device, i8 ? OPS_USE_PROMPT_I8 : OPS_USE_PROMPT);
        s = ops_way_is_tile(way) && max_rows > FEW
                ? ops_shape_tile(max_rows, i8, way)
                : in_registers(device, n_row, n_col, max_rows, ops_way_in_registers(way));
    }
    s.i8 = i8;
    return s;
}

/* In registers of GPUs: a tile of pairs and one row, as many lanes as there are. */
struct ops_shape ops_shape_experts(const struct lem_device *device, uint32_t n_row,
                                   uint32_t per_expert, bool i8)
{
    const enum ops_way way = ops_way_of(device, i8 ? OPS_USE_PROMPT_I8 : OPS_USE_PROMPT);
    if (ops_way_is_tile(way))
        return ops_shape_tile(per_expert, i8, way);
    struct ops_shape s = {
        .rows = 1, .tokens = OPS_GROUP_TILE, .split = 1, .i8 = i8, .way = way};
    if (gpu_type(device) == LEM_DEVICE_CPU) {
        s = in_registers(device, n_row, 0, OPS_GROUP_TILE, way);
        s.tokens = OPS_GROUP_TILE / 2;
        s.i8 = i8;
    }
    return s;
}

uint32_t ops_shape_groups(const struct ops_shape *s, uint32_t n_row)
{
    const uint32_t lanes = s->lanes ? s->lanes : OPS_LOCAL;
    return ceil_div(n_row, lanes / s->split * s->rows);
}

uint32_t ops_shape_tokens(const struct ops_shape *s)
{
    return ops_way_is_tile(s->way) ? s->tokens * s->split : s->tokens;
}
