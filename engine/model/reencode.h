/* reencode.h - the weights of one tensor from one type to another, by several threads. */
#ifndef MODEL_REENCODE_H
#define MODEL_REENCODE_H

#include "gguf/gguf_write.h"

/* Worker threads' memory, made once for all tensors. */
struct reencoder;

struct reencoder_params {
    uint32_t n_thread; /* 0: one per processor */
    uint64_t n_weight; /* of all tensors to come: what the progress ends at */
    struct lem_progress progress;
    struct lem_log log;
};

/* Returns LEM_OK or LEM_ERR_MEMORY, logged. */
enum lem_status reencoder_open(const struct reencoder_params *params,
                               struct reencoder **out);
/* Safe on pointer to NULL. */
void reencoder_close(struct reencoder **r);

/*
 * Append the weights of `t` to `out` as `to`, its own type included; *rmse receives the
 * root mean square of the differences over the range of the values.
 * Returns LEM_OK, LEM_ERR_IO, LEM_ERR_FORMAT (values that are not finite),
 * LEM_ERR_UNSUPPORTED (no decoder, or values too large for `to`); logged.
 */
enum lem_status reencode(struct reencoder *r, const struct gguf_tensor *t,
                         const struct quant_info *to, struct gguf_out *out, double *rmse);

#endif
