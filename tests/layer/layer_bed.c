/* layer_bed.c - Mixture-of-Experts layers of random weights for tests. */
#include "layer_bed.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const float bed_fixed[1] = {1};

/* ---- making ---------------------------------------------------------------------- */

static float *random_array(struct bed *b, size_t n, float scale, uint64_t *seed)
{
    float *v = malloc(n * sizeof *v);
    assert_non_null(v);
    b->owned = realloc(b->owned, (b->n_owned + 1) * sizeof *b->owned);
    assert_non_null(b->owned);
    b->owned[b->n_owned++] = v;
    for (size_t i = 0; i < n; i++)
        v[i] = scale * random_f32(seed);
    return v;
}

static void make_dense(struct bed *b, struct lem_layer_dense *d,
                       const struct bed_shape *s, uint32_t e, uint32_t i, uint64_t *seed)
{
    const uint32_t n_row = s->act[i] == LEM_ACT_SWIGLU ? 2 * s->n_out[i] : s->n_out[i];
    const uint32_t n_slice = s->n_slice ? s->n_slice + e % 3 : s->n_in;
    d->n_in = i ? s->n_out[i - 1] : n_slice;
    d->n_out = s->n_out[i];
    d->act = s->act[i];
    /* sums of about 1 */
    d->weight = random_array(b, (size_t)n_row * d->n_in, 2 / sqrtf((float)d->n_in), seed);
    if (s->bias && !(e == 0 && i == 1))
        d->bias = random_array(b, n_row, 1, seed);
}

static void make_expert(struct bed *b, const struct bed_shape *s, uint32_t e,
                        uint64_t *seed)
{
    struct lem_layer_dense *dense = calloc(s->n_dense, sizeof *dense);
    assert_non_null(dense);
    b->experts[e] = (struct lem_layer_expert){
        .dense = dense, .n_dense = s->n_dense, .x_off = s->n_slice ? 7 * e : 0};
    for (uint32_t i = 0; i < s->n_dense; i++)
        if (s->share && e >= s->share)
            dense[i] = b->experts[e - s->share].dense[i];
        else
            make_dense(b, &dense[i], s, e, i, seed);
}

static void make_gate(struct bed *b, const struct bed_shape *s, uint32_t g,
                      uint64_t *seed)
{
    struct lem_layer_gate *gate = &b->gate[g];
    *gate = s->gate[g];
    if (gate->fixed) {
        float *fixed = random_array(b, s->n_expert, 1, seed);
        for (uint32_t e = 0; e < s->n_expert; e++)
            fixed[e] = fabsf(fixed[e]);
        gate->fixed = fixed;
        return;
    }
    gate->weight =
        random_array(b, (size_t)s->n_expert * s->n_in, 3 / sqrtf((float)s->n_in), seed);
    if (s->bias)
        gate->bias = random_array(b, s->n_expert, 1, seed);
}

void bed_open(struct bed *b, struct gpu_fixture *fx, const struct bed_shape *s)
{
    *b = (struct bed){.n_out = s->n_out[s->n_dense - 1]};
    b->experts = calloc(s->n_expert, sizeof *b->experts);
    assert_non_null(b->experts);
    for (uint32_t e = 0; e < s->n_expert; e++)
        make_expert(b, s, e, &fx->seed);
    for (uint32_t g = 0; g < s->n_gate; g++)
        make_gate(b, s, g, &fx->seed);
    b->p = (struct lem_layer_params){.device = fx->device,
                                     .n_in = s->n_in,
                                     .experts = b->experts,
                                     .n_expert = s->n_expert,
                                     .gates = b->gate,
                                     .n_gate = s->n_gate,
                                     .seed = 77,
                                     .keep_responses = true};
}

void bed_close(struct bed *b)
{
    for (uint32_t e = 0; e < b->p.n_expert; e++)
        free((void *)(uintptr_t)b->experts[e].dense);
    for (uint32_t i = 0; i < b->n_owned; i++)
        free(b->owned[i]);
    free(b->owned);
    free(b->experts);
    free(b->x);
    free(b->y);
    free(b->ids);
    free(b->weights);
    free(b->responses);
}

/* ---- running --------------------------------------------------------------------- */

static void *array(size_t n, size_t size)
{
    void *p = malloc(n * size);
    assert_non_null(p);
    memset(p, 0xff, n * size); /* NaN: what is not written shows */
    return p;
}

void bed_run(struct bed *b, uint32_t n_row, uint32_t banned, uint64_t *seed)
{
    struct lem_layer *layer;
    b->p.log = capture_log(&b->said);
    assert_int_equal(lem_layer_open(&b->p, &layer), LEM_OK);
    if (banned != UINT32_MAX)
        assert_int_equal(lem_layer_ban(layer, 0, banned, true), LEM_OK);
    lem_layer_get_info(layer, &b->info);
    assert_int_equal(b->info.n_out, b->n_out);

    const size_t rows = (size_t)n_row * b->p.n_gate;
    b->n_row = n_row;
    b->n_used = b->info.n_used;
    b->x = array((size_t)n_row * b->p.n_in, sizeof *b->x);
    b->y = array(rows * b->n_out, sizeof *b->y);
    b->ids = array(rows * b->n_used, sizeof *b->ids);
    b->weights = array(rows * b->n_used, sizeof *b->weights);
    b->responses = array((size_t)n_row * b->p.n_expert * b->n_out, sizeof *b->responses);
    for (size_t i = 0; i < (size_t)n_row * b->p.n_in; i++)
        b->x[i] = random_f32(seed);

    const struct lem_layer_io io = {.x = b->x,
                                    .n_row = n_row,
                                    .y = b->y,
                                    .ids = b->ids,
                                    .weights = b->weights,
                                    .responses = b->responses};
    assert_int_equal(lem_layer_run(layer, &io), LEM_OK);
    lem_layer_close(&layer);
    assert_silent(&b->said);
}

/* ---- comparing ------------------------------------------------------------------- */

struct scratch {
    float *own, *y, *weights, *banned;
    uint32_t *ids;
};

/* Are the experts of this row equal? Slots of the gate, and emptiness beyond. */
static bool same_ids(const struct bed *b, const uint16_t *got, const uint32_t *want,
                     uint32_t n_used)
{
    for (uint32_t k = 0; k < b->n_used; k++) {
        const uint32_t id = k < n_used ? want[k] : REF_NO_EXPERT;
        if (got[k] != (id == REF_NO_EXPERT ? LEM_NO_EXPERT : id))
            return false;
    }
    return true;
}

static void check_responses(const struct bed *b, uint32_t row, const struct scratch *s,
                            float abs_tol, float rel_tol)
{
    for (uint32_t e = 0; e < b->p.n_expert; e++) {
        const float *got = b->responses + ((size_t)row * b->p.n_expert + e) * b->n_out;
        bool chosen = false;
        for (uint32_t g = 0; g < b->p.n_gate; g++)
            for (uint32_t k = 0; k < b->n_used; k++)
                chosen =
                    chosen || b->ids[((size_t)g * b->n_row + row) * b->n_used + k] == e;
        memset(s->y, 0, b->n_out * sizeof *s->y);
        if (chosen)
            ref_layer_expert(s->y, &b->p, e, b->x + (size_t)row * b->p.n_in, s->own);
        assert_close(got, s->y, b->n_out, abs_tol, rel_tol, "row %u, expert %u", row, e);
    }
}

/* Returns true for a near tie that fell the other way. */
static bool check_row(const struct bed *b, uint32_t g, uint32_t row,
                      const struct scratch *s, float near, float abs_tol, float rel_tol)
{
    const struct ref_layer l = {
        .p = &b->p, .gate = g, .banned = g == 0 ? s->banned : NULL, .scratch = s->own};
    const uint32_t n_used = ref_layer_n_used(&b->p, g);
    const size_t at = (size_t)g * b->n_row + row;
    float margin;
    ref_layer(s->y, s->ids, s->weights, &margin, b->x + (size_t)row * b->p.n_in, row, &l);
    if (!same_ids(b, b->ids + at * b->n_used, s->ids, n_used)) {
        if (margin > near)
            fail_msg("gate %u, row %u: other experts, margin %g", g, row, (double)margin);
        return true;
    }
    assert_close(b->weights + at * b->n_used, s->weights, n_used, 1e-6f, 1e-5f,
                 "weights of gate %u, row %u", g, row);
    for (uint32_t k = n_used; k < b->n_used; k++)
        assert_true(b->weights[at * b->n_used + k] == 0);
    assert_close(b->y + at * b->n_out, s->y, b->n_out, abs_tol, rel_tol,
                 "y of gate %u, row %u", g, row);
    return false;
}

uint32_t bed_compare(struct bed *b, uint32_t banned, float near, float abs_tol,
                     float rel_tol)
{
    const uint32_t n = b->p.n_expert;
    struct scratch s = {.own = array(ref_layer_scratch(&b->p), sizeof(float)),
                        .y = array(b->n_out, sizeof(float)),
                        .weights = array(n, sizeof(float)),
                        .ids = array(n, sizeof(uint32_t)),
                        .banned = calloc(n, sizeof(float))};
    uint32_t n_near = 0;
    assert_non_null(s.banned);
    if (banned != UINT32_MAX)
        s.banned[banned] = -INFINITY;
    for (uint32_t row = 0; row < b->n_row; row++) {
        for (uint32_t g = 0; g < b->p.n_gate; g++)
            n_near += check_row(b, g, row, &s, near, abs_tol, rel_tol);
        check_responses(b, row, &s, abs_tol, rel_tol);
    }
    free(s.own);
    free(s.y);
    free(s.weights);
    free(s.ids);
    free(s.banned);
    return n_near;
}
