/* vocab_samples.c - small vocabularies of both kinds. */
#include "support/vocab_samples.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/byte_glyph.h"
#include "text/vocab.h"

int32_t vocab_sample_add(struct vocab_sample *s, const char *text, int32_t type,
                         float score)
{
    if (s->n_token == VOCAB_SAMPLE_MAX)
        abort();
    const uint32_t id = s->n_token++;
    s->token[id] = text;
    s->type[id] = type;
    s->score[id] = score;
    return (int32_t)id;
}

int32_t vocab_sample_id(const struct vocab_sample *s, const char *text)
{
    for (uint32_t id = 0; id < s->n_token; id++)
        if (strcmp(s->token[id], text) == 0)
            return (int32_t)id;
    fprintf(stderr, "no token \"%s\" in the sample\n", text);
    abort();
}

static void start(struct vocab_sample *s, const char *model, const char *pre)
{
    *s = (struct vocab_sample){.model = model,
                               .pre = pre,
                               .bos = -1,
                               .eos = -1,
                               .eot = -1,
                               .unk = -1,
                               .add_bos = -1,
                               .add_eos = -1,
                               .add_prefix = -1};
}

static void add_control(struct vocab_sample *s)
{
    vocab_sample_add(s, "<|im_start|>", TOKEN_CONTROL, 0);
    vocab_sample_add(s, "<|im_end|>", TOKEN_CONTROL, 0);
    vocab_sample_add(s, "<|im_end|>>", TOKEN_CONTROL, 0); /* longer than the last */
    vocab_sample_add(s, "<sep>", TOKEN_USER_DEFINED, 0);
    vocab_sample_add(s, "<sep>=", TOKEN_USER_DEFINED, 0);
}

void vocab_sample_bpe(struct vocab_sample *s, const char *pre)
{
    /* "Ġ" is the glyph of a space; in the order of their merges */
    static const char *const merges[] = {
        "l l",   "h e",     "he ll", "hell o", "o r",       "Ġ w",  "Ġw or",
        "l d",   "Ġwor ld", "ll ll", "a b",    "b c",       "ab c", "Ġ Ġ",
        "ĠĠ ĠĠ", "Ã ©",     "Ċ Ċ",   "1 2",    "llll llll",
    };
    static const char *const words[] = {
        "ll",   "he",     "hell", "hello", "or",       "Ġw",  "Ġwor",
        "ld",   "Ġworld", "llll", "ab",    "bc",       "abc", "ĠĠ",
        "ĠĠĠĠ", "Ã©",     "ĊĊ",   "12",    "llllllll", "xyz", /* no merge gives this one
                                                               */
    };
    start(s, "gpt2", pre);
    for (int b = 0; b < 256; b++) {
        const char byte = (char)b;
        s->names[b][byte_glyph_encode(&byte, 1, s->names[b])] = '\0';
        vocab_sample_add(s, s->names[b], TOKEN_NORMAL, 0);
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        vocab_sample_add(s, words[i], TOKEN_NORMAL, 0);
    for (size_t i = 0; i < sizeof merges / sizeof *merges; i++)
        s->merge[s->n_merge++] = merges[i];
    s->bos = s->eos = vocab_sample_add(s, "<|endoftext|>", TOKEN_CONTROL, 0);
    add_control(s);
    s->n_type = s->n_token;
}

void vocab_sample_spm(struct vocab_sample *s)
{
    static const struct {
        const char *text;
        float score;
    } words[] = {
        {"▁t", -1}, {"he", -2},  {"▁a", -3},     {"in", -4},    {"re", -5},  {"▁the", -6},
        {"th", -7}, {"▁in", -8}, {"▁there", -9}, {"▁▁", -10},   {"er", -11}, {"▁", -20},
        {"a", -21}, {"e", -22},  {"h", -23},     {"i", -24},    {"n", -25},  {"r", -26},
        {"s", -27}, {"t", -28},  {"<", -29},     {">", -30},    {"0", -31},  {"x", -32},
        {"4", -33}, {"1", -34},  {"é", -35},     {"<s", -0.5f},
    };
    start(s, "llama", "default");
    s->unk = vocab_sample_add(s, "<unk>", TOKEN_UNKNOWN, 0);
    s->bos = vocab_sample_add(s, "<s>", TOKEN_CONTROL, 0);
    s->eos = vocab_sample_add(s, "</s>", TOKEN_CONTROL, 0);
    for (int b = 0; b < 256; b++) {
        snprintf(s->names[b], sizeof s->names[b], "<0x%02X>", (unsigned)b);
        vocab_sample_add(s, s->names[b], TOKEN_BYTE, 0);
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        vocab_sample_add(s, words[i].text, TOKEN_NORMAL, words[i].score);
    vocab_sample_add(s, "ss", TOKEN_UNUSED, -0.1f);
    add_control(s);
    s->n_type = s->n_score = s->n_token;
}

void vocab_sample_merges(struct vocab_sample *s, const char *model, const char *pre)
{
    static const char *const merges[] = {"h e",  "t he", "▁ a", "i n",
                                         "▁ in", "▁ ▁",  "he r"};
    /* the sample has all results of merges but "her" */
    static const char *const words[] = {"her", "the", "ther", "▁a▁", "\n\n", "\n"};
    vocab_sample_spm(s);
    s->model = model;
    s->pre = pre;
    s->n_score = 0;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        vocab_sample_add(s, words[i], TOKEN_NORMAL, 0);
    s->n_type = s->n_token;
    for (size_t i = 0; i < sizeof merges / sizeof *merges; i++)
        s->merge[s->n_merge++] = merges[i];
}

static void put_id(struct gguf_writer *w, const char *key, int64_t id)
{
    if (id >= 0)
        gguf_put_u32(w, key, (uint32_t)id);
}

static void put_flag(struct gguf_writer *w, const char *key, int flag)
{
    if (flag >= 0)
        gguf_put_bool(w, key, flag != 0);
}

void vocab_sample_write(const struct vocab_sample *s, struct gguf_writer *w)
{
    if (s->model)
        gguf_put_str(w, "tokenizer.ggml.model", s->model);
    if (s->pre)
        gguf_put_str(w, "tokenizer.ggml.pre", s->pre);
    if (s->n_token)
        gguf_put_str_array(w, "tokenizer.ggml.tokens", s->n_token, s->token);
    if (s->n_type)
        gguf_put_array(w, "tokenizer.ggml.token_type", GGUF_I32, s->n_type, s->type);
    if (s->n_score)
        gguf_put_array(w, "tokenizer.ggml.scores", GGUF_F32, s->n_score, s->score);
    if (s->n_merge)
        gguf_put_str_array(w, "tokenizer.ggml.merges", s->n_merge, s->merge);
    put_id(w, "tokenizer.ggml.bos_token_id", s->bos);
    put_id(w, "tokenizer.ggml.eos_token_id", s->eos);
    put_id(w, "tokenizer.ggml.eot_token_id", s->eot);
    put_id(w, "tokenizer.ggml.unknown_token_id", s->unk);
    put_flag(w, "tokenizer.ggml.add_bos_token", s->add_bos);
    put_flag(w, "tokenizer.ggml.add_eos_token", s->add_eos);
    put_flag(w, "tokenizer.ggml.add_space_prefix", s->add_prefix);
}
