/* policyfile_write.c - the settings of a routing policy to JSON text. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "policyfile/policyfile.h"
#include "policyfile/policyfile_keys.h"

/* Terminated bytes on the heap; `failed` once memory ran out. */
struct sheet {
    char *data;
    size_t n, cap;
    bool failed;
};

static void put(struct sheet *s, const char *text)
{
    const size_t n = strlen(text);
    if (s->failed)
        return;
    if (s->n + n + 1 > s->cap) {
        s->cap = 2 * (s->n + n) + 64;
        char *more = malloc(s->cap);
        s->failed = !more;
        if (!more)
            return;
        if (s->n)
            memcpy(more, s->data, s->n);
        free(s->data);
        s->data = more;
    }
    memcpy(s->data + s->n, text, n + 1);
    s->n += n;
}

/* For lines without names: numbers and our own keys. */
__attribute__((format(printf, 2, 3))) static void print(struct sheet *s, const char *fmt,
                                                        ...)
{
    char text[96];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    put(s, text);
}

/* Entries of one kind in [from, to), all of one layer. */
static void put_list(struct sheet *s, const struct lem_policy_entry *e, uint32_t from,
                     uint32_t to, enum lem_policy_kind kind, const char *key)
{
    bool any = false;
    for (uint32_t i = from; i < to; i++) {
        if (e[i].kind != kind)
            continue;
        if (!any)
            print(s, ", \"%s\": [", key);
        print(s, "%s%u", any ? ", " : "", e[i].expert);
        any = true;
    }
    if (any)
        put(s, "]");
}

/* Nine digits give a float back bit for bit. */
static void put_biases(struct sheet *s, const struct lem_policy_entry *e, uint32_t from,
                       uint32_t to)
{
    bool any = false;
    for (uint32_t i = from; i < to; i++) {
        if (e[i].kind != LEM_POLICY_BIAS)
            continue;
        if (!any)
            print(s, ", \"%s\": {", KEY_BIAS);
        print(s, "%s\"%u\": %.9g", any ? ", " : "", e[i].expert, (double)e[i].bias);
        any = true;
    }
    if (any)
        put(s, "}");
}

static void put_layer(struct sheet *s, const struct lem_policy_entry *e, uint32_t from,
                      uint32_t to)
{
    if (e[from].layer == LEM_ALL_LAYERS)
        print(s, "%s\n  {\"%s\": \"all\"", from ? "," : "", KEY_LAYER);
    else
        print(s, "%s\n  {\"%s\": %u", from ? "," : "", KEY_LAYER, e[from].layer);
    for (uint32_t i = from; i < to; i++)
        if (e[i].kind == LEM_POLICY_LIMIT)
            print(s, ", \"%s\": %u", KEY_LIMIT, e[i].limit);
    put_list(s, e, from, to, LEM_POLICY_BAN, KEY_BAN);
    put_list(s, e, from, to, LEM_POLICY_FORCE, KEY_FORCE);
    put_biases(s, e, from, to);
    put(s, "}");
}

static void put_model(struct sheet *s, const char *model)
{
    cJSON *name = cJSON_CreateString(model);
    char *quoted = name ? cJSON_PrintUnformatted(name) : NULL;
    s->failed = s->failed || !quoted;
    if (quoted) {
        put(s, "\"model\": ");
        put(s, quoted);
        put(s, ",\n ");
    }
    cJSON_free(quoted);
    cJSON_Delete(name);
}

char *policyfile_write(const char *model, const struct lem_policy_entry *entries,
                       uint32_t n_entry)
{
    struct sheet s = {0};
    put(&s, "{");
    if (model)
        put_model(&s, model);
    print(&s, "\"%s\": [", KEY_LAYERS);
    for (uint32_t from = 0, to; from < n_entry; from = to) {
        for (to = from + 1; to < n_entry && entries[to].layer == entries[from].layer;
             to++)
            ;
        put_layer(&s, entries, from, to);
    }
    put(&s, n_entry ? "\n ]}\n" : "]}\n");
    if (!s.failed)
        return s.data;
    free(s.data);
    return NULL;
}
