/* trace_compare.c - two recordings side by side. */
#include "cli/trace_compare.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/app.h"
#include "cli/trace_times.h"

/* Of one layer, over the tokens both texts begin with. */
struct differ {
    uint64_t same_set; /* tokens that chose the same experts */
    double moved;      /* weight given to other experts, summed over tokens */
};

struct pair {
    const struct lem_trace *trace[2];
    struct lem_trace_info info[2];
    uint64_t n_common, n_damaged; /* tokens before the texts part; unreadable ones */
    uint16_t *ids[2];             /* of one token */
    float *weights[2];
    struct differ *layer;        /* [n_layer_moe] */
    struct trace_times times[2]; /* of all tokens, the common and the others */
    struct lem_trace_memory memory[2];
};

/* Did the token choose the expert? Then *weight is its weight, else 0. */
static bool find(const struct pair *p, int which, size_t at, uint32_t n_used,
                 uint16_t expert, float *weight)
{
    *weight = 0;
    for (uint32_t k = 0; k < n_used; k++) {
        if (p->ids[which][at + k] != expert)
            continue;
        *weight = p->weights[which][at + k];
        return true;
    }
    return false;
}

/* Half the sum of |difference|: the weight that lies with other experts. */
static void compare_layer(struct pair *p, uint32_t layer)
{
    const uint32_t n_used = p->info[0].facts.n_expert_used;
    const size_t at = (size_t)layer * n_used;
    double moved = 0;
    bool same = true; /* slots without an expert have weight 0 and match each other */
    for (uint32_t k = 0; k < n_used; k++) {
        float a, b;
        const bool in_b = find(p, 1, at, n_used, p->ids[0][at + k], &b);
        const bool in_a = find(p, 0, at, n_used, p->ids[1][at + k], &a);
        moved += fabs((double)(p->weights[0][at + k] - b));
        if (!in_a)
            moved += fabs((double)p->weights[1][at + k]);
        same = same && in_a && in_b;
    }
    p->layer[layer].moved += moved / 2;
    p->layer[layer].same_set += same;
}

static void compare_tokens(struct pair *p)
{
    const uint64_t n =
        p->info[0].n_token < p->info[1].n_token ? p->info[0].n_token : p->info[1].n_token;
    for (uint64_t i = 0; i < n; i++) {
        struct lem_trace_token a, b;
        const bool ok =
            lem_trace_get_token(p->trace[0], i, &a) == LEM_OK &&
            lem_trace_get_token(p->trace[1], i, &b) == LEM_OK &&
            lem_trace_routing(p->trace[0], i, 1, p->ids[0], p->weights[0]) == LEM_OK &&
            lem_trace_routing(p->trace[1], i, 1, p->ids[1], p->weights[1]) == LEM_OK;
        if (ok && a.id != b.id)
            return;
        p->n_common = i + 1;
        p->n_damaged += !ok;
        for (uint32_t layer = 0; ok && layer < p->info[0].facts.n_layer_moe; layer++)
            compare_layer(p, layer);
    }
}

static bool check_same_model(const struct pair *p)
{
    const struct lem_trace_facts *a = &p->info[0].facts, *b = &p->info[1].facts;
    if (a->n_layer_moe == b->n_layer_moe && a->n_expert == b->n_expert &&
        a->n_expert_used == b->n_expert_used && a->n_vocab == b->n_vocab)
        return true;
    app_error("the recordings are of different models: %u layers, %u of %u experts, %u "
              "tokens; and %u layers, %u of %u experts, %u tokens. Compare two of one "
              "model.",
              a->n_layer_moe, a->n_expert_used, a->n_expert, a->n_vocab, b->n_layer_moe,
              b->n_expert_used, b->n_expert, b->n_vocab);
    return false;
}

static void print_json(const struct pair *p)
{
    const double n = (double)(p->n_common - p->n_damaged);
    const bool part =
        p->n_common < p->info[0].n_token || p->n_common < p->info[1].n_token;
    printf("{\"n_token\":[%" PRIu64 ",%" PRIu64 "],\"n_common\":%" PRIu64
           ",\"n_damaged\":%" PRIu64 ",\"parts\":%s,\"layers\":[",
           p->info[0].n_token, p->info[1].n_token, p->n_common, p->n_damaged,
           part ? "true" : "false");
    for (uint32_t i = 0; i < p->info[0].facts.n_layer_moe; i++)
        printf("%s{\"layer\":%u,\"same_experts\":%.6g,\"moved_weight\":%.6g}",
               i ? "," : "", p->info[0].facts.layer[i],
               n > 0 ? (double)p->layer[i].same_set / n : 0,
               n > 0 ? p->layer[i].moved / n : 0);
    printf("],\"time\":[");
    for (int i = 0; i < 2; i++) {
        printf(i ? "," : "");
        trace_times_json(&p->times[i]);
    }
    printf("],\"memory\":[");
    for (int i = 0; i < 2; i++) {
        printf(i ? "," : "");
        trace_memory_json(&p->memory[i]);
    }
    printf("]}\n");
}

static void print_table(const struct pair *p)
{
    const double n = (double)(p->n_common - p->n_damaged);
    printf("tokens            %" PRIu64 " and %" PRIu64 "\n", p->info[0].n_token,
           p->info[1].n_token);
    if (p->n_common == p->info[0].n_token && p->n_common == p->info[1].n_token)
        printf("text              the same\n");
    else
        printf("text              the same for %" PRIu64 " tokens; token %" PRIu64
               " is the first that differs\n",
               p->n_common, p->n_common);
    if (p->n_damaged)
        printf("damaged           %" PRIu64 " tokens are left out\n", p->n_damaged);
    trace_times_print_two(p->times);
    trace_memory_print_two(p->memory);
    if (n <= 0 || p->info[0].facts.n_layer_moe == 0)
        return;
    printf("\n%-8s%16s%18s   (over %.0f tokens)\n", "layer", "same experts",
           "weight moved", n);
    for (uint32_t i = 0; i < p->info[0].facts.n_layer_moe; i++)
        printf("%-8u%14.1f %%%16.2f %%\n", p->info[0].facts.layer[i],
               100 * (double)p->layer[i].same_set / n, 100 * p->layer[i].moved / n);
}

bool trace_compare(const struct lem_trace *a, const struct lem_trace *b, bool json)
{
    struct pair p = {.trace = {a, b}};
    lem_trace_get_info(a, &p.info[0]);
    lem_trace_get_info(b, &p.info[1]);
    if (!check_same_model(&p))
        return false;
    const struct lem_trace_facts *f = &p.info[0].facts;
    const size_t pairs = (size_t)f->n_layer_moe * f->n_expert_used + 1;
    bool ok = true;
    for (int i = 0; i < 2; i++) {
        p.ids[i] = calloc(pairs, sizeof *p.ids[i]);
        p.weights[i] = calloc(pairs, sizeof *p.weights[i]);
        ok = ok && p.ids[i] && p.weights[i];
        p.times[i] = trace_times_of(p.trace[i]);
        (void)lem_trace_get_memory(p.trace[i], UINT64_MAX, &p.memory[i]);
    }
    p.layer = calloc((size_t)f->n_layer_moe + 1, sizeof *p.layer);
    ok = ok && p.layer;
    if (!ok)
        app_error("memory ran out for comparing the recordings.");
    if (ok)
        compare_tokens(&p);
    if (ok)
        (json ? print_json : print_table)(&p);
    for (int i = 0; i < 2; i++) {
        free(p.ids[i]);
        free(p.weights[i]);
    }
    free(p.layer);
    return ok;
}
