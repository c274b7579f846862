/* cmd_compare.c - `lemnos compare`: the same prompt under two routing policies. */
#include "cli/commands.h"

#include <stdlib.h>

#include "cli/compare.h"
#include "cli/policy.h"
#include "cli/prompt.h"

enum { DEFAULT_CTX = 4096 };

static bool append(struct lem_session *s, const int32_t *ids, size_t n)
{
    const uint32_t most = lem_session_n_batch(s);
    for (size_t done = 0; done < n;) {
        const size_t left = n - done;
        const uint32_t step = left < most ? (uint32_t)left : most;
        if (lem_session_append(s, ids + done, step) != LEM_OK)
            return false;
        done += step;
    }
    return true;
}

/* Continue the prompt in `t` under one side's policy. */
static bool write_text(struct compare *c, int side, struct compare_text *t)
{
    const struct args *a = c->app->args;
    struct lem_session *s = c->session[side];
    const uint64_t room = lem_session_n_ctx(s) - t->n_prompt;
    const uint64_t limit =
        a->n_predict < 0 || (uint64_t)a->n_predict > room ? room : (uint64_t)a->n_predict;
    if (!append(s, t->ids.id, t->ids.n))
        return false;
    for (uint64_t i = 0; i < limit; i++) {
        struct lem_sampled next;
        bar_show(&c->app->bar, side ? "writing B" : "writing A", i, limit);
        if (lem_session_sample(s, &c->sample, &next) != LEM_OK)
            return false;
        t->ended = !a->ignore_eos && lem_tokenizer_is_end(c->app->tokenizer, next.id);
        if (t->ended)
            break;
        if (!text_ids_add(&t->ids, next.id) ||
            (i + 1 < limit && lem_session_append(s, &next.id, 1) != LEM_OK))
            return false;
    }
    bar_clear(&c->app->bar);
    return true;
}

static bool open_sides(struct compare *c, uint32_t n_ctx)
{
    const struct lem_session_params params = {.n_ctx = n_ctx, .logits = LEM_LOGITS_ALL};
    for (int side = 0; side < N_SIDE; side++) {
        c->policy[side] = c->app->args->policy[side];
        if (!app_open_session(c->app, params, &c->session[side]))
            return false;
        if (c->policy[side] && !policy_load(c->app, c->session[side], c->policy[side]))
            return false;
    }
    return true;
}

static bool compare(struct compare *c, const struct text *prompt)
{
    struct app *app = c->app;
    const uint32_t n_ctx = app_n_ctx(app, DEFAULT_CTX);
    if (!app_open_tokenizer(app))
        return false;
    for (int side = 0; side < N_SIDE; side++) {
        if (!prompt_encode(app, prompt, n_ctx, &c->text[side].ids))
            return false;
        c->text[side].n_prompt = (uint32_t)c->text[side].ids.n;
    }
    c->sample = prompt_sampling(app);
    if (!app_open_weights(app) || !open_sides(c, n_ctx))
        return false;
    for (int side = 0; side < N_SIDE; side++)
        if (!write_text(c, side, &c->text[side]))
            return false;
    if (!compare_score(c, SIDE_A) || !compare_score(c, SIDE_B))
        return false;
    return app->args->json ? compare_print_json(c) : compare_print_text(c);
}

int cmd_compare(struct app *app)
{
    if (!app->args->policy[0])
        return args_wrong(app->args,
                          "which policies? Give --policy A.json, and B's after "
                          "it if B is not the model as it is.");
    struct compare c = {.app = app};
    struct text prompt = {0};
    int code = prompt_read(app->args, &prompt);
    if (code == APP_DONE)
        code = app_open_model(app, false) && compare(&c, &prompt) ? APP_DONE : APP_FAILED;
    for (int side = 0; side < N_SIDE; side++) {
        lem_session_close(&c.session[side]);
        text_ids_free(&c.text[side].ids);
        free(c.text[side].nll[SIDE_A]);
        free(c.text[side].nll[SIDE_B]);
        free(c.text[side].kl);
    }
    text_free(&prompt);
    return code;
}
