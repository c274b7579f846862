/* weights_upload.c - packing the tensors into the chunks. */
#include "cache/weights_upload.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "base/thread.h"

/* A piece: whole tiles of one matrix in one window, small enough for a staging
 * slot and for an even share of the work. */
struct piece {
    const struct pack_matrix *matrix;
    uint32_t window, mat;
    uint32_t tile0, n_tile; /* of the whole matrix, not of the window */
    uint64_t offset;        /* in the chunk */
    uint64_t bytes;
    uint32_t chunk;
};

enum { PIECE_BYTES = 4 << 20, MAX_WORKER = 16 };

struct job {
    const struct weights_layout *layout;
    struct lem_weights *w;
    struct piece *piece;
    uint32_t n_piece;
    atomic_uint next;  /* the next piece nobody works on */
    struct mutex lock; /* guards done and the progress callback */
    uint64_t done;
    const struct lem_progress *progress;
};

/* ---- one piece --------------------------------------------------------------- */

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

/* Rows [r0, r1) of one source tensor to where row `at` of the piece is. */
static void pack_rows(const struct ops_weight *d, const struct tensor *t, uint32_t mat,
                      uint32_t r0, uint32_t r1, uint32_t at, uint64_t tile_bytes,
                      uint8_t *dst)
{
    const uint64_t row_bytes = t->bytes / ((uint64_t)t->n_mat * t->n_row);
    const uint8_t *src = t->data + ((uint64_t)mat * t->n_row + r0) * row_bytes;
    uint32_t n = r1 - r0;
    if (at % QUANT_TILE_ROWS == 0) {
        const uint32_t whole = n / QUANT_TILE_ROWS * QUANT_TILE_ROWS;
        quant_pack(d->type, src, whole, d->n_col,
                   dst + at / QUANT_TILE_ROWS * tile_bytes);
        src += whole * row_bytes;
        at += whole;
        n -= whole;
    }
    for (uint32_t i = 0; i < n; i++)
        pack_row(d, src + i * row_bytes, at + i, dst);
}

/* The file's pages under rows [r0, r1) of a matrix have served: at rest there is one copy
 * of the weights. */
static void forget_rows(const struct lem_model *m, const struct tensor *t, uint32_t mat,
                        uint32_t r0, uint32_t r1)
{
    const uint64_t row_bytes = t->bytes / ((uint64_t)t->n_mat * t->n_row);
    if (m && m->file)
        gguf_forget(m->file, t->data + ((uint64_t)mat * t->n_row + r0) * row_bytes,
                    (r1 - r0) * row_bytes);
}

static void pack_piece(const struct lem_model *model, const struct piece *p, uint8_t *dst)
{
    const struct ops_weight *d = p->matrix->dst;
    const uint64_t tile_bytes = p->bytes / p->n_tile;
    const uint32_t first = p->tile0 * QUANT_TILE_ROWS;
    const uint32_t end = first + p->n_tile * QUANT_TILE_ROWS;

    if (end > d->n_row) /* padding rows of the last tile */
        memset(dst + (p->n_tile - 1) * tile_bytes, 0, tile_bytes);
    uint32_t row = 0; /* of the packed matrix, where the source begins */
    for (uint32_t i = 0; i < p->matrix->n_source; i++) {
        const struct tensor *t = p->matrix->source[i];
        const uint32_t lo = row > first ? row : first;
        const uint32_t hi = row + t->n_row < end ? row + t->n_row : end;
        if (lo < hi) {
            pack_rows(d, t, p->mat, lo - row, hi - row, lo - first, tile_bytes, dst);
            forget_rows(model, t, p->mat, lo - row, hi - row);
        }
        row += t->n_row;
    }
}

/* ---- all pieces ----------------------------------------------------------------- */

/* Cut one window into pieces; with `out` NULL only count them. */
static uint32_t cut_window(const struct weights_layout *l, const struct pack_matrix *m,
                           uint32_t window, struct piece *out)
{
    const struct ops_window *win = &m->dst->window[window];
    const struct pack_place *place = &l->place[m->first_place + window];
    const uint32_t n_tile = ceil_div(win->n_row, QUANT_TILE_ROWS);
    const uint64_t tile_bytes = place->size / ((uint64_t)win->n_mat * n_tile);
    uint32_t step = (uint32_t)(PIECE_BYTES / tile_bytes);
    step = step ? step : 1;
    uint32_t n = 0;
    for (uint32_t mat = 0; mat < win->n_mat; mat++) {
        for (uint32_t t = 0; t < n_tile; t += step, n++) {
            if (!out)
                continue;
            const uint32_t count = n_tile - t < step ? n_tile - t : step;
            out[n] = (struct piece){.matrix = m,
                                    .window = window,
                                    .mat = win->mat0 + mat,
                                    .tile0 = win->row0 / QUANT_TILE_ROWS + t,
                                    .n_tile = count,
                                    .offset = place->offset +
                                              ((uint64_t)mat * n_tile + t) * tile_bytes,
                                    .bytes = count * tile_bytes,
                                    .chunk = place->chunk};
        }
    }
    return n;
}

static enum lem_status cut(struct job *job)
{
    for (int fill = 0; fill < 2; fill++) {
        uint64_t n = 0;
        for (uint32_t i = 0; i < job->layout->n_matrix; i++) {
            const struct pack_matrix *m = &job->layout->matrix[i];
            for (uint32_t k = 0; k < m->n_place; k++)
                n += cut_window(job->layout, m, k, fill ? job->piece + n : NULL);
        }
        if (fill)
            break;
        job->n_piece = (uint32_t)n;
        job->piece = n < UINT32_MAX ? calloc(n ? n : 1, sizeof *job->piece) : NULL;
        if (!job->piece)
            return log_fail(&job->w->log, LEM_ERR_MEMORY,
                            "no memory to list %llu pieces of the weights",
                            (unsigned long long)n);
    }
    return LEM_OK;
}

static void report(struct job *job, uint64_t bytes)
{
    mutex_lock(&job->lock);
    job->done += bytes;
    log_progress(job->progress, "loading weights", job->done, job->layout->total_bytes);
    mutex_unlock(&job->lock);
}

static void worker(void *arg)
{
    struct job *job = arg;
    for (;;) {
        const uint32_t i = atomic_fetch_add(&job->next, 1);
        if (i >= job->n_piece)
            return;
        const struct piece *p = &job->piece[i];
        uint8_t *map = gpu_buf_map(job->w->chunk[p->chunk]);
        if (map) {
            pack_piece(job->w->model, p, map + p->offset);
            report(job, p->bytes);
        }
    }
}

static void fill_mapped(struct job *job)
{
    struct thread thread[MAX_WORKER];
    uint32_t n = thread_cpus();
    n = n < MAX_WORKER ? n : MAX_WORKER;
    uint32_t started = 0;
    while (started + 1 < n && thread_start(&thread[started], worker, job))
        started++;
    worker(job);
    for (uint32_t i = 0; i < started; i++)
        thread_join(&thread[i]);
}

/* Pieces and vectors of chunks that are not mapped. */
static enum lem_status fill_staged(struct job *job)
{
    uint64_t slot = PIECE_BYTES;
    bool any = false;
    for (uint32_t i = 0; i < job->n_piece; i++)
        slot = job->piece[i].bytes > slot ? job->piece[i].bytes : slot;
    for (uint32_t i = 0; i < job->layout->n_vector; i++) {
        const uint64_t bytes = (uint64_t)job->layout->vector[i].n * sizeof(float);
        slot = bytes > slot ? bytes : slot;
    }
    for (uint32_t i = 0; i < job->w->n_chunk; i++)
        any = any || !gpu_buf_map(job->w->chunk[i]);
    if (!any)
        return LEM_OK;

    struct gpu_upload *up = NULL;
    enum lem_status st = gpu_upload_open(job->w->device, slot, 4, &up);
    for (uint32_t i = 0; i < job->n_piece && st == LEM_OK; i++) {
        const struct piece *p = &job->piece[i];
        struct gpu_buf *buf = job->w->chunk[p->chunk];
        void *dst = NULL;
        if (gpu_buf_map(buf))
            continue;
        st = gpu_upload_slot(up, &dst);
        if (st != LEM_OK)
            break;
        pack_piece(job->w->model, p, dst);
        st = gpu_upload_send(up, buf, p->offset, p->bytes);
        report(job, p->bytes);
    }
    for (uint32_t i = 0; i < job->layout->n_vector && st == LEM_OK; i++) {
        const struct pack_vector *v = &job->layout->vector[i];
        const struct pack_place *place = &job->layout->place[v->place];
        void *dst = NULL;
        if (gpu_buf_map(job->w->chunk[place->chunk]))
            continue;
        st = gpu_upload_slot(up, &dst);
        if (st != LEM_OK)
            break;
        memcpy(dst, v->values, (size_t)place->size);
        st = gpu_upload_send(up, job->w->chunk[place->chunk], place->offset, place->size);
        report(job, place->size);
    }
    if (st == LEM_OK)
        st = gpu_upload_finish(up);
    gpu_upload_close(&up);
    return st;
}

static void fill_mapped_vectors(struct job *job)
{
    for (uint32_t i = 0; i < job->layout->n_vector; i++) {
        const struct pack_vector *v = &job->layout->vector[i];
        const struct pack_place *place = &job->layout->place[v->place];
        uint8_t *map = gpu_buf_map(job->w->chunk[place->chunk]);
        if (map) {
            memcpy(map + place->offset, v->values, (size_t)place->size);
            report(job, place->size);
        }
    }
}

enum lem_status weights_upload(const struct weights_layout *layout, struct lem_weights *w,
                               const struct lem_progress *progress)
{
    struct job job = {.layout = layout, .w = w, .progress = progress};
    atomic_init(&job.next, 0);
    mutex_init(&job.lock);
    enum lem_status st = cut(&job);
    if (st == LEM_OK) {
        fill_mapped(&job);
        fill_mapped_vectors(&job);
        st = fill_staged(&job);
    }
    mutex_finish(&job.lock);
    free(job.piece);
    return st;
}
