/* policyfile_read.c - JSON text to the settings of a routing policy. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "policyfile/policyfile.h"
#include "policyfile/policyfile_keys.h"

struct reader {
    const char *name;
    const struct lem_log *log;
    int index; /* of the entry of "layers" in hand */
    struct lem_policy_entry *entry;
    uint32_t n, cap;
    enum lem_status status;
};

__attribute__((format(printf, 3, 4))) static bool fail(struct reader *r,
                                                       enum lem_status status,
                                                       const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (r->log && r->log->fn)
        r->log->fn(r->log->priv, LEM_LOG_ERROR, text);
    r->status = status;
    return false;
}

static bool refuse(struct reader *r, const char *key, const char *want)
{
    return fail(r, LEM_ERR_FORMAT, "%s: layers[%d]: \"%s\" must be %s", r->name, r->index,
                key, want);
}

static bool add(struct reader *r, struct lem_policy_entry entry)
{
    if (r->n == r->cap) {
        const uint32_t cap = r->cap ? r->cap * 2 : 16;
        void *more = cap > r->cap ? realloc(r->entry, cap * sizeof *r->entry) : NULL;
        if (!more)
            return fail(r, LEM_ERR_MEMORY, "%s: no memory for its settings", r->name);
        r->entry = more;
        r->cap = cap;
    }
    r->entry[r->n++] = entry;
    return true;
}

static bool whole(const cJSON *v, uint32_t *out)
{
    if (!cJSON_IsNumber(v) || !(v->valuedouble >= 0 && v->valuedouble < 4294967295.0) ||
        v->valuedouble != (double)(uint32_t)v->valuedouble)
        return false;
    *out = (uint32_t)v->valuedouble;
    return true;
}

static bool read_experts(struct reader *r, const cJSON *list, uint32_t layer,
                         enum lem_policy_kind kind)
{
    if (!cJSON_IsArray(list))
        return refuse(r, list->string, "a list of experts");
    const cJSON *v;
    cJSON_ArrayForEach(v, list)
    {
        struct lem_policy_entry e = {.kind = kind, .layer = layer};
        if (!whole(v, &e.expert))
            return refuse(r, list->string, "a list of experts");
        if (!add(r, e))
            return false;
    }
    return true;
}

static bool read_biases(struct reader *r, const cJSON *map, uint32_t layer)
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
        if (v->string[0] < '0' || v->string[0] > '9' || *end || errno ||
            e >= LEM_ALL_LAYERS || !cJSON_IsNumber(v))
            return refuse(r, map->string, form);
        if (!add(r, (struct lem_policy_entry){.kind = LEM_POLICY_BIAS,
                                              .layer = layer,
                                              .expert = (uint32_t)e,
                                              .bias = (float)v->valuedouble}))
            return false;
    }
    return true;
}

static bool read_member(struct reader *r, const cJSON *v, uint32_t layer)
{
    struct lem_policy_entry limit = {.kind = LEM_POLICY_LIMIT, .layer = layer};
    if (strcmp(v->string, KEY_LAYER) == 0)
        return true;
    if (strcmp(v->string, KEY_BAN) == 0)
        return read_experts(r, v, layer, LEM_POLICY_BAN);
    if (strcmp(v->string, KEY_FORCE) == 0)
        return read_experts(r, v, layer, LEM_POLICY_FORCE);
    if (strcmp(v->string, KEY_BIAS) == 0)
        return read_biases(r, v, layer);
    if (strcmp(v->string, KEY_LIMIT) == 0) {
        if (!whole(v, &limit.limit))
            return refuse(r, KEY_LIMIT, "how many experts a token may use");
        return add(r, limit);
    }
    return fail(r, LEM_ERR_FORMAT,
                "%s: layers[%d]: \"%s\" is not known. There are layer, experts, ban, "
                "force and bias",
                r->name, r->index, v->string);
}

static bool read_layer(struct reader *r, const cJSON *entry)
{
    const cJSON *at = cJSON_GetObjectItemCaseSensitive(entry, KEY_LAYER);
    uint32_t layer = LEM_ALL_LAYERS;
    const bool all = cJSON_IsString(at) && strcmp(at->valuestring, "all") == 0;
    if (!all && !whole(at, &layer))
        return refuse(r, KEY_LAYER, "a block number or \"all\"");
    const cJSON *v;
    cJSON_ArrayForEach(v, entry)
    {
        if (v != cJSON_GetObjectItemCaseSensitive(entry, v->string))
            return fail(r, LEM_ERR_FORMAT, "%s: layers[%d]: \"%s\" is there twice",
                        r->name, r->index, v->string);
        if (!read_member(r, v, layer))
            return false;
    }
    return true;
}

static void read_root(struct reader *r, const cJSON *root)
{
    const cJSON *layers = cJSON_GetObjectItemCaseSensitive(root, KEY_LAYERS);
    if (!cJSON_IsArray(layers)) {
        fail(r, LEM_ERR_FORMAT,
             "%s: no routing policy: it has no list \"layers\". lemnos run --help tells "
             "its form",
             r->name);
        return;
    }
    const cJSON *member;
    cJSON_ArrayForEach(member, root)
    {
        if (member != layers && strcmp(member->string, KEY_MODEL) != 0) {
            fail(r, LEM_ERR_FORMAT,
                 "%s: \"%s\" is not known, or there twice. There are model and layers",
                 r->name, member->string);
            return;
        }
    }
    const cJSON *entry;
    cJSON_ArrayForEach(entry, layers)
    {
        if (!read_layer(r, entry))
            return;
        r->index++;
    }
}

enum lem_status policyfile_read(const char *name, const char *text, size_t n,
                                const struct lem_log *log,
                                struct lem_policy_entry **entries, uint32_t *n_entry)
{
    struct reader r = {.name = name, .log = log};
    const char *end = text;
    cJSON *root = cJSON_ParseWithLengthOpts(text, n, &end, false);
    const char *rest = root ? end : text;
    while (root && rest < text + n && strchr(" \t\r\n", *rest) && *rest)
        rest++;
    if (root && rest < text + n)
        fail(&r, LEM_ERR_FORMAT, "%s: something follows the policy, at byte %zu", name,
             (size_t)(rest - text));
    else if (root)
        read_root(&r, root);
    else
        fail(&r, LEM_ERR_FORMAT, "%s: not JSON from byte %zu on", name,
             (size_t)(end - text));
    cJSON_Delete(root);
    if (r.status != LEM_OK) {
        free(r.entry);
        r.entry = NULL;
        r.n = 0;
    }
    *entries = r.entry;
    *n_entry = r.n;
    return r.status;
}

static enum lem_status set(struct lem_session *s, const struct lem_policy_entry *e)
{
    switch (e->kind) {
    case LEM_POLICY_BAN:
        return lem_session_ban(s, e->layer, e->expert);
    case LEM_POLICY_FORCE:
        return lem_session_force(s, e->layer, e->expert);
    case LEM_POLICY_BIAS:
        return lem_session_bias(s, e->layer, e->expert, e->bias);
    case LEM_POLICY_LIMIT:
        return lem_session_limit(s, e->layer, e->limit);
    }
    return LEM_ERR_ARGUMENT;
}

enum lem_status policyfile_apply(struct lem_session *session,
                                 const struct lem_policy_entry *entries, uint32_t n_entry)
{
    enum lem_status st = LEM_OK;
    for (uint32_t i = 0; i < n_entry && st == LEM_OK; i++)
        st = set(session, &entries[i]);
    return st;
}
