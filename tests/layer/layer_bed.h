/* layer_bed.h - Mixture-of-Experts layers of random weights for tests, run on the device
 * and by ref_layer(), and compared. */
#ifndef LAYER_LAYER_BED_H
#define LAYER_LAYER_BED_H

#include "ref/ref_layer.h"
#include "support/gpu_fixture.h"
#include "support/tolerance.h"

enum { BED_MAX_DENSE = 6, BED_MAX_GATE = 3 };

struct bed_shape {
    uint32_t n_in, n_expert;
    uint32_t n_slice; /* > 0: expert e reads n_slice + e % 3 columns, from e * 7 on, with
                       * no regard to blocks; 0: all of them */
    uint32_t n_dense;
    uint32_t n_out[BED_MAX_DENSE];
    enum lem_layer_act act[BED_MAX_DENSE];
    bool bias;      /* but never of dense layer 1 of expert 0 */
    uint32_t share; /* experts e and e + share have the same arrays; 0 = none */
    uint32_t n_gate;
    struct lem_layer_gate gate[BED_MAX_GATE]; /* values are made here; `fixed` not NULL:
                                               * a fixed gate */
};

struct bed {
    struct lem_layer_params p; /* device, type, n_batch …: set before bed_run() */
    struct lem_layer_expert *experts;
    struct lem_layer_gate gate[BED_MAX_GATE];
    float **owned; /* what the above point to */
    uint32_t n_owned;
    struct capture said;
    /* results of bed_run() */
    uint32_t n_row, n_out, n_used;
    float *x, *y, *weights, *responses;
    uint16_t *ids;
    struct lem_layer_info info;
};

/* A value for bed_shape.gate[].fixed. */
extern const float bed_fixed[1];

void bed_open(struct bed *b, struct gpu_fixture *fx, const struct bed_shape *s);
void bed_close(struct bed *b);

/* Random rows through the layer, opened and closed; `banned`: an expert that gate 0 may
 * not choose, or UINT32_MAX. */
void bed_run(struct bed *b, uint32_t n_row, uint32_t banned, uint64_t *seed);

/* Fails unless routing, y and responses are those of ref_layer(). Experts must be equal
 * but where scores are closer than `near`; returns the number of such rows. */
uint32_t bed_compare(struct bed *b, uint32_t banned, float near, float abs_tol,
                     float rel_tol);

#endif
