/* test_matmul_experts.c - op_matmul_experts against ref_matvec(): tiles of every count,
 * awkward and real sizes, windows, repeated runs. The lists of pairs and tiles are made
 * here, as op_group would. */
#include "support/tolerance.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "ops/weight.h"
#include "ref/ref.h"
#include "support/blocks.h"
#include "support/gpu_fixture.h"
#include "support/rows.h"
#include "support/weights.h"

static const uint32_t types[] = {QUANT_F32, QUANT_F16, QUANT_BF16, QUANT_Q8_0,
                                 QUANT_Q4_0};
enum { N_TYPE = sizeof types / sizeof *types };

static const float UNTOUCHED = 12345.0f; /* what y holds before */

struct grouped {
    struct weights w;
    struct rows x, y;
    uint32_t n_token, n_used, n_pair;
    uint32_t tile;    /* pairs in a whole tile */
    uint32_t *expert; /* of each pair */
    struct gpu_buf *pairs, *tiles, *args;
    bool x_by_pair;
    uint32_t y_off;                /* column of y that row 0 goes to */
    const struct ops_shape *shape; /* NULL: what the device takes */
};

/* Pairs by expert, cut in tiles; returns the number of tiles. */
static uint32_t sort_pairs(const struct grouped *g, uint32_t *pairs, uint32_t *tiles)
{
    uint32_t n = 0, n_tile = 0;
    for (uint32_t e = 0; e < g->w.ops.n_mat; e++) {
        const uint32_t first = n;
        for (uint32_t p = 0; p < g->n_pair; p++)
            if (g->expert[p] == e)
                pairs[n++] = p;
        for (uint32_t at = first; at < n; at += g->tile, n_tile++) {
            uint32_t *tile = tiles + (size_t)4 * n_tile;
            tile[0] = e;
            tile[1] = at;
            tile[2] = n - at < g->tile ? n - at : g->tile;
            tile[3] = 0;
        }
    }
    return n_tile;
}

static void route(struct grouped *g, struct gpu_fixture *fx)
{
    const uint32_t max_tile = g->n_pair; /* every tile has one pair at least */
    uint32_t *pairs = malloc(g->n_pair * sizeof *pairs);
    uint32_t *tiles = malloc((size_t)4 * max_tile * sizeof *tiles);
    g->expert = malloc(g->n_pair * sizeof *g->expert);
    assert_true(pairs && tiles && g->expert);
    for (uint32_t p = 0; p < g->n_pair; p++) /* half of them to one expert: full tiles */
        g->expert[p] =
            random_u32(&fx->seed) % 2 ? 0 : random_u32(&fx->seed) % g->w.ops.n_mat;
    const uint32_t n_tile = sort_pairs(g, pairs, tiles);
    const uint32_t groups =
        g->shape ? ops_shape_groups(g->shape, g->w.ops.n_row)
                 : op_matmul_experts_row_groups(fx->device, &g->w.ops, false);
    const uint32_t args[] = {groups, n_tile, 1, 0};
    g->pairs = gpu_fixture_buf(fx, pairs, g->n_pair * sizeof *pairs);
    g->tiles = gpu_fixture_buf(fx, tiles, 4 * n_tile * sizeof *tiles);
    g->args = gpu_fixture_buf(fx, args, 4 * sizeof *args);
    free(pairs);
    free(tiles);
}

static void unroute(struct grouped *g)
{
    gpu_buf_close(&g->pairs);
    gpu_buf_close(&g->tiles);
    gpu_buf_close(&g->args);
    free(g->expert);
}

/* Other pairs, in tiles of another height, for products of a given shape. */
static void grouped_reroute(struct grouped *g, struct gpu_fixture *fx, uint32_t tile,
                            const struct ops_shape *shape)
{
    unroute(g);
    g->tile = tile;
    g->shape = shape;
    route(g, fx);
}

static void grouped_open(struct grouped *g, struct gpu_fixture *fx, uint32_t type,
                         uint32_t n_expert, uint32_t n_row, uint32_t n_col,
                         uint32_t n_token, uint32_t n_used)
{
    struct lem_device *d = fx->device;
    uint64_t *seed = &fx->seed;
    *g = (struct grouped){
        .n_token = n_token, .n_used = n_used, .n_pair = n_token * n_used};
    g->y_off = n_token % 3 * 5;
    g->tile = op_group_tile(d, false, n_token, n_used, n_expert);
    weights_open(&g->w, d, type, n_expert, n_row, n_col, seed);
    rows_open(&g->x, d, GPU_BUF_UPLOAD, g->n_pair, n_col, n_token % 2);
    rows_random(&g->x, seed);
    rows_open(&g->y, d, GPU_BUF_READBACK, g->n_pair, g->y_off + n_row, 1);
    route(g, fx);
}

static void grouped_close(struct grouped *g)
{
    weights_close(&g->w);
    rows_close(&g->x);
    rows_close(&g->y);
    unroute(g);
}

static void grouped_run(struct grouped *g)
{
    const struct op_at at = {.label = "test", .max_rows = g->n_token};
    const struct op_matmul_experts a = {.weight = &g->w.ops,
                                        .x = gpu_slice_all(g->x.buf),
                                        .y = gpu_slice_all(g->y.buf),
                                        .pairs = gpu_slice_all(g->pairs),
                                        .tiles = gpu_slice_all(g->tiles),
                                        .args = gpu_slice_all(g->args),
                                        .x_stride = g->x.stride,
                                        .y_stride = g->y.stride,
                                        .y_off = g->y_off,
                                        .n_used = g->n_used,
                                        .x_by_pair = g->x_by_pair};
    struct gpu_list *list;
    rows_fill(&g->y, UNTOUCHED);
    assert_int_equal(gpu_list_open(g->w.device, "test", false, &list), LEM_OK);
    assert_int_equal(g->shape ? ops_matmul_experts(list, &at, &a, g->shape)
                              : op_matmul_experts(list, &at, &a),
                     LEM_OK);
    assert_int_equal(gpu_list_run(&list, 1, g->n_token, NULL), LEM_OK);
    gpu_list_close(&list);
}

static void grouped_check(const struct grouped *g)
{
    const struct ops_weight *w = &g->w.ops;
    float *want = malloc(w->n_row * sizeof *want);
    assert_non_null(want);
    for (uint32_t p = 0; p < g->n_pair; p++) {
        const uint32_t row = g->x_by_pair ? p : p / g->n_used;
        const float *first = g->y.v + (size_t)p * g->y.stride, *got = first + g->y_off;
        ref_matvec(want, w->type, weights_row(&g->w, g->expert[p], 0), w->n_row, w->n_col,
                   g->x.v + (size_t)row * g->x.stride);
        /* f32 sums in another order: a few 2^-24; of a few values, one may cancel */
        assert_close_rms(got, want, w->n_row, w->n_row < 32 ? 1e-5 : 1e-6,
                         "%s %u x %u, pair %u of %u", w->type->name, w->n_row, w->n_col,
                         p, g->n_pair);
        for (uint32_t i = 0; i < g->y.stride; i++)
            if ((i < g->y_off || i >= g->y_off + w->n_row) &&
                memcmp(&first[i], &UNTOUCHED, sizeof UNTOUCHED) != 0)
                fail_msg("wrote outside %u + %u columns of pair %u: column %u", g->y_off,
                         w->n_row, p, i);
    }
    free(want);
}

static void grouped_awkward_sizes(void **state)
{
    static const uint32_t width[] = {1, 7, 8, 9, 31, 33, 63, 65, 255, 257, 520};
    static const uint32_t tokens[] = {1, 2, 3, 8, 9, 33};
    enum { N_WIDTH = sizeof width / sizeof *width };
    struct gpu_fixture *fx = *state;
    for (uint32_t type = 0; type < N_TYPE; type++) {
        const uint32_t block = quant_find(types[type])->block_weights;
        for (uint32_t i = 0; i < N_WIDTH; i++) {
            struct grouped g;
            grouped_open(&g, fx, types[type], 1 + i, width[i],
                         round_up(width[(i + 5) % N_WIDTH], block), tokens[i % 6],
                         1 + i % 4);
            for (int by_pair = 0; by_pair < 2; by_pair++) {
                g.x_by_pair = by_pair;
                grouped_run(&g);
                grouped_check(&g);
            }
            grouped_close(&g);
        }
    }
}

/* Every type there is. */
static void grouped_every_type(void **state)
{
    struct gpu_fixture *fx = *state;
    for (const struct quant_info *q = NULL; (q = blocks_next_type(q));) {
        struct grouped g;
        grouped_open(&g, fx, q->type, 3, 129, 512, 9, 2);
        grouped_run(&g);
        grouped_check(&g);
        grouped_close(&g);
    }
}

static void grouped_real_sizes(void **state)
{
    struct gpu_fixture *fx = *state;
    struct grouped g;
    /* OLMoE gate and up; Qwen3-30B-A3B down with 9 of its 128 experts */
    grouped_open(&g, fx, QUANT_Q4_0, 8, 2048, 2048, 5, 2);
    grouped_run(&g);
    grouped_check(&g);
    grouped_close(&g);
    grouped_open(&g, fx, QUANT_Q8_0, 9, 2048, 768, 3, 8);
    g.x_by_pair = true;
    grouped_run(&g);
    grouped_check(&g);
    grouped_close(&g);
}

/* Windows of experts and of rows, and 20 runs: the same bits. */
static void grouped_windows_and_same_bits(void **state)
{
    struct gpu_fixture *fx = *state;
    for (uint32_t type = 0; type < N_TYPE; type++) {
        struct grouped g;
        grouped_open(&g, fx, types[type], 7, 533, 288, 9, 2);
        const size_t bytes = (size_t)g.n_pair * g.y.stride * sizeof(float);
        float *first = malloc(bytes);
        assert_non_null(first);
        grouped_run(&g);
        grouped_check(&g);
        memcpy(first, g.y.v, bytes);

        static const uint32_t cut[][2] = {{3, 0}, {1, 0}, {1, 184}, {1, 528}};
        for (size_t i = 0; i < sizeof cut / sizeof *cut; i++) {
            weights_cut(&g.w, cut[i][0], cut[i][1]);
            for (int run = 0; run < 5; run++) {
                grouped_run(&g);
                assert_memory_equal(first, g.y.v, bytes);
            }
        }
        free(first);
        grouped_close(&g);
    }
}

/* Through tiles in shared memory: full ones and others, of as few pairs as have a path
 * of their own and of more than a tile holds at once; every type; windows. */
static void grouped_tiles(void **state)
{
    static const uint32_t tokens[] = {3, 17, 40, 70}, rows[] = {8, 64, 129};
    struct gpu_fixture *fx = *state;
    uint32_t n = 0;
    for (const struct quant_info *q = NULL; (q = blocks_next_type(q)); n++) {
        const bool texels = n % 4 == 2 && ops_way_possible(fx->device, OPS_USE_PROMPT,
                                                           OPS_WAY_TILE_TEXEL);
        ops_way_choose(fx->device, OPS_USE_PROMPT,
                       texels ? OPS_WAY_TILE_TEXEL : OPS_WAY_TILE);
        struct grouped g;
        const uint32_t n_col = q->block_weights <= 32 ? 256 + 32 * (n % 4) : 512;
        grouped_open(&g, fx, q->type, 3, rows[n % 3], n_col, tokens[n % 4], 2);
        g.x_by_pair = n % 2;
        grouped_run(&g);
        grouped_check(&g);
        weights_cut(&g.w, 1, n % 3 == 2 ? 64 : 0);
        grouped_run(&g);
        grouped_check(&g);
        grouped_close(&g);
    }
    ops_way_choose(fx->device, OPS_USE_PROMPT, OPS_WAY_ANY);
}

/* A list in tiles of any height serves all shapes: the next smaller and larger ones. */
static void grouped_any_list(void **state)
{
    static const uint32_t height[] = {8, 16, 32, 64};
    struct gpu_fixture *fx = *state;
    for (uint32_t i = 0; i < 12; i++) {
        const struct ops_shape shape =
            ops_shape_tile(height[1 + i / 4], false, OPS_WAY_TILE);
        struct grouped g;
        grouped_open(&g, fx, QUANT_Q8_0, 2, 72, 288, 45, 2);
        grouped_reroute(&g, fx, height[i % 4], &shape);
        grouped_run(&g);
        grouped_check(&g);
        grouped_close(&g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grouped_awkward_sizes),
        cmocka_unit_test(grouped_every_type),
        cmocka_unit_test(grouped_real_sizes),
        cmocka_unit_test(grouped_windows_and_same_bits),
        cmocka_unit_test(grouped_tiles),
        cmocka_unit_test(grouped_any_list),
    };
    return cmocka_run_group_tests(tests, gpu_fixture_open, gpu_fixture_close);
}
