/* weights_piece.c - the weights cut into pieces, and the packing of one. */
#include "cache/weights_piece.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"

/* ---- cutting ---------------------------------------------------------------- */

/* Cut one window into pieces; with `out` NULL only count them. */
static uint64_t cut_window(const struct weights_layout *l, const struct pack_matrix *m,
                           uint32_t window, uint64_t bytes, struct weights_piece *out)
{
    const struct ops_window *win = &m->dst->window[window];
    const struct pack_place *place = &l->place[m->first_place + window];
    const uint32_t n_tile = ceil_div(win->n_row, QUANT_TILE_ROWS);
    const uint64_t tile_bytes = place->size / ((uint64_t)win->n_mat * n_tile);
    const uint64_t fit = bytes / tile_bytes;
    const uint32_t step = fit == 0 ? 1 : fit < n_tile ? (uint32_t)fit : n_tile;
    uint64_t n = 0;
    for (uint32_t mat = 0; mat < win->n_mat; mat++) {
        for (uint32_t t = 0, count; t < n_tile; t += count, n++) {
            count = n_tile - t < step ? n_tile - t : step;
            if (!out)
                continue;
            out[n] = (struct weights_piece){
                .matrix = m,
                .mat = win->mat0 + mat,
                .tile0 = win->row0 / QUANT_TILE_ROWS + t,
                .n_tile = count,
                .chunk = place->chunk,
                .offset = place->offset + ((uint64_t)mat * n_tile + t) * tile_bytes,
                .bytes = count * tile_bytes};
        }
    }
    return n;
}

static uint64_t cut_vector(const struct weights_layout *l, const struct pack_vector *v,
                           uint64_t bytes, struct weights_piece *out)
{
    const struct pack_place *place = &l->place[v->place];
    uint64_t n = 0;
    for (uint64_t at = 0; at < place->size; at += bytes, n++) {
        if (!out)
            continue;
        const uint64_t left = place->size - at;
        out[n] = (struct weights_piece){.values = v->values + at / sizeof *v->values,
                                        .chunk = place->chunk,
                                        .offset = place->offset + at,
                                        .bytes = left < bytes ? left : bytes};
    }
    return n;
}

static uint64_t cut_all(const struct weights_layout *l, uint64_t bytes,
                        struct weights_piece *out)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < l->n_matrix; i++)
        for (uint32_t k = 0; k < l->matrix[i].n_place; k++)
            n += cut_window(l, &l->matrix[i], k, bytes, out ? out + n : NULL);
    for (uint32_t i = 0; i < l->n_vector; i++)
        n += cut_vector(l, &l->vector[i], bytes, out ? out + n : NULL);
    return n;
}

enum lem_status weights_pieces_cut(const struct weights_layout *layout, uint64_t bytes,
                                   const struct lem_log *log, struct weights_pieces *out)
{
    const uint64_t n = cut_all(layout, bytes, NULL);
    *out = (struct weights_pieces){0};
    out->at = n < UINT32_MAX ? calloc(n ? n : 1, sizeof *out->at) : NULL;
    if (!out->at)
        return log_fail(log, LEM_ERR_MEMORY,
                        "no memory to list %llu pieces of the weights",
                        (unsigned long long)n);
    out->n = (uint32_t)n;
    (void)cut_all(layout, bytes, out->at);
    for (uint32_t i = 0; i < out->n; i++)
        if (out->at[i].bytes > out->most_bytes)
            out->most_bytes = out->at[i].bytes;
    return LEM_OK;
}

void weights_pieces_free(struct weights_pieces *p)
{
    free(p->at);
    *p = (struct weights_pieces){0};
}

/* ---- packing ---------------------------------------------------------------- */

/* Rows [row, row + n) of matrix `mat` of one source tensor. */
struct rows {
    const struct tensor *t;
    uint32_t mat, row, n;
};

static uint64_t row_bytes(const struct rows *r)
{
    return r->t->bytes / ((uint64_t)r->t->n_mat * r->t->n_row);
}

static const uint8_t *first_byte(const struct rows *r)
{
    return r->t->data + ((uint64_t)r->mat * r->t->n_row + r->row) * row_bytes(r);
}

/* Row `r` of the packed tiles at `dst`, whose first row is row 0. */
static void pack_row(const struct ops_weight *d, const uint8_t *src, uint32_t r,
                     uint8_t *dst)
{
    const struct quant_info *q = d->type;
    const uint32_t n_sb = quant_n_sb(q, d->n_col);
    const uint32_t stride = QUANT_TILE_ROWS * QUANT_SLOT_BYTES;
    const size_t sb_bytes = (size_t)q->sb_slots * stride;
    const size_t src_bytes = (size_t)q->sb_weights / q->block_weights * q->block_bytes;
    uint8_t *at = dst + (size_t)(r / QUANT_TILE_ROWS) * n_sb * sb_bytes +
                  (size_t)(r % QUANT_TILE_ROWS) * QUANT_SLOT_BYTES;
    for (uint32_t sb = 0; sb < n_sb; sb++) {
        const uint32_t left = d->n_col - sb * q->sb_weights;
        q->pack(src + sb * src_bytes, left < q->sb_weights ? left : q->sb_weights,
                at + sb * sb_bytes, stride);
    }
}

/* Rows to where row `at` of the piece is. */
static void pack_rows(const struct ops_weight *d, const struct rows *rows, uint32_t at,
                      uint64_t tile_bytes, uint8_t *dst)
{
    const uint64_t bytes = row_bytes(rows);
    const uint8_t *src = first_byte(rows);
    uint32_t n = rows->n;
    if (at % QUANT_TILE_ROWS == 0) {
        const uint32_t whole = n / QUANT_TILE_ROWS * QUANT_TILE_ROWS;
        quant_pack(d->type, src, whole, d->n_col,
                   dst + at / QUANT_TILE_ROWS * tile_bytes);
        src += whole * bytes;
        at += whole;
        n -= whole;
    }
    for (uint32_t i = 0; i < n; i++)
        pack_row(d, src + i * bytes, at + i, dst);
}

/* The rows of a piece that source `i` has, n = 0 where none, and the row of the piece at
 * which they begin. */
static struct rows rows_of(const struct weights_piece *p, uint32_t i, uint32_t *at)
{
    const struct tensor *const *source = p->matrix->source;
    const uint32_t first = p->tile0 * QUANT_TILE_ROWS;
    const uint32_t end = first + p->n_tile * QUANT_TILE_ROWS;
    uint32_t row = 0; /* of the packed matrix, where the source begins */
    for (uint32_t k = 0; k < i; k++)
        row += source[k]->n_row;
    const uint32_t lo = row > first ? row : first;
    const uint32_t hi = row + source[i]->n_row < end ? row + source[i]->n_row : end;
    *at = lo - first;
    return (struct rows){
        .t = source[i], .mat = p->mat, .row = lo - row, .n = lo < hi ? hi - lo : 0};
}

void weights_piece_expect(const struct lem_model *model, const struct weights_piece *p)
{
    for (uint32_t i = 0; model && model->file && p->matrix && i < p->matrix->n_source;
         i++) {
        uint32_t at;
        const struct rows rows = rows_of(p, i, &at);
        if (rows.n)
            gguf_expect(model->file, first_byte(&rows), rows.n * row_bytes(&rows));
    }
}

static void pack_tiles(const struct lem_model *model, const struct weights_piece *p,
                       uint8_t *dst)
{
    const struct ops_weight *d = p->matrix->dst;
    const uint64_t tile_bytes = p->bytes / p->n_tile;

    if ((p->tile0 + p->n_tile) * QUANT_TILE_ROWS > d->n_row) /* padding rows */
        memset(dst + (p->n_tile - 1) * tile_bytes, 0, tile_bytes);
    for (uint32_t i = 0; i < p->matrix->n_source; i++) {
        uint32_t at;
        const struct rows rows = rows_of(p, i, &at);
        if (!rows.n)
            continue;
        pack_rows(d, &rows, at, tile_bytes, dst);
        /* The file's pages have served: at rest there is one copy of the weights. */
        if (model && model->file)
            gguf_forget(model->file, first_byte(&rows), rows.n * row_bytes(&rows));
    }
}

void weights_piece_pack(const struct lem_model *model, const struct weights_piece *p,
                        uint8_t *dst)
{
    if (p->matrix)
        pack_tiles(model, p, dst);
    else
        memcpy(dst, p->values, (size_t)p->bytes);
}
