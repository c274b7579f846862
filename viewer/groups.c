/* groups.c - how the prompt's tokens were grouped on the experts of a layer. */
#include "groups.h"

#include <stdlib.h>
#include <string.h>

bool groups_open(struct groups *g, struct source *source)
{
    const struct lem_trace_facts *f = &source->facts;
    *g = (struct groups){.source = source,
                         .n_layer = f->n_layer_moe,
                         .n_expert = f->n_expert,
                         .n_used = f->n_expert_used};
    const size_t pairs = (size_t)f->n_layer_moe * f->n_expert_used + 1;
    const size_t members = (size_t)GROUPS_TOKENS * f->n_expert_used + 1;
    g->start = calloc((size_t)f->n_expert + 3, sizeof *g->start);
    g->order = calloc((size_t)f->n_expert + 1, sizeof *g->order);
    g->member = calloc(members, sizeof *g->member);
    g->weight = calloc(members, sizeof *g->weight);
    g->count = calloc((size_t)f->n_layer_moe * f->n_expert + 1, sizeof *g->count);
    g->ids = calloc(pairs, sizeof *g->ids);
    g->weights = calloc(pairs, sizeof *g->weights);
    if (g->start && g->order && g->member && g->weight && g->count && g->ids &&
        g->weights)
        return true;
    groups_close(g);
    return false;
}

void groups_close(struct groups *g)
{
    free(g->start);
    free(g->order);
    free(g->member);
    free(g->weight);
    free(g->count);
    free(g->ids);
    free(g->weights);
    *g = (struct groups){0};
}

/* What the token chose in the layer, or NULL. */
static const uint16_t *choice(struct groups *g, uint32_t token)
{
    if (!source_routing(g->source, token, g->ids, g->weights))
        return NULL;
    return g->ids + (size_t)g->layer * g->n_used;
}

/* In all layers; only the selected one has members. */
static void count(struct groups *g)
{
    const size_t cells = (size_t)g->n_layer * g->n_expert;
    memset(g->count, 0, cells * sizeof *g->count);
    for (uint32_t i = 0; i < g->n; i++) {
        if (!choice(g, i))
            continue;
        for (uint32_t layer = 0; layer < g->n_layer; layer++) {
            const uint16_t *ids = g->ids + (size_t)layer * g->n_used;
            for (uint32_t k = 0; k < g->n_used && ids[k] != LEM_NO_EXPERT; k++)
                g->count[(size_t)layer * g->n_expert + ids[k]]++;
        }
    }
    const uint32_t *mine = g->count + (size_t)g->layer * g->n_expert;
    g->start[0] = g->start[1] = 0;
    for (uint32_t e = 0; e < g->n_expert; e++)
        g->start[e + 2] = g->start[e + 1] + mine[e];
}

/* start[e + 1] is where the next member of e goes; at the end it is where e ends. */
static void fill(struct groups *g)
{
    for (uint32_t i = 0; i < g->n; i++) {
        const uint16_t *ids = choice(g, i);
        for (uint32_t k = 0; ids && k < g->n_used && ids[k] != LEM_NO_EXPERT; k++) {
            const uint32_t at = g->start[ids[k] + 1]++;
            g->member[at] = i;
            g->weight[at] = g->weights[(size_t)g->layer * g->n_used + k];
        }
    }
}

static uint32_t size_of(const struct groups *g, uint32_t e)
{
    return g->start[e + 1] - g->start[e];
}

/* By insertion: there are some hundreds at most, and it is done once. */
static void sort(struct groups *g)
{
    g->n_busy = 0;
    for (uint32_t e = 0; e < g->n_expert; e++) {
        const uint32_t mine = size_of(g, e);
        uint32_t at = e;
        for (; at > 0 && size_of(g, g->order[at - 1]) < mine; at--)
            g->order[at] = g->order[at - 1];
        g->order[at] = e;
        g->n_busy += mine > 0;
    }
}

void groups_update(struct groups *g, uint32_t layer)
{
    const uint32_t revision = source_revision(g->source), n_prompt = g->source->n_prompt;
    if (g->valid && layer == g->layer && revision == g->revision &&
        n_prompt == g->n_prompt)
        return;
    g->valid = true;
    g->layer = layer;
    g->revision = revision;
    g->n_prompt = n_prompt;
    g->n = n_prompt < GROUPS_TOKENS ? n_prompt : GROUPS_TOKENS;
    g->n_busy = 0;
    if (layer >= g->n_layer)
        return;
    count(g);
    fill(g);
    sort(g);
}
