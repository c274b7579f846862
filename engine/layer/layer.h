/* layer.h - inside of a Mixture-of-Experts layer made from arrays. */
#ifndef LAYER_LAYER_H
#define LAYER_LAYER_H

#include "base/arena.h"
#include "cache/weights.h"
#include "lemnos/layer.h"

/* Rows start at multiples of 32 floats, see ops.h; matrices have whole blocks of 32. */
enum { LAYER_ALIGN = 32 };
/* From the arguments of one op_group to the next: no device wants more for a binding. */
enum { LAYER_ARGS_BYTES = 256 };

/* Different matrices of one shape, stored one after the other. */
struct layer_bank {
    uint32_t n_row, n_col; /* n_col: a multiple of LAYER_ALIGN */
    uint32_t n_mat;
    struct layer_source *source; /* [n_mat], while the layer is being opened */
    struct ops_weight weight;
};

/* Rows of one width between two steps: [n_batch * n_slot][stride]. Columns beyond the
 * width are never written: they stay 0, whatever a row held before. */
struct layer_rows {
    uint32_t width, stride;
    bool readback; /* the host reads them */
    struct gpu_buf *buf;
};

/* One dense layer of all experts. */
struct layer_dense {
    enum lem_layer_act act;
    uint32_t n_out, n_row;        /* n_row: of a matrix; 2 n_out with SwiGLU */
    uint32_t bank;                /* index */
    uint32_t product, result;     /* indices of rows: W x + b, and what leaves */
    struct gpu_slice bias, table; /* see op_matmul_experts; buf NULL = none needed */
};

/* Where an expert reads: columns [x_off, x_off + n) of the input begin at column `at` of
 * a row on the device. */
struct layer_slice {
    uint32_t x_off, n, at;
};

struct layer_gate {
    bool linear;
    enum lem_layer_score score;
    enum lem_layer_select select;
    enum lem_layer_combine combine;
    uint32_t n_used;
    float threshold;
    struct ops_weight weight; /* [n_expert][n_in], of linear gates */
    double *shift;            /* [n_expert] what adapting added: to logits, or to log p */
    float *given;             /* [n_expert] biases or fixed weights as they were given */
    uint32_t n_banned;
    /* host writes */
    struct gpu_buf *values; /* [n_expert] biases or fixed weights in force */
    struct gpu_buf *policy; /* u32 [1 + n_expert], see params.h */
    /* device only */
    struct gpu_buf *logits;  /* [n_batch][stride_logits] */
    struct gpu_buf *ids;     /* u32 [n_batch][n_used] */
    struct gpu_buf *weights; /* [n_batch][n_used] */
    /* host reads */
    struct gpu_buf *tap; /* {id, weight} [n_batch][n_used] */
    struct gpu_buf *y;   /* [n_batch][stride_y] */
};

struct lem_layer {
    struct lem_device *device;
    struct lem_log log;
    struct lem_layer_info info;
    uint64_t seed, row; /* rows drawn for since lem_layer_seed() */
    bool keep_responses;

    uint32_t n_dense, n_bank, n_slice, n_rows;
    struct layer_dense *dense; /* [n_dense] */
    struct layer_bank *bank;   /* [n_bank] */
    struct layer_slice *slice; /* [n_slice]; the first is the whole input, where needed */
    uint32_t *slice_of;        /* [n_expert] */
    struct layer_gate *gate;   /* [n_gate] */
    struct layer_rows *rows;   /* [n_rows] */
    struct lem_weights *weights; /* memory of all that does not change */

    uint32_t n_slot; /* rows of an expert's results for each row of the input: places in
                      * the choice of the one gate, or experts, where there are several */
    uint32_t stride_x, stride_logits, stride_y;
    struct gpu_buf *step, *draw;          /* host writes */
    struct gpu_buf *x;                    /* [n_batch][stride_x] */
    struct gpu_buf *all_ids;              /* u32 [n_batch][n_expert]; of several gates */
    struct gpu_buf *pairs, *tiles, *args; /* of op_group */
    struct gpu_upload *upload;            /* for x; NULL where that is mapped */
    struct gpu_list *list;
    struct arena arena;
};

/* The argument that is wrong, if one is: shapes and choices, but not the values in
 * arrays. Returns LEM_OK, LEM_ERR_ARGUMENT, LEM_ERR_UNSUPPORTED; logged. (check.c) */
enum lem_status layer_check(const struct lem_layer_params *p);
/* All values of an array finite? `fmt` names the array; logged. (check.c) */
__attribute__((format(printf, 4, 5))) enum lem_status layer_check_finite(
    const struct lem_log *log, const float *v, uint64_t n, const char *fmt, ...);

/* What the experts read and compute: slices, dense layers, banks; no device memory. The
 * same array twice becomes one matrix. (bank.c) */
enum lem_status layer_banks_make(struct lem_layer *l, const struct lem_layer_params *p);
/* Encode them and upload them, with biases, tables and the gates' matrices.
 * (bank_place.c)
 */
enum lem_status layer_banks_place(struct lem_layer *l, const struct lem_layer_params *p);

/* Number of rows of a submission, and all buffers. (memory.c) */
enum lem_status layer_memory_open(struct lem_layer *l, const struct lem_layer_params *p);
void layer_memory_close(struct lem_layer *l);

/* The list of dispatches. (steps.c) */
enum lem_status layer_steps_make(struct lem_layer *l);

/* The gates' values and policies as they are given. (gate.c) */
enum lem_status layer_gates_make(struct lem_layer *l, const struct lem_layer_params *p);
void layer_gates_fill(struct lem_layer *l);

#endif
