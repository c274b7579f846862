/* stats_csv.c - the statistics as tables: one file for each kind of number. */
#include <stdio.h>
#include <string.h>

#include "cli/out_file.h"
#include "cli/stats.h"

typedef unsigned long long ull;

/* In quotes; a quote within is doubled (RFC 4180). */
static bool put_text(struct out_file *f, const char *text)
{
    bool ok = out_file_print(f, "\"");
    for (const char *p = text; *p && ok; p++)
        ok = out_file_print(f, *p == '"' ? "\"\"" : "%c", *p);
    return ok && out_file_print(f, "\"");
}

static bool put_layers(const struct stats *s, struct out_file *f)
{
    bool ok =
        out_file_print(f, "layer,n_slot,entropy,imbalance,n_never,top1_share,repeat,"
                          "repeat_by_chance,n_repeat\n");
    for (uint32_t il = 0; il < s->n_layer && ok; il++) {
        const struct stats_layer *l = &s->layer[il];
        ok = out_file_print(f, "%u,%llu,%.6f,%.6f,%u,%.6f,%.6f,%.6f,%llu\n", l->block,
                            (ull)l->n_slot, l->entropy, l->imbalance, l->n_never,
                            l->top1_share, l->repeat, l->chance, (ull)l->n_repeat);
    }
    return ok;
}

static bool put_load(const struct stats *s, struct out_file *f)
{
    bool ok = out_file_print(f, "layer,expert,total,first");
    for (uint32_t g = 0; g < s->n_group && ok; g++)
        ok = out_file_print(f, ",") && put_text(f, s->group[g].name);
    ok = ok && out_file_print(f, "\n");
    for (uint32_t il = 0; il < s->n_layer; il++)
        for (uint32_t e = 0; e < s->n_expert && ok; e++) {
            ok = out_file_print(f, "%u,%u,%llu,%llu", s->layer[il].block, e,
                                (ull)stats_total(s, il)[e],
                                (ull)s->first[(size_t)il * s->n_expert + e]);
            for (uint32_t g = 0; g < s->n_group && ok; g++)
                ok = out_file_print(f, ",%llu", (ull)stats_load(s, g, il)[e]);
            ok = ok && out_file_print(f, "\n");
        }
    return ok;
}

/* Each pair once, those that were there. */
static bool put_pairs(const struct stats *s, struct out_file *f)
{
    bool ok = out_file_print(f, "layer,expert_a,expert_b,count\n");
    for (uint32_t il = 0; il < s->n_layer; il++)
        for (uint32_t a = 0; a < s->n_expert; a++)
            for (uint32_t b = a + 1; b < s->n_expert && ok; b++)
                if (stats_pairs(s, il, a)[b])
                    ok = out_file_print(f, "%u,%u,%u,%llu\n", s->layer[il].block, a, b,
                                        (ull)stats_pairs(s, il, a)[b]);
    return ok;
}

static bool put_tokens(const struct stats *s, struct out_file *f)
{
    bool ok = out_file_print(f, "layer,expert,rank,token,text,count,of\n");
    const size_t n = (size_t)s->n_layer * s->n_expert * STATS_TOP;
    for (size_t i = 0; i < n && ok; i++) {
        const struct stats_token *t = &s->top[i];
        if (t->id < 0)
            continue;
        const size_t cell = i / STATS_TOP;
        char piece[64];
        stats_piece(s, t->id, piece, sizeof piece);
        ok = out_file_print(f, "%u,%zu,%zu,%d,", s->layer[cell / s->n_expert].block,
                            cell % s->n_expert, i % STATS_TOP, (int)t->id) &&
             put_text(f, piece) &&
             out_file_print(f, ",%llu,%llu\n", (ull)t->n, (ull)t->all);
    }
    return ok;
}

static bool put_cache(const struct stats *s, struct out_file *f)
{
    bool ok = out_file_print(f, "layer,cache,hits,asked\n");
    for (uint32_t il = 0; il < s->n_layer; il++)
        for (uint32_t n = 1; n <= s->n_expert && ok; n++)
            ok = out_file_print(f, "%u,%u,%llu,%llu\n", s->layer[il].block, n,
                                (ull)s->hit[(size_t)il * (s->n_expert + 1) + n],
                                (ull)s->layer[il].n_slot);
    return ok;
}

static bool put_divergence(const struct stats *s, struct out_file *f)
{
    bool ok = out_file_print(f, "layer,group_a,group_b,js_divergence\n");
    for (uint32_t il = 0; il < s->n_layer; il++)
        for (uint32_t a = 0; a < s->n_group; a++)
            for (uint32_t b = a + 1; b < s->n_group && ok; b++)
                ok = out_file_print(f, "%u,", s->layer[il].block) &&
                     put_text(f, s->group[a].name) && out_file_print(f, ",") &&
                     put_text(f, s->group[b].name) &&
                     out_file_print(f, ",%.6f\n", stats_divergence(s, il, a, b));
    return ok;
}

bool stats_write_csv(const struct stats *s, const char *dir)
{
    static const struct {
        const char *name;
        bool (*put)(const struct stats *s, struct out_file *f);
    } table[] = {
        {"layers.csv", put_layers}, {"load.csv", put_load},
        {"pairs.csv", put_pairs},   {"tokens.csv", put_tokens},
        {"cache.csv", put_cache},   {"divergence.csv", put_divergence},
    };
    bool ok = true;
    for (size_t i = 0; i < sizeof table / sizeof *table && ok; i++) {
        struct text path = {0};
        struct out_file f = {0};
        ok = text_add(&path, dir, strlen(dir)) && text_add(&path, "/", 1) &&
             text_add(&path, table[i].name, strlen(table[i].name)) &&
             out_file_open(&f, path.data) && table[i].put(s, &f) && out_file_commit(&f);
        out_file_drop(&f);
        text_free(&path);
    }
    return ok;
}
