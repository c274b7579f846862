/* prompt.c - the prompt and the sampling that the command line asks for. */
#include "cli/prompt.h"

#include <string.h>

#include "cli/app.h"
#include "cli/os.h"

/* Editors and echo end a text with a newline that is not meant. */
static void drop_last_newline(struct text *t)
{
    if (t->n > 0 && t->data[t->n - 1] == '\n')
        t->n--;
    if (t->n > 0 && t->data[t->n - 1] == '\r')
        t->n--;
}

int prompt_read(const struct args *a, struct text *t)
{
    const int given = (a->prompt != NULL) + (a->file != NULL) + (a->n_word > 0);
    if (given > 1)
        return args_wrong(a,
                          "the prompt is given twice: use words, -p or -f, one of them.");
    if (given == 0 && os_is_terminal(stdin))
        return args_wrong(a, "no prompt. Give it as words, with -p or -f, or on standard "
                             "input.");
    bool ok;
    if (a->prompt) {
        ok = text_add(t, a->prompt, strlen(a->prompt));
    } else if (a->n_word > 0) {
        ok = text_join(t, a->word, a->n_word);
    } else {
        ok = text_read(t, a->file ? a->file : "-");
        if (ok)
            drop_last_newline(t);
    }
    if (ok && a->escape)
        text_unescape(t);
    return ok && text_check_utf8(t, "the prompt") ? APP_DONE : APP_FAILED;
}

bool prompt_encode(struct app *app, const struct text *t, uint32_t n_ctx,
                   struct text_ids *ids)
{
    const uint32_t flags = LEM_ENCODE_BOS | LEM_ENCODE_SPECIAL;
    if (!app_encode(app, t->data, t->n, flags, ids))
        return false;
    struct lem_tokenizer_info info;
    lem_tokenizer_get_info(app->tokenizer, &info);
    if (ids->n == 0 && info.bos >= 0 && !text_ids_add(ids, info.bos))
        return false;
    if (ids->n == 0) {
        app_error("the prompt is empty, and %s has no token that begins a text. Give a "
                  "prompt.",
                  app_model_name(app));
        return false;
    }
    if (ids->n > n_ctx) {
        app_error(
            "the prompt has %zu tokens, the context room for %u. Shorten it, or ask "
            "for a larger context with -c (the model was trained for %u).",
            ids->n, n_ctx, app->info.n_ctx_train);
        return false;
    }
    return true;
}

struct lem_sample_params prompt_sampling(struct app *app)
{
    const struct args *a = app->args;
    uint64_t seed = (uint64_t)a->seed;
    if (a->seed < 0) {
        seed = os_random() >> 1; /* so that --seed can ask for it again */
        app_info(app, "seed %llu", (unsigned long long)seed);
    }
    return (struct lem_sample_params){
        .temperature = a->greedy ? 0 : a->temperature,
        .top_k = a->top_k,
        .top_p = a->top_p,
        .min_p = a->min_p,
        .repeat_penalty = a->repeat_penalty,
        .repeat_last_n = a->repeat_last_n,
        .seed = seed,
    };
}
