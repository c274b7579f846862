/* gguf_samples.h - small good GGUF files: what tests read, break, and give to the
 * fuzzer to start from. */
#ifndef SUPPORT_GGUF_SAMPLES_H
#define SUPPORT_GGUF_SAMPLES_H

#include "support/gguf_writer.h"

struct gguf_sample {
    const char *name;
    void (*make)(struct gguf_writer *w); /* into a fresh writer */
};

/* `*n` samples, each below 4 KiB. Each is cut short by taking any byte off its end. */
const struct gguf_sample *gguf_samples(size_t *n);
/* The one called `name`; aborts when there is none. */
void gguf_sample_make(struct gguf_writer *w, const char *name);

/* Reads everything an open file offers: all keys by every getter, all strings, all
 * bytes of all tensors. Gives a sum, so that nothing is optimized away. */
uint64_t gguf_read_all(const struct gguf *g);

#endif
