/* weights_layout.h - from tensors to windows: what is packed with what, and where
 * every window lies. Made before any device memory is taken. */
#ifndef CACHE_WEIGHTS_LAYOUT_H
#define CACHE_WEIGHTS_LAYOUT_H

#include "cache/weights.h"

enum { PACK_MAX_SOURCE = 3 };

/* One matrix on the device and the tensors whose rows make it up. */
struct pack_matrix {
    struct ops_weight *dst;
    const struct tensor *source[PACK_MAX_SOURCE];
    uint32_t n_source;
    uint32_t first_place, n_place; /* its windows in `place` */
};

/* One vector on the device: values in host memory. */
struct pack_vector {
    struct gpu_slice *dst;
    const float *values;
    uint32_t n;
    uint32_t place;
};

/* A stretch of a chunk. */
struct pack_place {
    uint32_t chunk;
    uint64_t offset, size;
};

struct weights_layout {
    struct pack_matrix *matrix;
    uint32_t n_matrix, cap_matrix;
    struct pack_vector *vector;
    uint32_t n_vector, cap_vector;
    struct pack_place *place;
    uint32_t n_place, cap_place;
    uint64_t *chunk_bytes;
    uint32_t n_chunk, cap_chunk;
    uint64_t total_bytes;
    struct arena *arena; /* of the weights: windows and vectors' values live there */
};

/* One matrix from the rows of `n` tensors that share type, columns and number of
 * matrices. Returns LEM_OK, LEM_ERR_MEMORY, LEM_ERR_UNSUPPORTED. */
enum lem_status weights_add_matrix(struct weights_layout *l, struct lem_weights *w,
                                   struct ops_weight *dst, uint32_t n,
                                   const struct tensor *const *source);
/* A vector of `n` zeros, for the caller to fill: *values lives with the weights. */
enum lem_status weights_add_vector(struct weights_layout *l, struct lem_weights *w,
                                   struct gpu_slice *dst, uint32_t n, float **values);

/* Fill `w`'s matrices and vectors (slices have chunk numbers in `layout` only) and
 * the layout. Returns LEM_OK, LEM_ERR_MEMORY, LEM_ERR_UNSUPPORTED.
 * (weights_model.c) */
enum lem_status weights_layout_make(struct weights_layout *layout, struct lem_weights *w);
void weights_layout_free(struct weights_layout *layout);

/* Take device memory for all of a layout made with `w`, point the matrices and vectors
 * into it and upload. What the tensors point to is read during the call only. Returns
 * LEM_OK or what gpu_buf_open() and weights_upload() do. (weights.c) */
enum lem_status weights_place(struct lem_weights *w, const struct weights_layout *layout,
                              const struct lem_progress *progress);

#endif
