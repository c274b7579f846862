/* weights_layout.c - where every window of a matrix and every vector lies. */
#include "cache/weights_layout.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"

/* Chunks stay well below the allocation limits seen (1 GiB exactly fails on one
 * driver) and are few, since drivers limit the number of allocations. */
static const uint64_t CHUNK_MAX = (uint64_t)512 << 20;

/* Room for one more element in a growing array; false when memory ran out. */
static bool grow(void *array, uint32_t n, uint32_t *cap, size_t size)
{
    if (n < *cap)
        return true;
    const uint32_t want = *cap ? *cap * 2 : 64;
    void *p = realloc(*(void **)array, want * size);
    if (!p)
        return false;
    *(void **)array = p;
    *cap = want;
    return true;
}

/* ---- placing --------------------------------------------------------------- */

static bool place(struct weights_layout *l, const struct lem_weights *w, uint64_t size)
{
    const struct lem_device_caps *caps = gpu_caps(w->device);
    const uint64_t align = caps->storage_align > 256 ? caps->storage_align : 256;
    const uint64_t limit =
        caps->max_alloc_bytes < CHUNK_MAX ? caps->max_alloc_bytes : CHUNK_MAX;
    uint64_t at = 0;
    if (l->n_chunk)
        at = (l->chunk_bytes[l->n_chunk - 1] + align - 1) / align * align;
    if (l->n_chunk == 0 || at + size > limit) {
        if (!grow(&l->chunk_bytes, l->n_chunk, &l->cap_chunk, sizeof *l->chunk_bytes))
            return false;
        l->chunk_bytes[l->n_chunk++] = 0;
        at = 0;
    }
    if (!grow(&l->place, l->n_place, &l->cap_place, sizeof *l->place))
        return false;
    l->place[l->n_place++] =
        (struct pack_place){.chunk = l->n_chunk - 1, .offset = at, .size = size};
    l->chunk_bytes[l->n_chunk - 1] = at + size;
    l->total_bytes += size;
    return true;
}

/* Cut a matrix into windows that each fit one binding, and place them. */
static enum lem_status place_windows(struct weights_layout *l, struct lem_weights *w,
                                     struct pack_matrix *m, const char *name)
{
    struct ops_weight *d = m->dst;
    const struct lem_device_caps *caps = gpu_caps(w->device);
    const uint64_t limit = caps->max_buffer_range < WEIGHTS_MAX_BINDING
                               ? caps->max_buffer_range
                               : WEIGHTS_MAX_BINDING;
    uint64_t tile = 0;
    const uint64_t n_tile = ceil_div(d->n_row, QUANT_TILE_ROWS);
    if (!quant_tile_bytes(d->type, d->n_col, &tile) || tile > limit)
        return log_fail(&w->log, LEM_ERR_UNSUPPORTED,
                        "%s: 8 rows of %u columns exceed one binding of %llu bytes on %s",
                        name, d->n_col, (unsigned long long)limit, gpu_name(w->device));

    const uint64_t mats = limit / (tile * n_tile); /* whole matrices in a window */
    const uint64_t tiles = limit / tile;
    const uint64_t per_mat = mats ? 1 : (n_tile + tiles - 1) / tiles;
    const uint64_t n_window = mats ? (d->n_mat + mats - 1) / mats : d->n_mat * per_mat;
    struct ops_window *win = arena_alloc(l->arena, n_window, sizeof *win);
    if (!win || n_window > UINT32_MAX)
        return log_fail(&w->log, LEM_ERR_MEMORY, "%s: no memory for its windows", name);

    m->first_place = l->n_place;
    m->n_place = (uint32_t)n_window;
    for (uint32_t i = 0; i < n_window; i++) {
        if (mats) {
            win[i].mat0 = (uint32_t)(i * mats);
            win[i].n_mat =
                d->n_mat - win[i].mat0 < mats ? d->n_mat - win[i].mat0 : (uint32_t)mats;
            win[i].n_row = d->n_row;
        } else {
            const uint32_t part = (uint32_t)(i % per_mat);
            win[i].mat0 = (uint32_t)(i / per_mat);
            win[i].n_mat = 1;
            win[i].row0 = (uint32_t)(part * tiles * QUANT_TILE_ROWS);
            const uint32_t left = d->n_row - win[i].row0;
            win[i].n_row = left < tiles * QUANT_TILE_ROWS
                               ? left
                               : (uint32_t)(tiles * QUANT_TILE_ROWS);
        }
        const uint64_t bytes =
            tile * ceil_div(win[i].n_row, QUANT_TILE_ROWS) * win[i].n_mat;
        if (!place(l, w, bytes))
            return log_fail(&w->log, LEM_ERR_MEMORY, "%s: no memory for its windows",
                            name);
    }
    d->window = win;
    d->n_window = (uint32_t)n_window;
    return LEM_OK;
}

/* ---- matrices and vectors ------------------------------------------------------- */

enum lem_status weights_add_matrix(struct weights_layout *l, struct lem_weights *w,
                                   struct ops_weight *dst, uint32_t n,
                                   const struct tensor *const *source)
{
    if (!grow(&l->matrix, l->n_matrix, &l->cap_matrix, sizeof *l->matrix))
        return log_fail(&w->log, LEM_ERR_MEMORY, "%s: no memory", source[0]->file->name);
    struct pack_matrix *m = &l->matrix[l->n_matrix++];
    *m = (struct pack_matrix){.dst = dst, .n_source = n};
    *dst = (struct ops_weight){
        .type = source[0]->type, .n_mat = source[0]->n_mat, .n_col = source[0]->n_col};
    for (uint32_t i = 0; i < n; i++) {
        m->source[i] = source[i];
        dst->n_row += source[i]->n_row;
    }
    return place_windows(l, w, m, source[0]->file->name);
}

enum lem_status weights_add_vector(struct weights_layout *l, struct lem_weights *w,
                                   struct gpu_slice *dst, uint32_t n, float **values)
{
    *values = arena_alloc(l->arena, n, sizeof **values);
    if (!*values || !grow(&l->vector, l->n_vector, &l->cap_vector, sizeof *l->vector))
        return log_fail(&w->log, LEM_ERR_MEMORY, "no memory for a vector of %u", n);
    l->vector[l->n_vector++] =
        (struct pack_vector){.dst = dst, .values = *values, .n = n, .place = l->n_place};
    if (!place(l, w, (uint64_t)n * sizeof **values))
        return log_fail(&w->log, LEM_ERR_MEMORY, "no memory for a vector of %u", n);
    return LEM_OK;
}

void weights_layout_free(struct weights_layout *l)
{
    free(l->matrix);
    free(l->vector);
    free(l->place);
    free(l->chunk_bytes);
    *l = (struct weights_layout){0};
}
