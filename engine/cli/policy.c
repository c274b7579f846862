/* policy.c - a session's routing policy from options and JSON files, and back. */
#include "cli/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "cli/app.h"
#include "cli/out_file.h"
#include "cli/policy_keys.h"

/* ---- options -------------------------------------------------------------- */

static bool set(struct lem_session *s, enum lem_policy_kind kind,
                const struct policy_rule *r)
{
    switch (kind) {
    case LEM_POLICY_BAN:
        return lem_session_ban(s, r->layer, r->expert) == LEM_OK;
    case LEM_POLICY_FORCE:
        return lem_session_force(s, r->layer, r->expert) == LEM_OK;
    default:
        return lem_session_bias(s, r->layer, r->expert, r->bias) == LEM_OK;
    }
}

static bool set_list(struct lem_session *s, enum lem_policy_kind kind, const char *text)
{
    struct policy_rule rule;
    while (text && policy_next_rule(&text, kind == LEM_POLICY_BIAS, &rule) == POLICY_RULE)
        if (!set(s, kind, &rule))
            return false;
    return true;
}

bool policy_apply(struct app *app, struct lem_session *s)
{
    const struct args *a = app->args;
    for (int i = 0; i < ARGS_MAX_POLICY; i++)
        if (a->policy[i] && !policy_load(s, a->policy[i]))
            return false;
    if (a->n_experts && lem_session_limit(s, LEM_ALL_LAYERS, a->n_experts) != LEM_OK)
        return false;
    return set_list(s, LEM_POLICY_BAN, a->ban) &&
           set_list(s, LEM_POLICY_FORCE, a->force) &&
           set_list(s, LEM_POLICY_BIAS, a->bias);
}

/* ---- reading a file ------------------------------------------------------- */

struct reader {
    struct lem_session *session;
    const char *path;
    int index; /* of the entry of "layers" in hand */
};

static bool refuse(const struct reader *r, const char *key, const char *want)
{
    app_error("%s: layers[%d]: \"%s\" must be %s.", r->path, r->index, key, want);
    return false;
}

static bool whole(const cJSON *v, uint32_t *out)
{
    if (!cJSON_IsNumber(v) || !(v->valuedouble >= 0 && v->valuedouble < 4294967295.0) ||
        v->valuedouble != (double)(uint32_t)v->valuedouble)
        return false;
    *out = (uint32_t)v->valuedouble;
    return true;
}

static bool read_experts(const struct reader *r, const cJSON *list, uint32_t layer,
                         enum lem_policy_kind kind)
{
    if (!cJSON_IsArray(list))
        return refuse(r, list->string, "a list of experts");
    const cJSON *v;
    cJSON_ArrayForEach(v, list)
    {
        struct policy_rule rule = {.layer = layer};
        if (!whole(v, &rule.expert))
            return refuse(r, list->string, "a list of experts");
        if (!set(r->session, kind, &rule))
            return false;
    }
    return true;
}

static bool read_biases(const struct reader *r, const cJSON *map, uint32_t layer)
{
    static const char form[] = "an object such as {\"5\": 1.5}";
    if (!cJSON_IsObject(map))
        return refuse(r, map->string, form);
    const cJSON *v;
    cJSON_ArrayForEach(v, map)
    {
        char *end;
        errno = 0;
        const unsigned long long e = strtoull(v->string, &end, 10);
        if (end == v->string || *end || errno || e >= LEM_ALL_LAYERS ||
            !cJSON_IsNumber(v))
            return refuse(r, map->string, form);
        const struct policy_rule rule = {
            .layer = layer, .expert = (uint32_t)e, .bias = (float)v->valuedouble};
        if (!set(r->session, LEM_POLICY_BIAS, &rule))
            return false;
    }
    return true;
}

static bool read_member(const struct reader *r, const cJSON *v, uint32_t layer)
{
    uint32_t n = 0;
    if (strcmp(v->string, KEY_LAYER) == 0)
        return true;
    if (strcmp(v->string, KEY_BAN) == 0)
        return read_experts(r, v, layer, LEM_POLICY_BAN);
    if (strcmp(v->string, KEY_FORCE) == 0)
        return read_experts(r, v, layer, LEM_POLICY_FORCE);
    if (strcmp(v->string, KEY_BIAS) == 0)
        return read_biases(r, v, layer);
    if (strcmp(v->string, KEY_LIMIT) == 0) {
        if (!whole(v, &n))
            return refuse(r, KEY_LIMIT, "how many experts a token may use");
        return lem_session_limit(r->session, layer, n) == LEM_OK;
    }
    app_error("%s: layers[%d]: \"%s\" is not known. There are layer, experts, ban, force "
              "and bias.",
              r->path, r->index, v->string);
    return false;
}

static bool read_layer(const struct reader *r, const cJSON *entry)
{
    const cJSON *at = cJSON_GetObjectItemCaseSensitive(entry, KEY_LAYER);
    uint32_t layer = LEM_ALL_LAYERS;
    const bool all = cJSON_IsString(at) && strcmp(at->valuestring, "all") == 0;
    if (!all && !whole(at, &layer))
        return refuse(r, KEY_LAYER, "a block number or \"all\"");
    const cJSON *v;
    cJSON_ArrayForEach(v, entry)
    {
        if (!read_member(r, v, layer))
            return false;
    }
    return true;
}

static bool read_root(struct reader *r, const cJSON *root)
{
    const cJSON *layers = cJSON_GetObjectItemCaseSensitive(root, KEY_LAYERS);
    if (!cJSON_IsArray(layers)) {
        app_error("%s: no routing policy: it has no list \"layers\". See lemnos run "
                  "--help.",
                  r->path);
        return false;
    }
    const cJSON *entry;
    cJSON_ArrayForEach(entry, layers)
    {
        if (!read_layer(r, entry))
            return false;
        r->index++;
    }
    return true;
}

bool policy_load(struct lem_session *session, const char *path)
{
    struct text t = {0};
    struct reader r = {.session = session, .path = path};
    bool ok = text_read(&t, path);
    if (ok) {
        const char *end = t.data;
        cJSON *root = cJSON_ParseWithLengthOpts(t.data, t.n, &end, false);
        if (!root)
            app_error("%s: not JSON from byte %zu on.", path, (size_t)(end - t.data));
        ok = root && read_root(&r, root);
        cJSON_Delete(root);
    }
    text_free(&t);
    return ok;
}
