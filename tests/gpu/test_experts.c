/* test_experts.c - the experts of one token (op_experts_glu, op_experts_down) and of many
 * (op_matmul_experts) against ref/: awkward and real sizes, activations, windows. */
#include "support/tolerance.h"

#include <math.h>
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

struct shape {
    uint32_t type, n_expert, n_used, n_embd, n_ff;
};

/* One token's experts: x -> h (glu) -> y (down). */
struct one {
    struct shape s;
    struct weights gate_up, down;
    struct rows x, h, y, slot_weights;
    struct gpu_buf *ids_buf;
    uint32_t *ids;
    enum act act;
    const struct ops_shape *shape; /* NULL: what the operations pick for this device */
};

/* n different experts, in no order. */
static void random_ids(uint32_t *ids, uint32_t n, uint32_t n_expert, uint64_t *seed)
{
    for (uint32_t k = 0; k < n; k++) {
        bool again = true;
        while (again) {
            ids[k] = random_u32(seed) % n_expert;
            again = false;
            for (uint32_t i = 0; i < k; i++)
                again = again || ids[i] == ids[k];
        }
    }
}

static void one_open(struct one *o, struct gpu_fixture *fx, const struct shape *s)
{
    struct lem_device *d = fx->device;
    uint64_t *seed = &fx->seed;
    *o = (struct one){.s = *s, .act = ACT_SILU};
    weights_open(&o->gate_up, d, s->type, s->n_expert, 2 * s->n_ff, s->n_embd, seed);
    weights_open(&o->down, d, s->type, s->n_expert, s->n_embd, s->n_ff, seed);
    rows_open(&o->x, d, GPU_BUF_UPLOAD, 1, s->n_embd, 0);
    rows_open(&o->h, d, GPU_BUF_READBACK, s->n_used, s->n_ff, 1);
    rows_open(&o->y, d, GPU_BUF_READBACK, 1, s->n_embd, 0);
    rows_open(&o->slot_weights, d, GPU_BUF_UPLOAD, 1, s->n_used, 0);
    rows_random(&o->x, seed);
    for (uint32_t i = 0; i < s->n_embd; i++) /* gates of about 2: no flat part of SiLU */
        o->x.v[i] *= 4 / sqrtf((float)s->n_embd);
    rows_random(&o->slot_weights, seed);
    o->ids = malloc(s->n_used * sizeof *o->ids);
    assert_non_null(o->ids);
    random_ids(o->ids, s->n_used, s->n_expert, seed);
    o->ids_buf = gpu_fixture_buf(fx, o->ids, s->n_used * sizeof *o->ids);
}

static void one_close(struct one *o)
{
    weights_close(&o->gate_up);
    weights_close(&o->down);
    rows_close(&o->x);
    rows_close(&o->h);
    rows_close(&o->y);
    rows_close(&o->slot_weights);
    gpu_buf_close(&o->ids_buf);
    free(o->ids);
}

static const float ALPHA = 1.702f, LIMIT = 1.5f, Y_BEFORE = 0.25f;

static enum lem_status one_add(struct one *o, struct gpu_list *list)
{
    const struct op_at at = {.label = "test", .max_rows = 1};
    const struct op_experts_glu glu = {.weight = &o->gate_up.ops,
                                       .x = gpu_slice_all(o->x.buf),
                                       .ids = gpu_slice_all(o->ids_buf),
                                       .y = gpu_slice_all(o->h.buf),
                                       .n_used = o->s.n_used,
                                       .y_stride = o->h.stride,
                                       .act = o->act,
                                       .alpha = ALPHA,
                                       .limit = LIMIT};
    const struct op_experts_down down = {.weight = &o->down.ops,
                                         .x = gpu_slice_all(o->h.buf),
                                         .ids = gpu_slice_all(o->ids_buf),
                                         .weights = gpu_slice_all(o->slot_weights.buf),
                                         .y = gpu_slice_all(o->y.buf),
                                         .n_used = o->s.n_used,
                                         .x_stride = o->h.stride};
    enum lem_status st = o->shape ? ops_experts_glu(list, &at, &glu, o->shape)
                                  : op_experts_glu(list, &at, &glu);
    if (st == LEM_OK)
        st = o->shape ? ops_experts_down(list, &at, &down, o->shape)
                      : op_experts_down(list, &at, &down);
    return st;
}

static void one_run(struct one *o)
{
    rows_fill(&o->h, 0);
    rows_fill(&o->y, Y_BEFORE);
    struct gpu_list *list;
    assert_int_equal(gpu_list_open(o->gate_up.device, "test", false, &list), LEM_OK);
    assert_int_equal(one_add(o, list), LEM_OK);
    assert_int_equal(gpu_list_run(&list, 1, 1, NULL), LEM_OK);
    gpu_list_close(&list);
}

/* h, then y from the h that the device gave, so that each kernel answers for itself. */
static void one_check(const struct one *o, const char *what)
{
    const struct shape *s = &o->s;
    const struct quant_info *q = o->down.ops.type;
    float *gate_up = malloc(2 * s->n_ff * sizeof *gate_up);
    float *part = malloc(s->n_embd * sizeof *part),
          *want = malloc(s->n_embd * sizeof *want);
    double *sum = calloc(s->n_embd, sizeof *sum);
    assert_true(gate_up && part && want && sum);

    for (uint32_t k = 0; k < s->n_used; k++) {
        const uint32_t e = o->ids[k];
        const float *h = o->h.v + (size_t)k * o->h.stride;
        ref_matvec(gate_up, q, weights_row(&o->gate_up, e, 0), 2 * s->n_ff, s->n_embd,
                   o->x.v);
        for (uint32_t i = 0; i < s->n_ff; i++)
            gate_up[i] = ref_glu(o->act, gate_up[i], gate_up[s->n_ff + i], ALPHA, LIMIT);
        /* Rounding of sums of gate and up, 1 to 6e-7 of their size, is what remains;
         * one value alone may be a small difference of large ones. */
        assert_close_rms(h, gate_up, s->n_ff, s->n_ff < 32 ? 1e-5 : 2e-6,
                         "%s, glu of slot %u, %s %u x %u", what, k, q->name, s->n_ff,
                         s->n_embd);
        ref_matvec(part, q, weights_row(&o->down, e, 0), s->n_embd, s->n_ff, h);
        for (uint32_t r = 0; r < s->n_embd; r++)
            sum[r] += (double)o->slot_weights.v[k] * (double)part[r];
    }
    for (uint32_t r = 0; r < s->n_embd; r++)
        want[r] = (float)((double)Y_BEFORE + sum[r]);
    assert_close_rms(o->y.v, want, s->n_embd, s->n_embd < 32 ? 1e-5 : 1e-6,
                     "%s, down, %s %u x %u", what, q->name, s->n_embd, s->n_ff);
    free(gate_up);
    free(part);
    free(want);
    free(sum);
}

static void check_one(struct gpu_fixture *fx, const struct shape *s, enum act act)
{
    struct one o;
    one_open(&o, fx, s);
    o.act = act;
    one_run(&o);
    one_check(&o, "one token");
    one_close(&o);
}

static void experts_awkward_sizes(void **state)
{
    static const uint32_t width[] = {1, 7, 8, 9, 31, 33, 63, 65, 255, 257, 520};
    enum { N_WIDTH = sizeof width / sizeof *width };
    struct gpu_fixture *fx = *state;
    for (uint32_t type = 0; type < N_TYPE; type++) {
        const uint32_t block = quant_find(types[type])->block_weights;
        for (uint32_t i = 0; i < N_WIDTH; i++) {
            const struct shape s = {.type = types[type],
                                    .n_expert = 1 + i,
                                    .n_used = 1 + i / 2,
                                    .n_embd = round_up(width[(i + 4) % N_WIDTH], block),
                                    .n_ff = round_up(width[i], block)};
            check_one(fx, &s, ACT_SILU);
        }
    }
}

/* Every type there is. */
static void experts_every_type(void **state)
{
    struct gpu_fixture *fx = *state;
    for (const struct quant_info *q = NULL; (q = blocks_next_type(q));) {
        const struct shape s = {q->type, 5, 3, 512, 256};
        check_one(fx, &s, ACT_SILU);
    }
}

static void experts_real_sizes(void **state)
{
    static const struct shape shape[] = {
        {QUANT_Q4_0, 64, 8, 2048, 1024}, /* OLMoE */
        {QUANT_Q8_0, 9, 8, 2048, 768},   /* Qwen3-30B-A3B, 9 of its 128 experts */
    };
    struct gpu_fixture *fx = *state;
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++)
        check_one(fx, &shape[i], ACT_SILU);
}

static void experts_activations(void **state)
{
    struct gpu_fixture *fx = *state;
    const struct shape s = {QUANT_F32, 4, 3, 96, 200};
    check_one(fx, &s, ACT_SILU);
    check_one(fx, &s, ACT_GELU_TANH);
    check_one(fx, &s, ACT_RELU);
    check_one(fx, &s, ACT_SWIGLU_CLAMPED);
}

/* Shapes that other devices get: rows split among lanes. */
static void experts_every_shape(void **state)
{
    static const struct ops_shape shape[] = {
        {.rows = 2, .tokens = 1, .split = 8, .way = OPS_WAY_REGISTER},
        {.rows = 4, .tokens = 1, .split = 8, .way = OPS_WAY_REGISTER},
        {.rows = 2, .tokens = 1, .split = 8},
        {.rows = 2, .tokens = 1, .split = 1},
        {.rows = 4, .tokens = 1, .split = 1},
        {.rows = 8, .tokens = 1, .split = 1}};
    static const uint32_t width[] = {32, 160, 288, 2080};
    struct gpu_fixture *fx = *state;
    for (uint32_t i = 0; i < sizeof shape / sizeof *shape; i++)
        for (uint32_t n = 0; n < 8; n++) {
            const struct shape s = {n % 2 ? QUANT_Q4_0 : QUANT_F16, 3, 2, width[n / 2],
                                    width[(n + 3) % 4]};
            struct one o;
            one_open(&o, fx, &s);
            o.shape = &shape[i];
            one_run(&o);
            one_check(&o, "given shape");
            one_close(&o);
        }
}

/* Banks cut in windows. glu: the same bits. down: each window adds its slots in order, so
 * only the grouping of the sum may change. */
static void experts_windows(void **state)
{
    struct gpu_fixture *fx = *state;
    for (uint32_t type = 0; type < N_TYPE; type++) {
        const struct shape s = {types[type], 7, 4, 96, 64};
        struct one o;
        one_open(&o, fx, &s);
        one_run(&o);
        one_check(&o, "one window");
        const size_t bytes = (size_t)s.n_used * o.h.stride * sizeof(float);
        float *h = malloc(bytes);
        assert_non_null(h);
        memcpy(h, o.h.v, bytes);
        for (uint32_t mats = 1; mats <= 3; mats += 2) {
            weights_cut(&o.gate_up, mats, 0);
            weights_cut(&o.down, mats, 0);
            one_run(&o);
            one_check(&o, "windows of experts");
            assert_memory_equal(h, o.h.v, bytes);
        }
        weights_cut(&o.down, 1, 40);
        one_run(&o);
        one_check(&o, "windows of rows");
        free(h);
        one_close(&o);
    }
}

static void experts_same_bits(void **state)
{
    struct gpu_fixture *fx = *state;
    const struct shape s = {QUANT_Q8_0, 9, 8, 544, 576};
    struct one o;
    float first[544];
    one_open(&o, fx, &s);
    for (int run = 0; run < 20; run++) {
        one_run(&o);
        if (run == 0)
            memcpy(first, o.y.v, sizeof first);
        assert_memory_equal(first, o.y.v, sizeof first);
    }
    one_close(&o);
}

/* Rows of a single expert are not for op_experts_glu. */
static void experts_glu_refuses_cut_experts(void **state)
{
    struct gpu_fixture *fx = *state;
    const struct shape s = {QUANT_F32, 2, 1, 32, 32};
    struct one o;
    struct gpu_list *list;
    one_open(&o, fx, &s);
    weights_cut(&o.gate_up, 1, 32);
    assert_int_equal(gpu_list_open(fx->device, "test", false, &list), LEM_OK);
    assert_int_equal(one_add(&o, list), LEM_ERR_UNSUPPORTED);
    gpu_fixture_said(fx, "must fit one binding");
    gpu_list_close(&list);
    one_close(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(experts_awkward_sizes),
        cmocka_unit_test(experts_every_type),
        cmocka_unit_test(experts_real_sizes),
        cmocka_unit_test(experts_activations),
        cmocka_unit_test(experts_every_shape),
        cmocka_unit_test(experts_windows),
        cmocka_unit_test(experts_same_bits),
        cmocka_unit_test(experts_glu_refuses_cut_experts),
    };
    return cmocka_run_group_tests(tests, gpu_fixture_open, gpu_fixture_close);
}
