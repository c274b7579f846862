/* bank_place.c - the banks' matrices encoded, and all that does not change uploaded. */
#include "layer/bank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "cache/weights_layout.h"

/* What is being made. */
struct job {
    struct lem_layer *l;
    const struct lem_layer_params *p;
    const struct quant_info *type;
    struct weights_layout layout;
    struct gguf_tensor name; /* of what is laid out, for messages */
    struct tensor *tensor;   /* [n_bank + n_gate], as if they came from a file */
    uint32_t n_tensor;
    uint8_t **bytes;      /* [n_bank] encoded */
    double squares, most; /* of the differences */
    float low, high;      /* of the values */
    uint64_t n_weight;
};

static const struct quant_info *type_of(enum lem_layer_type type)
{
    static const enum quant_type types[] = {
        [LEM_LAYER_F32] = QUANT_F32,
        [LEM_LAYER_F16] = QUANT_F16,
        [LEM_LAYER_Q8_0] = QUANT_Q8_0,
        [LEM_LAYER_Q4_0] = QUANT_Q4_0,
    };
    return quant_find(types[type]);
}

/* ---- encoding -------------------------------------------------------------------- */

/* One row: `row` and `back` have n_col values. False: too large for the type. */
static bool encode_row(struct job *j, const float *src, uint32_t n, uint32_t n_col,
                       float *row, float *back, uint8_t *dst)
{
    bool fits = true;
    memcpy(row, src, n * sizeof *row);
    memset(row + n, 0, (n_col - n) * sizeof *row);
    j->type->encode(row, dst, n_col);
    j->type->decode(dst, back, n_col);
    for (uint32_t i = 0; i < n; i++) {
        const double e = (double)row[i] - (double)back[i];
        j->squares += e * e;
        j->most = fmax(j->most, fabs(e));
        j->low = fminf(j->low, row[i]);
        j->high = fmaxf(j->high, row[i]);
        fits = fits && isfinite(back[i]);
    }
    j->n_weight += n;
    return fits;
}

static enum lem_status encode_bank(struct job *j, const struct layer_bank *b,
                                   uint8_t *bytes, float *row)
{
    uint64_t row_bytes;
    (void)quant_bytes(j->type, b->n_col, &row_bytes); /* whole blocks, and they fit */
    for (uint32_t m = 0; m < b->n_mat; m++)
        for (uint32_t r = 0; r < b->n_row; r++, bytes += row_bytes)
            if (!encode_row(j, b->source[m].w + (size_t)r * b->source[m].n_in,
                            b->source[m].n_in, b->n_col, row, row + b->n_col, bytes))
                return log_fail(&j->l->log, LEM_ERR_UNSUPPORTED,
                                "the experts' weights reach from %g to %g, too large for "
                                "%s; use LEM_LAYER_F32 as type",
                                (double)j->low, (double)j->high, j->type->name);
    return LEM_OK;
}

/* A bank as a tensor of the layout. */
static enum lem_status add_bank(struct job *j, uint32_t i)
{
    struct layer_bank *b = &j->l->bank[i];
    uint64_t size;
    uint8_t *bytes = NULL;
    if (quant_bytes(j->type, b->n_col, &size) && check_mul(size, b->n_row, &size) &&
        check_mul(size, b->n_mat, &size) && size <= SIZE_MAX)
        bytes = malloc((size_t)size);
    float *row = malloc(2 * (size_t)b->n_col * sizeof *row);
    j->bytes[i] = bytes;
    if (!bytes || !row) {
        free(row);
        return log_fail(&j->l->log, LEM_ERR_MEMORY,
                        "no host memory to encode %u matrices of %u x %u", b->n_mat,
                        b->n_row, b->n_col);
    }
    enum lem_status st = encode_bank(j, b, bytes, row);
    free(row);
    if (st != LEM_OK)
        return st;
    struct tensor *t = &j->tensor[j->n_tensor++];
    *t = (struct tensor){.file = &j->name,
                         .type = j->type,
                         .n_mat = b->n_mat,
                         .n_row = b->n_row,
                         .n_col = b->n_col,
                         .data = bytes,
                         .bytes = size};
    const struct tensor *source = t;
    j->name.name = "experts";
    return weights_add_matrix(&j->layout, j->l->weights, &b->weight, 1, &source);
}

static enum lem_status add_gate(struct job *j, uint32_t g)
{
    const struct lem_layer_params *p = j->p;
    if (!p->gates[g].weight)
        return LEM_OK;
    struct tensor *t = &j->tensor[j->n_tensor++];
    *t = (struct tensor){.file = &j->name,
                         .type = quant_find(QUANT_F32),
                         .n_mat = 1,
                         .n_row = p->n_expert,
                         .n_col = p->n_in,
                         .data = (const uint8_t *)p->gates[g].weight,
                         .bytes = sizeof(float) * p->n_expert * (uint64_t)p->n_in};
    const struct tensor *source = t;
    j->name.name = "gates";
    return weights_add_matrix(&j->layout, j->l->weights, &j->l->gate[g].weight, 1,
                              &source);
}

/* ---- biases and tables ----------------------------------------------------------- */

/* Number of the expert's row of biases; the first expert with the same array counts. */
static uint32_t find_bias(const float *const *rows, uint32_t n, const float *bias)
{
    uint32_t i = 0;
    while (i < n && rows[i] != bias)
        i++;
    return i;
}

/* The different arrays of biases of dense layer `i`, NULL for none, and which one each
 * expert has. Returns how many there are; 0 when no expert has any. */
static uint32_t list_biases(const struct job *j, uint32_t i, const float **rows,
                            uint32_t *of)
{
    uint32_t n = 0;
    bool any = false;
    for (uint32_t e = 0; e < j->p->n_expert; e++) {
        const float *bias = j->p->experts[e].dense[i].bias;
        any = any || bias;
        of[e] = find_bias(rows, n, bias);
        if (of[e] == n)
            rows[n++] = bias;
    }
    return any ? n : 0;
}

static enum lem_status add_biases(struct job *j, uint32_t i, const float *const *rows,
                                  uint32_t n)
{
    struct layer_dense *d = &j->l->dense[i];
    uint64_t all;
    float *values = NULL;
    if (!check_mul(n, d->n_row, &all) || all > WEIGHTS_MAX_BINDING / sizeof(float))
        return log_fail(&j->l->log, LEM_ERR_UNSUPPORTED,
                        "dense[%u]: %u biases of %u experts exceed one binding of %llu "
                        "bytes; use fewer experts",
                        i, d->n_row, n, (unsigned long long)WEIGHTS_MAX_BINDING);
    enum lem_status st =
        weights_add_vector(&j->layout, j->l->weights, &d->bias, (uint32_t)all, &values);
    for (uint32_t r = 0; r < n && st == LEM_OK; r++) {
        if (!rows[r])
            continue;
        uint32_t e = 0;
        while (j->p->experts[e].dense[i].bias != rows[r])
            e++;
        st = layer_check_finite(&j->l->log, rows[r], d->n_row,
                                "experts[%u].dense[%u].bias", e, i);
        memcpy(values + (size_t)r * d->n_row, rows[r], d->n_row * sizeof *values);
    }
    return st;
}

/* What an expert uses; no table when that is matrix and biases of its own number. */
static enum lem_status add_table(struct job *j, uint32_t i, const uint32_t *bias_of)
{
    struct lem_layer *l = j->l;
    struct layer_dense *d = &l->dense[i];
    const uint32_t n = j->p->n_expert;
    uint32_t *table = calloc(n, 4 * sizeof *table);
    bool plain = true;
    if (!table)
        return log_fail(&l->log, LEM_ERR_MEMORY, "no memory for a table of %u experts",
                        n);
    for (uint32_t e = 0; e < n; e++) {
        const struct lem_layer_dense *x = &j->p->experts[e].dense[i];
        uint32_t *row = table + (size_t)4 * e;
        row[0] = layer_bank_find(&l->bank[d->bank], x->weight, x->n_in);
        row[1] = bias_of[e];
        row[2] = i == 0 ? l->slice[l->slice_of[e]].at / 4 : 0;
        plain = plain && row[0] == e && row[1] == e && row[2] == 0;
    }
    enum lem_status st = LEM_OK;
    if (!plain) {
        float *values = NULL;
        st = weights_add_vector(&j->layout, l->weights, &d->table, 4 * n, &values);
        if (st == LEM_OK)
            memcpy(values, table, (size_t)4 * n * sizeof *table);
    }
    free(table);
    return st;
}

static enum lem_status add_vectors(struct job *j, uint32_t i)
{
    const uint32_t n = j->p->n_expert;
    const float **rows = calloc(n, sizeof *rows);
    uint32_t *of = calloc(n, sizeof *of);
    enum lem_status st = LEM_OK;
    if (rows && of) {
        const uint32_t n_row = list_biases(j, i, rows, of);
        if (n_row)
            st = add_biases(j, i, rows, n_row);
        if (st == LEM_OK)
            st = add_table(j, i, of);
    } else {
        st =
            log_fail(&j->l->log, LEM_ERR_MEMORY, "no memory for biases of %u experts", n);
    }
    free(rows);
    free(of);
    return st;
}

/* ---- all of it ------------------------------------------------------------------- */

static enum lem_status lay_out(struct job *j)
{
    struct lem_layer *l = j->l;
    enum lem_status st = LEM_OK;
    for (uint32_t i = 0; i < l->n_bank && st == LEM_OK; i++)
        st = add_bank(j, i);
    for (uint32_t g = 0; g < j->p->n_gate && st == LEM_OK; g++)
        st = add_gate(j, g);
    for (uint32_t i = 0; i < l->n_dense && st == LEM_OK; i++)
        st = add_vectors(j, i);
    return st;
}

static void report_error(const struct job *j)
{
    const double range = (double)j->high - (double)j->low;
    struct lem_layer_info *info = &j->l->info;
    info->weight_bytes = j->layout.total_bytes;
    info->max_error = j->most;
    info->rmse = range > 0 ? sqrt(j->squares / (double)j->n_weight) / range : 0;
}

enum lem_status layer_banks_place(struct lem_layer *l, const struct lem_layer_params *p)
{
    struct job j = {
        .l = l, .p = p, .type = type_of(p->type), .low = INFINITY, .high = -INFINITY};
    enum lem_status st = LEM_OK;
    l->weights = calloc(1, sizeof *l->weights);
    j.tensor = calloc((size_t)l->n_bank + p->n_gate, sizeof *j.tensor);
    j.bytes = calloc(l->n_bank, sizeof *j.bytes);
    if (!l->weights || !j.tensor || !j.bytes) {
        st = log_fail(&l->log, LEM_ERR_MEMORY, "no memory for the table of weights");
    } else {
        l->weights->device = l->device;
        l->weights->log = l->log;
        j.layout.arena = &l->weights->arena;
        st = lay_out(&j);
    }
    if (st == LEM_OK)
        st = weights_place(l->weights, &j.layout, &p->progress);
    if (st == LEM_OK)
        report_error(&j);
    weights_layout_free(&j.layout);
    for (uint32_t i = 0; i < l->n_bank && j.bytes; i++)
        free(j.bytes[i]);
    free(j.bytes);
    free(j.tensor);
    return st;
}
