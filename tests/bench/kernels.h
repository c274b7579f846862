/* kernels.h - the kernels that bench_kernels times, each a list of dispatches over enough
 * distinct weights that no cache holds them. */
#ifndef BENCH_KERNELS_H
#define BENCH_KERNELS_H

#include "support/weights.h"

enum { KERNEL_MAX_BUF = 12 };

struct kernel {
    char name[64];    /* "matmul 2048x2048" */
    const char *type; /* "Q4_0" */
    struct weights w;
    struct gpu_buf *buf[KERNEL_MAX_BUF];
    uint32_t n_buf, rows; /* of a run */
    struct gpu_list *list;
    uint64_t bytes; /* of weights, in one pass */
    uint64_t flops;
};

/* The yardstick: 2048 x 2048, Q4_0, by the shader "bench.frozen". Checked against the
 * decoded weights once. */
void kernel_frozen(struct kernel *k, struct lem_device *device);
/* Can the device do the following with activations as bytes (`i8`)? */
bool kernel_takes_i8(const struct lem_device *device, uint32_t type);

/* One token, matrices [n_row][2048]. */
void kernel_matvec(struct kernel *k, struct lem_device *device, uint32_t type, bool i8,
                   uint32_t n_row);
/* `n_token` tokens, matrices of 2048 x 2048. */
void kernel_matmat(struct kernel *k, struct lem_device *device, uint32_t type, bool i8,
                   uint32_t n_token);
/* 8 of 64 experts of one token, gate and up [1024][2048], or down [2048][1024]. */
void kernel_experts(struct kernel *k, struct lem_device *device, uint32_t type, bool i8,
                    bool down);
/* 8 of 64 experts [1024][2048] of each of `n_token` tokens, sorted by expert before. */
void kernel_grouped(struct kernel *k, struct lem_device *device, uint32_t type, bool i8,
                    uint32_t n_token);
void kernel_close(struct kernel *k);

#endif
