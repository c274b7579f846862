/* compare_score.c - texts run under both policies: likelihoods and divergence. */
#include <math.h>
#include <stdlib.h>

#include "cli/compare.h"

/* ln of the sum of exp(row) */
static double log_sum(const float *row, uint32_t n)
{
    float top = row[0];
    for (uint32_t i = 1; i < n; i++)
        top = row[i] > top ? row[i] : top;
    double sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += exp((double)row[i] - (double)top);
    return (double)top + (sum > 0 ? log(sum) : 0); /* 0 only of an empty row */
}

/* Sum of p (ln p - ln q); never below 0 but by rounding. */
static double divergence(const float *a, double sum_a, const float *b, double sum_b,
                         uint32_t n)
{
    double kl = 0;
    for (uint32_t i = 0; i < n; i++) {
        const double la = (double)a[i] - sum_a, p = exp(la);
        if (p != 0) /* p ln p goes to 0 with p */
            kl += p * (la - ((double)b[i] - sum_b));
    }
    return kl < 0 ? 0 : kl; /* what is no number stays none */
}

static bool take_memory(struct compare_text *t)
{
    for (int side = 0; side < N_SIDE; side++)
        t->nll[side] = calloc(t->ids.n + 1, sizeof(double));
    t->kl = calloc(t->ids.n + 1, sizeof *t->kl);
    if (t->nll[SIDE_A] && t->nll[SIDE_B] && t->kl)
        return true;
    app_error("memory ran out for the scores of %zu tokens.", t->ids.n);
    return false;
}

/* Rows of tokens [at, at + n) predict those after them. */
static void score_rows(const struct compare *c, struct compare_text *t, uint32_t at,
                       uint32_t n)
{
    const uint32_t n_vocab = c->app->info.n_vocab;
    const float *row[N_SIDE];
    for (int side = 0; side < N_SIDE; side++)
        row[side] = lem_session_logits(c->session[side], NULL);
    for (uint32_t i = at + 1; i < at + n + 1 && i < t->ids.n; i++) {
        double sum[N_SIDE];
        for (int side = 0; side < N_SIDE; side++) {
            sum[side] = log_sum(row[side], n_vocab);
            t->nll[side][i] = sum[side] - (double)row[side][t->ids.id[i]];
        }
        t->kl[i] =
            divergence(row[SIDE_A], sum[SIDE_A], row[SIDE_B], sum[SIDE_B], n_vocab);
        for (int side = 0; side < N_SIDE; side++)
            row[side] += n_vocab;
    }
}

bool compare_score(struct compare *c, int which)
{
    struct compare_text *t = &c->text[which];
    if (!take_memory(t))
        return false;
    for (int side = 0; side < N_SIDE; side++)
        lem_session_reset(c->session[side]);
    const uint32_t most = lem_session_n_batch(c->session[SIDE_A]);
    for (uint32_t at = 0, n; at + 1 < t->ids.n; at += n) {
        const uint32_t left = (uint32_t)t->ids.n - at;
        n = left < most ? left : most;
        bar_show(&c->app->bar, which ? "scoring B" : "scoring A", at, t->ids.n);
        for (int side = 0; side < N_SIDE; side++)
            if (lem_session_append(c->session[side], t->ids.id + at, n) != LEM_OK)
                return false;
        score_rows(c, t, at, n);
    }
    bar_clear(&c->app->bar);
    return true;
}

double compare_perplexity(const struct compare *c, int side, int which)
{
    const struct compare_text *t = &c->text[which];
    double sum = 0;
    for (size_t i = t->n_prompt; i < t->ids.n; i++)
        sum += t->nll[side][i];
    return exp(sum / (double)(t->ids.n - t->n_prompt)); /* 0 / 0: NAN */
}

uint32_t compare_parting(const struct compare *c)
{
    const struct text_ids *a = &c->text[SIDE_A].ids, *b = &c->text[SIDE_B].ids;
    uint32_t i = 0;
    while (i < a->n && i < b->n && a->id[i] == b->id[i])
        i++;
    return i;
}

struct compare_kl compare_kl(const struct compare *c)
{
    const struct compare_text *t = &c->text[SIDE_A];
    struct compare_kl k = {.mean = NAN, .most = NAN};
    double sum = 0;
    for (uint32_t i = t->n_prompt; i < t->ids.n; i++) {
        sum += t->kl[i];
        if (!(t->kl[i] <= k.most)) { /* also the first */
            k.most = t->kl[i];
            k.most_at = i;
        }
    }
    if (t->ids.n > t->n_prompt)
        k.mean = sum / (double)(t->ids.n - t->n_prompt);
    return k;
}
