/* hparams_parts.h - what the files that read hyperparameters share. Each function
 * returns LEM_OK or has logged why not. In this order. */
#ifndef MODEL_HPARAMS_PARTS_H
#define MODEL_HPARAMS_PARTS_H

#include "model/hparams.h"
#include "model/keys.h"

/* Wide enough for any model, and small enough that no product of two of them
 * overflows 64 bits. */
enum {
    MAX_LAYER = 4096,
    MAX_EMBD = 1 << 20,
    MAX_CTX = 1 << 30,
    MAX_HEAD = 1 << 14,
    MAX_HEAD_DIM = 1024,
    MAX_LORA = 1 << 14,
    MAX_CONV = 64,
    MAX_FF = 1 << 22,
    MAX_EXPERT = 65535,
    MAX_VOCAB = 1 << 24
};

/* Heads and windows of every layer, latent attention, convolutions. */
enum lem_status hparams_attn(struct keys *r, struct hparams *hp,
                             const struct arch_desc *arch, struct arena *arena);
/* Widths and counts of the feed-forward part, the router. */
enum lem_status hparams_ffn(struct keys *r, struct hparams *hp,
                            const struct arch_desc *arch);
/* Rotary embedding and its scaling. Completes the layers' attn_scale. */
enum lem_status hparams_rope(struct keys *r, struct hparams *hp,
                             const struct arch_desc *arch);

#endif
