/* weights_piece.h - the weights cut into pieces small enough for an even share of the
 * work, and the packing of one. */
#ifndef CACHE_WEIGHTS_PIECE_H
#define CACHE_WEIGHTS_PIECE_H

#include "cache/weights_layout.h"

/* Whole tiles of one matrix in one window, or a stretch of a vector. */
struct weights_piece {
    const struct pack_matrix *matrix; /* NULL: of a vector */
    uint32_t mat;
    uint32_t tile0, n_tile; /* of the whole matrix, not of the window */
    const float *values;    /* of a vector */
    uint32_t chunk;
    uint64_t offset, bytes; /* in the chunk */
};

struct weights_pieces {
    struct weights_piece *at; /* [n] */
    uint32_t n;
    uint64_t most_bytes; /* of the largest */
};

/* Cut all of `layout` into pieces of `bytes` at most, or of one tile where a tile is
 * more. Returns LEM_OK or LEM_ERR_MEMORY (logged). */
enum lem_status weights_pieces_cut(const struct weights_layout *layout, uint64_t bytes,
                                   const struct lem_log *log, struct weights_pieces *out);
void weights_pieces_free(struct weights_pieces *p);

/* Have the system begin to read what a piece is made from, where it has not yet. `model`
 * may be NULL: then the tensors are no file's. */
void weights_piece_expect(const struct lem_model *model, const struct weights_piece *p);

/* Write the `bytes` of a piece to `dst`. Threads: any, each with its own piece. */
void weights_piece_pack(const struct lem_model *model, const struct weights_piece *p,
                        uint8_t *dst);

#endif
