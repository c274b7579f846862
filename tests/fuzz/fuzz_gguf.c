/* fuzz_gguf.c - any bytes as a GGUF file: open it, and read everything it offers. */
#include <stdint.h>
#include <stdlib.h>

#include "support/gguf_samples.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct said {
    unsigned n_error;
};

static void count(void *priv, enum lem_log_level level, const char *text)
{
    struct said *said = priv;
    said->n_error += level == LEM_LOG_ERROR && text[0] != '\0';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct said said = {0};
    const struct lem_log log = {.fn = count, .priv = &said};
    struct gguf *g;
    const enum lem_status st = gguf_open_memory(&g, data, size, &log);
    /* The promise of every call: it fails with one message, or is silent. */
    if (said.n_error != (st != LEM_OK) || (g != NULL) != (st == LEM_OK))
        abort();
    if (g) {
        volatile uint64_t sum = gguf_read_all(g);
        (void)sum;
    }
    gguf_close(&g);
    return 0;
}
