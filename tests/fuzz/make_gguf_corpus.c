/* make_gguf_corpus.c - writes the samples of tests/support/gguf_samples.c as files, for
 * the fuzzer to start from. */
#include <stdio.h>

#include "support/gguf_samples.h"

int main(int argc, char **argv)
{
    size_t n;
    const struct gguf_sample *samples = gguf_samples(&n);
    if (argc != 2) {
        fprintf(stderr, "usage: make_gguf_corpus FOLDER\n");
        return 2;
    }
    for (size_t i = 0; i < n; i++) {
        struct gguf_writer w;
        char path[4096];
        snprintf(path, sizeof path, "%s/%s.gguf", argv[1], samples[i].name);
        gguf_sample_make(&w, samples[i].name);
        const bool ok = gguf_writer_save(&w, path);
        gguf_writer_free(&w);
        if (!ok) {
            perror(path);
            return 1;
        }
    }
    return 0;
}
