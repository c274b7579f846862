/* fuzz_vocabulary.c - any file as a vocabulary: it is refused with one line, or makes a
 * tokenizer that takes any text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/capture.h"
#include "text/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held, const char *what)
{
    if (held)
        return;
    fprintf(stderr, "does not hold: %s\n", what);
    abort();
}

static void use(const struct lem_tokenizer *t)
{
    static const char text[] =
        "hello  world\n\nab<|im_end|>>\xC3\xA9 the there 12xyz<sep>\xFF\xE2\x82 in";
    int32_t ids[512];
    char out[4096];
    size_t n_id;
    for (uint32_t flags = 0; flags < 8; flags++) {
        must(lem_tokenizer_encode(t, text, sizeof text, flags, ids, 512, &n_id) == LEM_OK,
             "any text can be encoded");
        must(n_id <= 512, "there are not more ids than bytes");
        for (size_t i = 0; i < n_id; i++)
            must(lem_tokenizer_piece(t, ids[i], true, NULL, 0) > 0, "ids are tokens");
        lem_tokenizer_decode(t, ids, n_id, flags & 1, out, sizeof out);
    }
    struct lem_tokenizer_info info;
    lem_tokenizer_get_info(t, &info);
    size_t n_end = 0;
    for (int64_t id = -1; id <= info.n_vocab; id++) {
        lem_tokenizer_piece(t, (int32_t)id, true, out, sizeof out);
        n_end += lem_tokenizer_is_end(t, (int32_t)id);
    }
    must(n_end >= (info.eos >= 0), "the end of text is an end");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct capture capture;
    const struct lem_log log = capture_log(&capture);
    struct gguf *g;
    struct lem_tokenizer *t = NULL;
    if (gguf_open_memory(&g, data, size, &log) != LEM_OK)
        return 0;
    const enum lem_status st = tokenizer_open(&t, g, &log);
    must((st == LEM_OK) == (t != NULL), "a tokenizer comes with success only");
    must(capture.n_error == (st != LEM_OK), "a failure is one line");
    if (t)
        use(t);
    lem_tokenizer_close(&t);
    gguf_close(&g);
    return 0;
}
