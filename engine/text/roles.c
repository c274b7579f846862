/* roles.c - which tokens begin and end texts and turns. */
#include "text/roles.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

#define KEY_ADD_BOS "tokenizer.ggml.add_bos_token"
#define KEY_ADD_EOS "tokenizer.ggml.add_eos_token"

/* Control tokens that end a text or a turn in some family's chat format. Files often
 * name only one of those that their model uses. */
static const char *const end_texts[] = {
    "</s>",                  /* Llama, Mistral */
    "<eos>",                 /* Gemma */
    "<end_of_turn>",         /* Gemma */
    "<turn|>",               /* Gemma 4 */
    "<|endoftext|>",         /* GPT-2, Qwen, OLMo */
    "<|im_end|>",            /* ChatML */
    "<|eot_id|>",            /* Llama 3 */
    "<|eom_id|>",            /* Llama 3, after a tool call */
    "<|end_of_text|>",       /* Llama 3, Granite */
    "<|end|>",               /* Phi-3 */
    "<|return|>",            /* gpt-oss */
    "<|call|>",              /* gpt-oss, a tool call */
    "<EOT>",                 /* DeepSeek Coder, CodeLlama */
    "<|EOT|>",               /* DeepSeek Coder */
    "[EOT]",                 /* Kimi K2 */
    "[EOS]",                 /* Kimi K2 */
    "<end_of_utterance>",    /* SmolVLM */
    "<｜end▁of▁sentence｜>", /* DeepSeek */
};

static bool is_control(const struct vocab *v, int32_t id)
{
    return id >= 0 && v->token[id].type == TOKEN_CONTROL;
}

static enum lem_status read_id(int32_t *id, const char *key, const struct vocab *v,
                               const struct gguf *g, const struct lem_log *log)
{
    uint32_t value;
    const enum gguf_answer a = gguf_get_u32(g, key, 0, UINT32_MAX, &value);
    if (a == GGUF_MISSING)
        return LEM_OK;
    if (a != GGUF_FOUND)
        return gguf_complain(g, key, a, "a token id");
    if (value == UINT32_MAX) { /* -1 by converters that mean "none" */
        *id = -1;
        return LEM_OK;
    }
    if (value >= v->n)
        return log_fail(log, LEM_ERR_FORMAT,
                        "%s: %s is %u, but the file has %u tokens (0 to %u). The file is "
                        "damaged or was converted wrongly: convert it again.",
                        g->path, key, value, v->n, v->n - 1);
    *id = (int32_t)value;
    return LEM_OK;
}

static enum lem_status read_ids(struct roles *r, int32_t *eom, const struct vocab *v,
                                const struct gguf *g, const struct lem_log *log)
{
    const struct {
        const char *key;
        int32_t *id;
    } keys[] = {
        {"tokenizer.ggml.bos_token_id", &r->info.bos},
        {"tokenizer.ggml.eos_token_id", &r->info.eos},
        {"tokenizer.ggml.eot_token_id", &r->info.eot},
        {"tokenizer.ggml.eom_token_id", eom},
        {"tokenizer.ggml.unknown_token_id", &r->info.unk},
        {"tokenizer.ggml.padding_token_id", &r->info.pad},
    };
    enum lem_status st = LEM_OK;
    for (size_t i = 0; i < sizeof keys / sizeof *keys && st == LEM_OK; i++)
        st = read_id(keys[i].id, keys[i].key, v, g, log);
    return st;
}

/* A wish to add a token needs the token: an error if the file states the wish, nothing
 * if it is only our default. */
static enum lem_status read_add(bool *add, const char *key, int32_t id,
                                const char *id_key, const struct gguf *g,
                                const struct lem_log *log)
{
    const enum gguf_answer a = gguf_get_bool(g, key, add);
    if (a != GGUF_FOUND && a != GGUF_MISSING)
        return gguf_complain(g, key, a, "a bool");
    if (*add && id < 0 && a == GGUF_FOUND)
        return log_fail(log, LEM_ERR_FORMAT,
                        "%s: %s is true, but %s is missing. The file was converted "
                        "wrongly: convert it again.",
                        g->path, key, id_key);
    *add = *add && id >= 0;
    return LEM_OK;
}

static void find_ends(struct roles *r, int32_t eom, const struct vocab *v)
{
    const int32_t named[] = {r->info.eos, r->info.eot, eom};
    for (size_t i = 0; i < sizeof end_texts / sizeof *end_texts; i++) {
        const int32_t id = vocab_find(v, end_texts[i], strlen(end_texts[i]));
        if (is_control(v, id))
            r->ends[id] = true;
    }
    /* gpt-oss ends a turn with <|return|> or <|call|>; <|end|> only closes one of the
     * messages of a turn (openai/harmony, format description). */
    const int32_t end = vocab_find(v, "<|end|>", 7);
    if (is_control(v, end) && is_control(v, vocab_find(v, "<|return|>", 10)) &&
        is_control(v, vocab_find(v, "<|call|>", 8)))
        r->ends[end] = false;
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (named[i] >= 0)
            r->ends[named[i]] = true;
}

static int32_t fitting(const struct vocab *v, int32_t id, uint8_t type)
{
    return id >= 0 && (uint32_t)id < v->n && v->token[id].type == type ? id : -1;
}

enum lem_status roles_load(struct roles *r, const struct vocab *vocab,
                           const struct roles_defaults *defaults, const struct gguf *g,
                           struct arena *arena, const struct lem_log *log)
{
    int32_t eom = -1;
    r->info = (struct lem_tokenizer_info){
        .n_vocab = vocab->n,
        .bos = fitting(vocab, defaults->bos, TOKEN_CONTROL),
        .eos = fitting(vocab, defaults->eos, TOKEN_CONTROL),
        .unk = fitting(vocab, defaults->unk, TOKEN_UNKNOWN),
        .eot = -1,
        .pad = -1,
        .add_bos = defaults->add_bos,
    };
    r->ends = arena_alloc(arena, vocab->n, sizeof *r->ends);
    if (!r->ends)
        return log_fail(log, LEM_ERR_MEMORY,
                        "%s: host memory ran out. Close other programs.", g->path);
    enum lem_status st = read_ids(r, &eom, vocab, g, log);
    if (st == LEM_OK)
        st = read_add(&r->info.add_bos, KEY_ADD_BOS, r->info.bos,
                      "tokenizer.ggml.bos_token_id", g, log);
    if (st == LEM_OK)
        st = read_add(&r->info.add_eos, KEY_ADD_EOS, r->info.eos,
                      "tokenizer.ggml.eos_token_id", g, log);
    if (st == LEM_OK)
        find_ends(r, eom, vocab);
    return st;
}
