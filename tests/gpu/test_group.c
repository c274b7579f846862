/* test_group.c - op_group against plain loops: pairs by expert and by rising number,
 * tiles, arguments; counts around every boundary of the kernel. */
#include "op_env.h"

#include <string.h>

struct group_case {
    uint32_t n_token, n_used, n_expert;
    bool lopsided; /* all pairs on the last expert */
};

enum { N_ARG = 3 };
static const uint32_t row_groups[N_ARG] = {7, 1, 300};

/* Any experts; some twice for one token, which no router would do. */
static uint32_t *make_ids(const struct group_case *c)
{
    uint64_t seed = c->n_token + 31 * c->n_expert;
    const uint32_t n_pair = c->n_token * c->n_used;
    uint32_t *ids = malloc(4ull * n_pair);
    assert_non_null(ids);
    for (uint32_t t = 0; t < c->n_token; t++) {
        const uint32_t from = random_u32(&seed) % c->n_expert;
        for (uint32_t k = 0; k < c->n_used; k++)
            ids[t * c->n_used + k] =
                c->lopsided ? c->n_expert - 1 : (from + k * k) % c->n_expert;
    }
    return ids;
}

/* What the kernel must leave; returns the number of tiles. */
static uint32_t reference(uint32_t *pairs, uint32_t (*tiles)[4], const uint32_t *ids,
                          const struct group_case *c)
{
    const uint32_t n_pair = c->n_token * c->n_used;
    uint32_t n = 0, n_tile = 0;
    for (uint32_t e = 0; e < c->n_expert; e++) {
        uint32_t in_tile = OPS_GROUP_TILE;
        for (uint32_t i = 0; i < n_pair; i++) {
            if (ids[i] != e)
                continue;
            if (in_tile == OPS_GROUP_TILE) {
                const uint32_t tile[4] = {e, n, 0, 0};
                memcpy(tiles[n_tile++], tile, sizeof tile);
                in_tile = 0;
            }
            in_tile++;
            tiles[n_tile - 1][2]++;
            pairs[n++] = i;
        }
    }
    return n_tile;
}

static void run_case(struct lem_device *device, const struct group_case *c)
{
    const uint32_t n_pair = c->n_token * c->n_used;
    const uint32_t max_tile = op_group_max_tile(c->n_token, c->n_used, c->n_expert);
    uint32_t *ids = make_ids(c);
    uint32_t *pairs = calloc(n_pair, 4);
    uint32_t(*tiles)[4] = calloc(n_pair + 1, sizeof *tiles);
    assert_true(pairs && tiles);
    const uint32_t n_tile = reference(pairs, tiles, ids, c);
    assert_true(n_tile <= max_tile);

    struct op_env env;
    op_env_open(&env, device, (struct step_params){.n_token = c->n_token, .n_out = 1});
    const struct op_group op = {
        .ids = op_env_put(&env, ids, 4ull * n_pair),
        .pairs = op_env_put(&env, NULL, 4ull * n_pair),
        .tiles = op_env_put(&env, NULL, 16ull * max_tile),
        .args = op_env_put(&env, NULL, 16 * N_ARG),
        .n_expert = c->n_expert,
        .n_used = c->n_used,
        .n_arg = N_ARG,
        .row_groups = {row_groups[0], row_groups[1], row_groups[2]}};
    assert_int_equal(op_group(env.list, &env.at, &op), LEM_OK);
    for (int run = 0; run < 3; run++) {
        op_env_run(&env);
        const uint32_t(*args)[4] = op_env_get(&op.args);
        for (uint32_t i = 0; i < N_ARG; i++) {
            const uint32_t want[4] = {row_groups[i], n_tile, 1, 0};
            assert_memory_equal(args[i], want, sizeof want);
        }
        assert_memory_equal(op_env_get(&op.pairs), pairs, 4ull * n_pair);
        assert_memory_equal(op_env_get(&op.tiles), tiles, 16ull * n_tile);
    }
    op_env_close(&env);
    free(ids), free(pairs), free(tiles);
}

static void sorts_pairs(void **state)
{
    static const uint32_t n_token[] = {1, 2, 7, 31, 64, 65, 129, 512};
    static const uint32_t n_expert[] = {1, 3, 10, 16, 40, 64, 65, 128, 384, 1024};
    for (size_t i = 0; i < sizeof n_token / sizeof *n_token; i++)
        for (size_t j = 0; j < sizeof n_expert / sizeof *n_expert; j++) {
            const uint32_t n_used = n_expert[j] < 8 ? 1 : 8;
            run_case(op_env_device(state), &(struct group_case){.n_token = n_token[i],
                                                                .n_used = n_used,
                                                                .n_expert = n_expert[j]});
        }
}

static void sorts_full_batch(void **state)
{
    run_case(op_env_device(state),
             &(struct group_case){.n_token = 512, .n_used = 16, .n_expert = 256});
}

static void stands_one_favourite(void **state)
{
    run_case(op_env_device(state),
             &(struct group_case){
                 .n_token = 300, .n_used = 2, .n_expert = 64, .lopsided = true});
}

static void refuses_too_many_experts(void **state)
{
    struct op_env env;
    op_env_open(&env, op_env_device(state),
                (struct step_params){.n_token = 1, .n_out = 1});
    const struct gpu_slice any = op_env_put(&env, NULL, 64);
    const struct op_group op = {.ids = any,
                                .pairs = any,
                                .tiles = any,
                                .args = any,
                                .n_expert = 1u << 20,
                                .n_used = 1};
    assert_int_equal(op_group(env.list, &env.at, &op), LEM_ERR_UNSUPPORTED);
    gpu_fixture_said(*state, "shared memory");
    op_env_close(&env);
}

/* Counts that a kernel writes are not seen by the list: refused before. */
static void refuses_more_tiles_than_workgroups(void **state)
{
    struct lem_device *device = op_env_device(state);
    const uint64_t most = gpu_max_groups(device, 1);
    if (most >= (64u << 20) / 16)
        skip(); /* would take a buffer of more than 64 MiB */
    struct op_env env;
    op_env_open(&env, device, (struct step_params){.n_token = 1, .n_out = 1});
    const struct gpu_slice any = op_env_put(&env, NULL, 64);
    struct op_group op = {.ids = any,
                          .pairs = any,
                          .tiles = op_env_put(&env, NULL, 16 * (most + 1)),
                          .args = any,
                          .n_expert = 4,
                          .n_used = 1,
                          .n_arg = 1,
                          .row_groups = {1}};
    assert_int_equal(op_group(env.list, &env.at, &op), LEM_ERR_UNSUPPORTED);
    gpu_fixture_said(*state, "use a smaller batch");
    op.tiles = any;
    op.row_groups[0] = gpu_max_groups(device, 0);
    if (op.row_groups[0]++ < UINT32_MAX) {
        assert_int_equal(op_group(env.list, &env.at, &op), LEM_ERR_UNSUPPORTED);
        gpu_fixture_said(*state, "use another device");
    }
    op_env_close(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorts_pairs),
        cmocka_unit_test(sorts_full_batch),
        cmocka_unit_test(stands_one_favourite),
        cmocka_unit_test(refuses_more_tiles_than_workgroups),
        cmocka_unit_test(refuses_too_many_experts),
    };
    return cmocka_run_group_tests(tests, gpu_fixture_open, gpu_fixture_close);
}
