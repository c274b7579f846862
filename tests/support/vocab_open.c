/* vocab_open.c - a sample vocabulary as an open tokenizer. */
#include "support/vocab_open.h"

#include <stdio.h>
#include <stdlib.h>

enum lem_status vocab_open_written(struct vocab_opened *o, const struct vocab_sample *s)
{
    size_t size;
    vocab_sample_write(s, &o->w);
    const uint8_t *data = gguf_writer_finish(&o->w, &size);
    const struct lem_log log = capture_log(&o->capture);
    o->t = NULL;
    if (gguf_open_memory(&o->g, data, size, &log) != LEM_OK) {
        fprintf(stderr, "the sample is no good file: %s\n", o->capture.error);
        abort();
    }
    return tokenizer_open(&o->t, o->g, &log);
}

void vocab_open(struct vocab_opened *o, const struct vocab_sample *s)
{
    gguf_writer_init(&o->w);
    if (vocab_open_written(o, s) != LEM_OK || o->capture.n_error) {
        fprintf(stderr, "the sample does not open: %s\n", o->capture.error);
        abort();
    }
}

void vocab_close(struct vocab_opened *o)
{
    lem_tokenizer_close(&o->t);
    gguf_close(&o->g);
    gguf_writer_free(&o->w);
}
