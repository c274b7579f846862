/* json_out.c - JSON on standard output, by cJSON. */
#include "cli/json_out.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "cli/app.h"
#include "cli/text.h"

void json_begin(struct json_out *j)
{
    *j = (struct json_out){.root = cJSON_CreateObject()};
    j->bad = !j->root;
}

static void put(struct json_out *j, cJSON *at, const char *key, cJSON *item)
{
    if (!at)
        at = j->root;
    const bool ok =
        item && at &&
        (key ? cJSON_AddItemToObject(at, key, item) : cJSON_AddItemToArray(at, item));
    if (!ok) {
        cJSON_Delete(item);
        j->bad = true;
    }
}

void json_num(struct json_out *j, cJSON *at, const char *key, double v)
{
    put(j, at, key, cJSON_CreateNumber(v));
}

void json_u64(struct json_out *j, cJSON *at, const char *key, uint64_t v)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRIu64, v);
    put(j, at, key, cJSON_CreateRaw(digits));
}

void json_bool(struct json_out *j, cJSON *at, const char *key, bool v)
{
    put(j, at, key, cJSON_CreateBool(v));
}

void json_str(struct json_out *j, cJSON *at, const char *key, const char *v)
{
    struct text clean = {0};
    if (text_add_utf8(&clean, v, strlen(v)))
        put(j, at, key, cJSON_CreateString(clean.data));
    else
        j->bad = true;
    text_free(&clean);
}

void json_ids(struct json_out *j, cJSON *at, const char *key, const int32_t *id, size_t n)
{
    cJSON *list = json_array(j, at, key);
    for (size_t i = 0; i < n && list; i++)
        json_num(j, list, NULL, id[i]);
}

/* put() frees what it cannot place: ask the parent whether it did. */
static cJSON *put_parent(struct json_out *j, cJSON *at, const char *key, cJSON *item)
{
    const bool before = j->bad;
    j->bad = false;
    put(j, at, key, item);
    cJSON *placed = j->bad ? NULL : item;
    j->bad |= before;
    return placed;
}

cJSON *json_object(struct json_out *j, cJSON *at, const char *key)
{
    return put_parent(j, at, key, cJSON_CreateObject());
}

cJSON *json_array(struct json_out *j, cJSON *at, const char *key)
{
    return put_parent(j, at, key, cJSON_CreateArray());
}

bool json_print(struct json_out *j)
{
    char *line = j->bad ? NULL : cJSON_PrintUnformatted(j->root);
    cJSON_Delete(j->root);
    j->root = NULL;
    if (!line) {
        app_error("memory ran out for the JSON output.");
        return false;
    }
    puts(line);
    cJSON_free(line);
    return true;
}

/* What JSON does not take as it is. */
static bool add_escaped(struct text *t, char c)
{
    static const char plain[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";
    const char *known = c ? strchr(plain, c) : NULL;
    char out[8];
    const int n = known ? snprintf(out, sizeof out, "\\%c", letter[known - plain])
                        : snprintf(out, sizeof out, "\\u%04x", (unsigned)c);
    return text_add(t, out, (size_t)n);
}

char *json_quote(const char *s, size_t n)
{
    struct text out = {0};
    bool ok = text_add(&out, "\"", 1);
    for (size_t i = 0; i < n && ok;) {
        const size_t len = text_utf8_length(s + i, n - i);
        const bool escape =
            len == 1 && ((unsigned char)s[i] < 0x20 || s[i] == '"' || s[i] == '\\');
        ok = escape ? add_escaped(&out, s[i]) : text_add_utf8(&out, s + i, len ? len : 1);
        i += len ? len : 1;
    }
    if (!ok || !text_add(&out, "\"", 1))
        text_free(&out);
    return out.data;
}
