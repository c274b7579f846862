/* vocab_open.h - a sample vocabulary as an open tokenizer. */
#ifndef SUPPORT_VOCAB_OPEN_H
#define SUPPORT_VOCAB_OPEN_H

#include "support/capture.h"
#include "support/vocab_samples.h"
#include "text/tokenizer.h"

struct vocab_opened {
    struct gguf_writer w;
    struct gguf *g;
    struct lem_tokenizer *t; /* NULL when that failed */
    struct capture capture;  /* of the file and the tokenizer */
};

/* Writes the sample (and keeps what the writer already holds; {0} is an empty writer
 * only after gguf_writer_init), opens the file, which must succeed, and the tokenizer,
 * whose status is returned. */
enum lem_status vocab_open_written(struct vocab_opened *o, const struct vocab_sample *s);
/* The same with nothing but the sample; it must open without an error line. */
void vocab_open(struct vocab_opened *o, const struct vocab_sample *s);
void vocab_close(struct vocab_opened *o);

#endif
