/* stats_count.c - from recorded routing to counts, and from counts to measures. */
#include <math.h>
#include <stdlib.h>

#include "cli/stats.h"

/* A token's experts at a layer, as many as it used. */
static uint32_t chosen(const struct stats *s, uint64_t t, uint32_t il,
                       const uint16_t **ids)
{
    *ids = s->ids + (t * s->n_layer + il) * s->n_used;
    uint32_t n = 0;
    while (n < s->n_used && (*ids)[n] != LEM_NO_EXPERT)
        n++;
    return n;
}

static bool take_memory(struct stats *s)
{
    const size_t cells = (size_t)s->n_layer * s->n_expert;
    if (cells <= SIZE_MAX / sizeof *s->pair / s->n_expert &&
        cells <= SIZE_MAX / sizeof *s->load / s->n_group) {
        s->load = calloc(cells * s->n_group, sizeof *s->load);
        s->total = calloc(cells, sizeof *s->total);
        s->first = calloc(cells, sizeof *s->first);
        s->pair = calloc(cells * s->n_expert, sizeof *s->pair);
        s->hit = calloc(cells + s->n_layer, sizeof *s->hit);
        s->top = calloc(cells * STATS_TOP, sizeof *s->top);
        s->layer = calloc(s->n_layer, sizeof *s->layer);
    }
    if (s->load && s->total && s->first && s->pair && s->hit && s->top && s->layer)
        return true;
    app_error("memory ran out for the counts of %u layers with %u experts.", s->n_layer,
              s->n_expert);
    return false;
}

void stats_free(struct stats *s)
{
    void *const all[] = {s->group, s->token, s->begins, s->ids, s->weights, s->load,
                         s->total, s->first, s->pair,   s->hit, s->top,     s->layer};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    *s = (struct stats){0};
}

static void count_token(struct stats *s, uint32_t group, uint64_t t, uint32_t il)
{
    const uint16_t *ids;
    const uint32_t n = chosen(s, t, il, &ids);
    const size_t row = (size_t)il * s->n_expert;
    uint64_t *load = s->load + (size_t)group * s->n_layer * s->n_expert + row;
    if (n > 0)
        s->first[row + ids[0]]++;
    for (uint32_t k = 0; k < n; k++) {
        load[ids[k]]++;
        s->total[row + ids[k]]++;
        for (uint32_t i = 0; i < n; i++)
            if (i != k)
                s->pair[(row + ids[k]) * s->n_expert + ids[i]]++;
    }
}

/* ---- measures of one layer -------------------------------------------------- */

static void measure_load(const struct stats *s, uint32_t il)
{
    struct stats_layer *l = &s->layer[il];
    const uint64_t *load = stats_total(s, il);
    uint64_t most = 0;
    for (uint32_t e = 0; e < s->n_expert; e++) {
        l->n_slot += load[e];
        l->n_never += load[e] == 0;
        most = load[e] > most ? load[e] : most;
    }
    for (uint32_t e = 0; e < s->n_expert; e++) {
        const double p = (double)load[e] / (double)l->n_slot;
        if (load[e])
            l->entropy -= p * log2(p);
    }
    l->imbalance = (double)most * s->n_expert / (double)l->n_slot;
}

/* Part of the weight that a token's first expert has. */
static double first_share(const struct stats *s, uint64_t t, uint32_t il)
{
    const float *w = s->weights + (t * s->n_layer + il) * s->n_used;
    double sum = 0;
    for (uint32_t k = 0; k < s->n_used; k++)
        sum += (double)w[k];
    return sum > 0 ? (double)w[0] / sum : 0;
}

/* Part of token t's experts that the token before used too. */
static double repeated(const struct stats *s, uint64_t t, uint32_t il)
{
    const uint16_t *now, *before;
    const uint32_t n = chosen(s, t, il, &now);
    const uint32_t n_before = chosen(s, t - 1, il, &before);
    uint32_t same = 0;
    for (uint32_t k = 0; k < n; k++)
        for (uint32_t i = 0; i < n_before; i++)
            same += now[k] == before[i];
    return n ? (double)same / n : 0;
}

static void measure_tokens(const struct stats *s, uint32_t il)
{
    struct stats_layer *l = &s->layer[il];
    double first = 0, repeat = 0, chance = 0;
    for (uint64_t t = 0; t < s->n_token; t++) {
        first += first_share(s, t, il);
        if (s->begins[t])
            continue;
        l->n_repeat++;
        repeat += repeated(s, t, il);
    }
    l->top1_share = first / (double)s->n_token;
    l->repeat = l->n_repeat ? repeat / (double)l->n_repeat : 0;
    /* One chosen expert is e with load/slots; a token uses it with load/tokens. */
    for (uint32_t e = 0; e < s->n_expert; e++) {
        const double n = (double)stats_total(s, il)[e];
        chance += n / (double)l->n_slot * n / (double)s->n_token;
    }
    l->chance = chance;
}

bool stats_count(struct stats *s)
{
    if (!take_memory(s))
        return false;
    for (uint32_t g = 0; g < s->n_group; g++)
        for (uint64_t i = 0; i < s->group[g].n_token; i++)
            for (uint32_t il = 0; il < s->n_layer; il++)
                count_token(s, g, s->group[g].from + i, il);
    for (uint32_t il = 0; il < s->n_layer; il++) {
        s->layer[il].block = lem_model_moe_layer(s->app->model, il);
        measure_load(s, il);
        measure_tokens(s, il);
    }
    return stats_count_cache(s) && stats_count_tokens(s);
}

/* Lin, IEEE Trans. Inf. Theory 37 (1991), 145-151: entropy of the mean less the mean
 * of the entropies, here as two divergences from the mean. */
double stats_divergence(const struct stats *s, uint32_t il, uint32_t a, uint32_t b)
{
    const uint64_t *load[2] = {stats_load(s, a, il), stats_load(s, b, il)};
    double sum[2] = {0}, bits = 0;
    for (uint32_t e = 0; e < s->n_expert; e++)
        for (int i = 0; i < 2; i++)
            sum[i] += (double)load[i][e];
    for (uint32_t e = 0; e < s->n_expert; e++) {
        const double p[2] = {(double)load[0][e] / sum[0], (double)load[1][e] / sum[1]};
        for (int i = 0; i < 2; i++)
            if (p[i] > 0)
                bits += p[i] / 2 * log2(2 * p[i] / (p[0] + p[1]));
    }
    return bits > 0 ? bits : 0;
}
