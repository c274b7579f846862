/* bank.c - which matrices, biases and slices of the input the experts have: what is given
 * more than once is kept once. */
#include "layer/bank.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"

/* ---- what the experts read ------------------------------------------------------- */

/* The slice with these columns; a new one where there is none. */
static uint32_t find_slice(struct lem_layer *l, uint32_t x_off, uint32_t n)
{
    for (uint32_t i = 0; i < l->n_slice; i++)
        if (l->slice[i].x_off == x_off && l->slice[i].n == n)
            return i;
    l->slice[l->n_slice] = (struct layer_slice){.x_off = x_off, .n = n};
    return l->n_slice++;
}

/* Each slice has room for the longest: all matrices have its columns. */
static enum lem_status place_slices(struct lem_layer *l, uint32_t room)
{
    uint64_t at = 0;
    for (uint32_t i = 0; i < l->n_slice; i++) {
        l->slice[i].at = (uint32_t)at;
        const uint32_t own = round_up(l->slice[i].n, LAYER_ALIGN);
        at += own > room ? own : room;
        if (at > WEIGHTS_MAX_BINDING / sizeof(float))
            return log_fail(&l->log, LEM_ERR_UNSUPPORTED,
                            "the slices of %u experts together are more than %llu "
                            "values; use fewer or shorter ones",
                            l->info.n_expert,
                            (unsigned long long)(WEIGHTS_MAX_BINDING / sizeof(float)));
    }
    l->stride_x = (uint32_t)at;
    return LEM_OK;
}

static enum lem_status make_slices(struct lem_layer *l, const struct lem_layer_params *p)
{
    bool linear = false;
    uint32_t most = 0;
    for (uint32_t g = 0; g < p->n_gate; g++)
        linear = linear || p->gates[g].weight;
    l->slice = arena_alloc(&l->arena, (size_t)p->n_expert + 1, sizeof *l->slice);
    l->slice_of = arena_alloc(&l->arena, p->n_expert, sizeof *l->slice_of);
    if (!l->slice || !l->slice_of)
        return log_fail(&l->log, LEM_ERR_MEMORY, "no memory for %u slices", p->n_expert);
    if (linear)
        find_slice(l, 0, p->n_in); /* gates read the beginning of a row */
    for (uint32_t e = 0; e < p->n_expert; e++) {
        const uint32_t n = p->experts[e].dense[0].n_in;
        l->slice_of[e] = find_slice(l, p->experts[e].x_off, n);
        most = n > most ? n : most;
    }
    return place_slices(l, round_up(most, LAYER_ALIGN));
}

/* ---- matrices -------------------------------------------------------------------- */

/* Columns of the matrices of dense layer `i`: those of the longest slice. */
static uint32_t n_col_of(const struct lem_layer_params *p, uint32_t i)
{
    uint32_t n = 0;
    for (uint32_t e = 0; e < p->n_expert; e++)
        n = p->experts[e].dense[i].n_in > n ? p->experts[e].dense[i].n_in : n;
    return round_up(n, LAYER_ALIGN);
}

/* The bank for matrices of this shape: dense layers of equal shapes share one. */
static uint32_t find_bank(struct lem_layer *l, uint32_t n_row, uint32_t n_col)
{
    for (uint32_t i = 0; i < l->n_bank; i++)
        if (l->bank[i].n_row == n_row && l->bank[i].n_col == n_col)
            return i;
    l->bank[l->n_bank] = (struct layer_bank){.n_row = n_row, .n_col = n_col};
    return l->n_bank++;
}

uint32_t layer_bank_find(const struct layer_bank *b, const float *w, uint32_t n_in)
{
    uint32_t i = 0;
    while (i < b->n_mat && (b->source[i].w != w || b->source[i].n_in != n_in))
        i++;
    return i;
}

static enum lem_status add_matrix(struct lem_layer *l, const struct lem_layer_params *p,
                                  uint32_t e, uint32_t i)
{
    const struct lem_layer_dense *d = &p->experts[e].dense[i];
    struct layer_bank *b = &l->bank[l->dense[i].bank];
    if (layer_bank_find(b, d->weight, d->n_in) < b->n_mat)
        return LEM_OK;
    b->source[b->n_mat++] = (struct layer_source){.w = d->weight, .n_in = d->n_in};
    return layer_check_finite(&l->log, d->weight, (uint64_t)b->n_row * d->n_in,
                              "experts[%u].dense[%u].weight", e, i);
}

static enum lem_status add_dense(struct lem_layer *l, const struct lem_layer_params *p,
                                 uint32_t i)
{
    const struct lem_layer_dense *first = &p->experts[0].dense[i];
    struct layer_dense *d = &l->dense[i];
    d->act = first->act;
    d->n_out = first->n_out;
    d->n_row = first->act == LEM_ACT_SWIGLU ? 2 * first->n_out : first->n_out;
    d->bank = find_bank(l, d->n_row, n_col_of(p, i));

    /* at most one matrix an expert from each dense layer */
    struct layer_bank *b = &l->bank[d->bank];
    struct layer_source *more =
        arena_alloc(&l->arena, (size_t)b->n_mat + p->n_expert, sizeof *b->source);
    if (!more)
        return log_fail(&l->log, LEM_ERR_MEMORY, "no memory to list %u matrices",
                        p->n_expert);
    if (b->n_mat)
        memcpy(more, b->source, b->n_mat * sizeof *more);
    b->source = more;
    enum lem_status st = LEM_OK;
    for (uint32_t e = 0; e < p->n_expert && st == LEM_OK; e++)
        st = add_matrix(l, p, e, i);
    return st;
}

enum lem_status layer_banks_make(struct lem_layer *l, const struct lem_layer_params *p)
{
    l->n_dense = p->experts[0].n_dense;
    l->dense = arena_alloc(&l->arena, l->n_dense, sizeof *l->dense);
    l->bank = arena_alloc(&l->arena, l->n_dense, sizeof *l->bank);
    if (!l->dense || !l->bank)
        return log_fail(&l->log, LEM_ERR_MEMORY, "no memory for %u dense layers",
                        l->n_dense);
    enum lem_status st = make_slices(l, p);
    for (uint32_t i = 0; i < l->n_dense && st == LEM_OK; i++)
        st = add_dense(l, p, i);
    for (uint32_t i = 0; i < l->n_bank; i++)
        l->info.n_matrix += l->bank[i].n_mat;
    l->info.n_out = l->dense[l->n_dense - 1].n_out;
    return st;
}
