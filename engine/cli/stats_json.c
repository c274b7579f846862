/* stats_json.c - the statistics as one JSON object. */
#include "cli/json_out.h"
#include "cli/stats.h"

static void add_counts(struct json_out *j, struct cJSON *at, const char *key,
                       const uint64_t *v, uint32_t n)
{
    struct cJSON *list = json_array(j, at, key);
    for (uint32_t i = 0; i < n; i++)
        json_num(j, list, NULL, (double)v[i]);
}

static void add_pairs(const struct stats *s, struct json_out *j, struct cJSON *at,
                      uint32_t il)
{
    struct cJSON *rows = json_array(j, at, "pairs");
    for (uint32_t e = 0; e < s->n_expert; e++)
        add_counts(j, rows, NULL, stats_pairs(s, il, e), s->n_expert);
}

static void add_tokens(const struct stats *s, struct json_out *j, struct cJSON *at,
                       uint32_t il)
{
    struct cJSON *experts = json_array(j, at, "top_tokens");
    for (uint32_t e = 0; e < s->n_expert; e++) {
        const struct stats_token *top =
            s->top + ((size_t)il * s->n_expert + e) * STATS_TOP;
        struct cJSON *list = json_array(j, experts, NULL);
        for (int i = 0; i < STATS_TOP && top[i].id >= 0; i++) {
            struct cJSON *o = json_object(j, list, NULL);
            char piece[64];
            stats_piece(s, top[i].id, piece, sizeof piece);
            json_num(j, o, "id", top[i].id);
            json_str(j, o, "text", piece);
            json_num(j, o, "count", (double)top[i].n);
            json_num(j, o, "of", (double)top[i].all);
        }
    }
}

static void add_divergence(const struct stats *s, struct json_out *j, struct cJSON *at,
                           uint32_t il)
{
    struct cJSON *rows = json_array(j, at, "js_divergence");
    for (uint32_t a = 0; a < s->n_group; a++) {
        struct cJSON *row = json_array(j, rows, NULL);
        for (uint32_t b = 0; b < s->n_group; b++)
            json_num(j, row, NULL, stats_divergence(s, il, a, b));
    }
}

static void add_layer(const struct stats *s, struct json_out *j, struct cJSON *list,
                      uint32_t il)
{
    const struct stats_layer *l = &s->layer[il];
    struct cJSON *o = json_object(j, list, NULL);
    json_num(j, o, "layer", l->block);
    json_num(j, o, "n_slot", (double)l->n_slot);
    json_num(j, o, "entropy", l->entropy);
    json_num(j, o, "imbalance", l->imbalance);
    json_num(j, o, "n_never", l->n_never);
    json_num(j, o, "top1_share", l->top1_share);
    json_num(j, o, "repeat", l->repeat);
    json_num(j, o, "repeat_by_chance", l->chance);
    json_num(j, o, "n_repeat", (double)l->n_repeat);
    add_counts(j, o, "load", stats_total(s, il), s->n_expert);
    struct cJSON *groups = json_array(j, o, "load_by_group");
    for (uint32_t g = 0; g < s->n_group; g++)
        add_counts(j, groups, NULL, stats_load(s, g, il), s->n_expert);
    add_counts(j, o, "first", s->first + (size_t)il * s->n_expert, s->n_expert);
    /* of a cache of 1, 2 … all experts, out of n_slot */
    add_counts(j, o, "cache_hits", s->hit + (size_t)il * (s->n_expert + 1) + 1,
               s->n_expert);
    add_pairs(s, j, o, il);
    add_divergence(s, j, o, il);
    add_tokens(s, j, o, il);
}

bool stats_print_json(const struct stats *s)
{
    struct json_out j;
    json_begin(&j);
    json_str(&j, NULL, "model", app_model_name(s->app));
    json_str(&j, NULL, "device", s->app->device_info.name);
    json_num(&j, NULL, "n_token", (double)s->n_token);
    json_num(&j, NULL, "n_window", s->n_window);
    json_num(&j, NULL, "n_expert", s->n_expert);
    json_num(&j, NULL, "n_expert_used", s->n_used);
    struct cJSON *groups = json_array(&j, NULL, "groups");
    for (uint32_t g = 0; g < s->n_group; g++) {
        struct cJSON *o = json_object(&j, groups, NULL);
        json_str(&j, o, "name", s->group[g].name);
        json_num(&j, o, "n_token", (double)s->group[g].n_token);
    }
    struct cJSON *layers = json_array(&j, NULL, "layers");
    for (uint32_t il = 0; il < s->n_layer; il++)
        add_layer(s, &j, layers, il);
    return json_print(&j);
}
