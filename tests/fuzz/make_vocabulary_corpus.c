/* make_vocabulary_corpus.c - writes the seeds of fuzz_vocabulary: the sample
 * vocabularies with few of their bytes, so that they stay below 4 KiB. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/vocab_samples.h"

/* Drop the byte tokens (`n` of them from `first` on) that are not in `keep`. */
static void drop_bytes(struct vocab_sample *s, uint32_t first, const char *keep)
{
    uint32_t n = 0;
    for (uint32_t id = 0; id < s->n_token; id++) {
        const bool byte = id >= first && id < first + 256;
        if (byte && (id == first || !strchr(keep, (char)(id - first))))
            continue;
        s->token[n] = s->token[id];
        s->type[n] = s->type[id];
        s->score[n++] = s->score[id];
    }
    s->n_token = s->n_type = n;
    s->n_score = s->n_score ? n : 0;
}

static bool save(const struct vocab_sample *s, const char *dir, const char *name)
{
    char path[512];
    struct gguf_writer w;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    gguf_writer_init(&w);
    vocab_sample_write(s, &w);
    const bool ok = gguf_writer_save(&w, path);
    gguf_writer_free(&w);
    if (!ok)
        fprintf(stderr, "cannot write %s\n", path);
    return ok;
}

int main(int argc, char **argv)
{
    static struct vocab_sample s;
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    static const char *const rules[] = {"gpt-2", "llama-bpe", "deepseek-llm"};
    bool ok = true;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        char name[64];
        vocab_sample_bpe(&s, rules[i]);
        drop_bytes(&s, 0, "helowrdabc12xyz \n\xC3\xA9");
        s.bos = s.eos = vocab_sample_id(&s, "<|endoftext|>");
        snprintf(name, sizeof name, "bpe-%s.gguf", rules[i]);
        ok = save(&s, argv[1], name) && ok;
    }
    vocab_sample_spm(&s);
    drop_bytes(&s, 3, "hz\n\xFF\xE2\x82");
    s.add_bos = s.add_eos = 1;
    ok = save(&s, argv[1], "spm.gguf") && ok;
    s.add_prefix = 0;
    s.n_type = 0;
    ok = save(&s, argv[1], "spm-bare.gguf") && ok;
    vocab_sample_merges(&s, "gemma4", NULL);
    drop_bytes(&s, 3, "hz\n\xFF\xE2\x82");
    ok = save(&s, argv[1], "gemma4.gguf") && ok;
    return ok ? 0 : 1;
}
