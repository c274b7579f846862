/* test_compile.c - kernels compiled before they run, by one device or by two: each once,
 * nothing is run by it, and what runs afterwards is right. */
#include "op_env.h"

#include <string.h>

#include "base/thread.h"
#include "gpu/vk.h"
#include "ref/ref.h"
#include "test_shaders.h"

enum { N_KERNEL = 7, N_DISPATCH = 3 * N_KERNEL };

struct seen {
    uint32_t calls;
    uint64_t done, total;
};

static void see(void *priv, const char *what, uint64_t done, uint64_t total)
{
    struct seen *s = priv;
    assert_string_equal(what, "kernels compiled");
    assert_true(done >= s->done && done <= total);
    *s = (struct seen){s->calls + 1, done, total};
}

/* Each kernel three times, with workgroups of sizes that no other test asks for. */
static struct gpu_list *open_counts(struct lem_device *d, struct gpu_buf *count,
                                    uint32_t first_size)
{
    struct gpu_list *l;
    gpu_shaders_add(d, test_shaders);
    assert_int_equal(gpu_list_open(d, "counts", false, &l), LEM_OK);
    for (uint32_t i = 0; i < N_DISPATCH; i++) {
        const uint32_t size = first_size + i % N_KERNEL;
        struct gpu_dispatch x = {
            .label = "count", .bind = {gpu_slice_all(count)}, .group = {5, 1, 1}};
        assert_int_equal(gpu_kernel_get(d, "test.groups", &size, 1, &x.kernel), LEM_OK);
        assert_int_equal(gpu_list_add(l, &x), LEM_OK);
    }
    return l;
}

static void check_counts(struct gpu_fixture *fx, struct gpu_buf *count, uint32_t want)
{
    uint32_t got[64];
    gpu_fixture_read(fx, count, got, sizeof got);
    for (uint32_t i = 0; i < 64; i++)
        assert_int_equal(got[i], i < 5 ? want : 0);
}

static void check_lists(struct gpu_fixture *fx, bool helper_alone, uint32_t first_size)
{
    struct gpu_buf *count = gpu_fixture_buf(fx, NULL, 64 * sizeof(uint32_t));
    struct gpu_list *l = open_counts(fx->device, count, first_size);
    struct gpu_list *const lists[] = {l, NULL, l};
    struct seen seen = {0};
    const struct lem_progress watch = {.fn = see, .priv = &seen};
    uint32_t n_helped = 99;
    assert_int_equal(gpu_lists_compile_with(lists, 3, helper_alone, 0, &watch, &n_helped),
                     LEM_OK);
    /* what the first one did, and once more for all when the other helped */
    assert_int_equal(n_helped + seen.calls,
                     N_KERNEL + (n_helped > 0 && !helper_alone ? 1 : 0));
    if (helper_alone)
        assert_int_equal(n_helped, N_KERNEL);
    else
        assert_true(seen.total == N_KERNEL && seen.done == N_KERNEL);
    check_counts(fx, count, 0);
    assert_int_equal(gpu_list_run(&l, 1, 1, NULL), LEM_OK);
    check_counts(fx, count, N_DISPATCH);
    gpu_list_close(&l);
    gpu_buf_close(&count);
}

static void two_devices_share_the_work(void **state)
{
    check_lists(*state, false, 71);
}

static void the_second_device_can_do_it_all(void **state)
{
    check_lists(*state, true, 81);
}

/* One driver of the tests' needs it: see quirks.c. */
static void it_is_known_who_compiles_late(void **state)
{
    const struct gpu_physical *p = &op_env_device(state)->physical;
    assert_int_equal(p->compiles_late, strstr(p->info.name, "llvmpipe") != NULL);
}

/* Nothing to compile is no work. */
static void an_empty_list_is_compiled(void **state)
{
    struct gpu_fixture *fx = *state;
    struct gpu_list *l;
    uint32_t n_helped = 99;
    assert_int_equal(gpu_list_open(fx->device, "empty", false, &l), LEM_OK);
    assert_int_equal(gpu_lists_compile_with(&l, 1, false, 0, NULL, &n_helped), LEM_OK);
    assert_int_equal(n_helped, 0);
    assert_int_equal(gpu_lists_compile(&l, 1, NULL), LEM_OK);
    gpu_list_close(&l);
}

/* Push constants, a uniform buffer, and texels where the device fetches them. */
static void an_operation_is_right_afterwards(void **state)
{
    enum { N = 288, N_TOKEN = 3 };
    struct op_env env;
    uint64_t seed = 1;
    uint32_t n_helped = 0;
    float *x = op_env_random(&seed, N_TOKEN * N), *w = op_env_random(&seed, N);
    float *want = op_env_filled(N_TOKEN * N, 0);
    ref_norm(want, x, w, N_TOKEN, N, 1e-6f);
    op_env_open(&env, op_env_device(state),
                (struct step_params){.n_token = N_TOKEN, .n_out = N_TOKEN});
    const struct op_norm op = {.x = op_env_put(&env, x, sizeof(float) * N_TOKEN * N),
                               .w = op_env_put(&env, w, sizeof(float) * N),
                               .y = op_env_put(&env, NULL, sizeof(float) * N_TOKEN * N),
                               .n = N,
                               .x_stride = N,
                               .y_stride = N,
                               .eps = 1e-6f};
    assert_int_equal(op_norm(env.list, &env.at, &op), LEM_OK);
    assert_int_equal(gpu_lists_compile_with(&env.list, 1, true, 0, NULL, &n_helped),
                     LEM_OK);
    assert_int_equal(n_helped, 1);
    const float *got = op_env_get(&op.y);
    for (uint32_t i = 0; i < N_TOKEN * N; i++)
        assert_true(got[i] == 0);
    assert_int_equal(gpu_lists_compile(&env.list, 1, NULL), LEM_OK);
    op_env_run(&env);
    /* as in test_norm.c */
    assert_close(got, want, N_TOKEN * N, 0, 3e-6f, "a norm");
    op_env_close(&env);
    free(x), free(w), free(want);
}

/* It ends by being woken, or by itself. */
static void waiting_ends(void **state)
{
    (void)state;
    struct mutex lock;
    struct cond cond;
    mutex_init(&lock);
    cond_init(&cond);
    mutex_lock(&lock);
    const uint64_t start = clock_ns();
    uint32_t n = 0;
    for (; clock_ns() - start < 20000000; n++)
        cond_wait_for(&cond, &lock, 20000000 - (clock_ns() - start) % 20000000);
    assert_true(n < 1000); /* it waits, and does not spin */
    mutex_unlock(&lock);
    cond_finish(&cond);
    mutex_finish(&lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_devices_share_the_work),
        cmocka_unit_test(the_second_device_can_do_it_all),
        cmocka_unit_test(it_is_known_who_compiles_late),
        cmocka_unit_test(an_empty_list_is_compiled),
        cmocka_unit_test(an_operation_is_right_afterwards),
        cmocka_unit_test(waiting_ends),
    };
    return cmocka_run_group_tests_name("compile", tests, gpu_fixture_open,
                                       gpu_fixture_close);
}
