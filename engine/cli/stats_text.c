/* stats_text.c - the statistics for people: tables on standard output. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/stats.h"

enum { BUSIEST = 4, NAME = 20 };

static void print_head(const struct stats *s)
{
    printf("%s: %u layers that route, %u of %u experts for a token\n",
           app_model_name(s->app), s->n_layer, s->n_used, s->n_expert);
    printf("%llu tokens in %u windows\n", (unsigned long long)s->n_token, s->n_window);
    for (uint32_t g = 0; g < s->n_group; g++)
        printf("  group %u  %-*s %10llu tokens\n", g, NAME, s->group[g].name,
               (unsigned long long)s->group[g].n_token);
}

static void print_layers(const struct stats *s)
{
    const double full = log2((double)s->n_expert);
    printf(
        "\nLoad. Entropy in bits, %.2f would be even; imbalance: the largest load by the "
        "mean;\nfirst: the first expert's part of a token's weight; repeats: experts "
        "that the token before\nused too, in brackets by chance; cache: hits of an LRU "
        "cache of so many experts.\n\n",
        full);
    const uint32_t n[3] = {(s->n_expert + 3) / 4, (s->n_expert + 1) / 2,
                           (s->n_expert * 3 + 3) / 4};
    printf("block  experts used  entropy  imbalance  first  repeats (chance)  cache %3u  "
           "%5u  %5u\n",
           n[0], n[1], n[2]);
    for (uint32_t il = 0; il < s->n_layer; il++) {
        const struct stats_layer *l = &s->layer[il];
        printf(
            "%5u  %7llu  %3u  %7.3f  %9.2f  %4.0f%%  %6.1f%% (%5.1f%%)  %8.1f%% %5.1f%% "
            "%5.1f%%\n",
            l->block, (unsigned long long)l->n_slot, s->n_expert - l->n_never, l->entropy,
            l->imbalance, 100 * l->top1_share, 100 * l->repeat, 100 * l->chance,
            100 * stats_hit_rate(s, il, n[0]), 100 * stats_hit_rate(s, il, n[1]),
            100 * stats_hit_rate(s, il, n[2]));
    }
}

static void print_never(const struct stats *s)
{
    bool any = false;
    for (uint32_t il = 0; il < s->n_layer; il++) {
        if (s->layer[il].n_never == 0)
            continue;
        printf("%s  block %u:", any ? "" : "\nNever used:\n", s->layer[il].block);
        for (uint32_t e = 0; e < s->n_expert; e++)
            if (stats_total(s, il)[e] == 0)
                printf(" %u", e);
        putchar('\n');
        any = true;
    }
    if (!any)
        printf("\nEvery expert of every block was used.\n");
}

static void print_divergence(const struct stats *s)
{
    if (s->n_group < 2)
        return;
    printf("\nJensen-Shannon divergence of the groups' loads, mean over the blocks, in "
           "bits:\n\n%*s",
           NAME + 8, "");
    for (uint32_t b = 0; b < s->n_group; b++)
        printf(" %7u", b);
    putchar('\n');
    for (uint32_t a = 0; a < s->n_group; a++) {
        printf("  group %u %-*.*s", a, NAME - 2, NAME - 2, s->group[a].name);
        for (uint32_t b = 0; b < s->n_group; b++) {
            double sum = 0;
            for (uint32_t il = 0; il < s->n_layer; il++)
                sum += stats_divergence(s, il, a, b);
            printf(" %7.4f", sum / s->n_layer);
        }
        putchar('\n');
    }
}

/* The expert with the most tokens among those below `most`, ties by id. */
static uint32_t next_busiest(const uint64_t *load, uint32_t n, const bool *done)
{
    uint32_t best = n;
    for (uint32_t e = 0; e < n; e++)
        if (!done[e] && load[e] > 0 && (best == n || load[e] > load[best]))
            best = e;
    return best;
}

static void print_expert(const struct stats *s, uint32_t il, uint32_t e)
{
    const uint64_t *pair = stats_pairs(s, il, e);
    const uint64_t load = stats_total(s, il)[e];
    const struct stats_token *top = s->top + ((size_t)il * s->n_expert + e) * STATS_TOP;
    uint32_t mate = 0;
    for (uint32_t i = 1; i < s->n_expert; i++)
        mate = pair[i] > pair[mate] ? i : mate;
    printf("%5u  %6u  %7llu  ", s->layer[il].block, e, (unsigned long long)load);
    if (pair[mate] > 0)
        printf("%4u (%3.0f%%)  ", mate, 100 * (double)pair[mate] / (double)load);
    else
        printf("%13s", "");
    for (int i = 0; i < STATS_TOP && top[i].id >= 0; i++) {
        char piece[48];
        stats_piece(s, top[i].id, piece, sizeof piece);
        printf(" \"%s\" %llu/%llu", piece, (unsigned long long)top[i].n,
               (unsigned long long)top[i].all);
    }
    putchar('\n');
}

static bool print_experts(const struct stats *s)
{
    bool *done = malloc(s->n_expert);
    if (!done) {
        app_error("memory ran out for %u experts.", s->n_expert);
        return false;
    }
    printf(
        "\nThe %d busiest experts of each block, the expert most often with it, and the "
        "tokens it\ntakes most (times taken / times there); --json and --csv have all:"
        "\n\nblock  expert   tokens  often with  tokens taken\n",
        BUSIEST);
    for (uint32_t il = 0; il < s->n_layer; il++) {
        for (uint32_t e = 0; e < s->n_expert; e++)
            done[e] = false;
        for (int i = 0; i < BUSIEST; i++) {
            const uint32_t e = next_busiest(stats_total(s, il), s->n_expert, done);
            if (e == s->n_expert)
                break;
            done[e] = true;
            print_expert(s, il, e);
        }
    }
    free(done);
    return true;
}

bool stats_print_text(const struct stats *s)
{
    print_head(s);
    print_layers(s);
    print_never(s);
    print_divergence(s);
    return print_experts(s);
}
