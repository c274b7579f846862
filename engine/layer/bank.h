/* bank.h - what the two halves of making banks share. */
#ifndef LAYER_BANK_H
#define LAYER_BANK_H

#include "layer/layer.h"

/* One matrix of a bank, in the caller's memory: [n_row][n_in]. */
struct layer_source {
    const float *w;
    uint32_t n_in;
};

/* Number of the matrix in its bank; n_mat when it is not there. */
uint32_t layer_bank_find(const struct layer_bank *b, const float *w, uint32_t n_in);

#endif
