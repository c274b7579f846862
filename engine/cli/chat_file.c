/* chat_file.c - conversations as JSON files:
 *   {"model": "name.gguf", "format": "chatml",
 *    "messages": [{"role": "user", "content": "…"}]}
 * "model" and "format" are for people; roles are system, user and assistant. */
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "cli/chat.h"
#include "cli/json_out.h"
#include "cli/files.h"
#include "cli/out_file.h"

static const char *const role_name[] = {[LEM_CHAT_SYSTEM] = "system",
                                        [LEM_CHAT_USER] = "user",
                                        [LEM_CHAT_ASSISTANT] = "assistant"};
enum { N_ROLE = sizeof role_name / sizeof *role_name };

/* ---- writing -------------------------------------------------------------- */

static bool write_message(struct out_file *f, const struct lem_chat_message *m,
                          bool first)
{
    char *quoted = json_quote(m->text, m->n_byte);
    if (!quoted)
        app_error("memory ran out for a message of %zu bytes.", m->n_byte);
    const bool ok =
        quoted && out_file_print(f, "%s\n  {\"role\": \"%s\", \"content\": %s}",
                                 first ? "" : ",", role_name[m->role], quoted);
    free(quoted);
    return ok;
}

bool chat_save(struct chat *c, const char *path)
{
    const char *model = app_model_name(c->app);
    char *quoted = json_quote(model, strlen(model));
    struct out_file f = {0};
    if (!quoted)
        app_error("memory ran out for the conversation.");
    bool ok =
        quoted && files_may_write(&c->args, c->app->model_path, "/save", path) &&
        out_file_open(&f, path) &&
        out_file_print(&f, "{\"model\": %s,\n \"format\": \"%s\",\n \"messages\": [",
                       quoted, lem_chat_format_name(c->format));
    for (size_t i = 0; i < c->n_message && ok; i++)
        ok = write_message(&f, &c->message[i], i == 0);
    ok = ok && out_file_print(&f, "]}\n") && out_file_commit(&f);
    out_file_drop(&f);
    free(quoted);
    return ok;
}

/* ---- reading -------------------------------------------------------------- */

static bool read_message(struct chat *c, const char *path, size_t i, const cJSON *entry)
{
    const cJSON *role = cJSON_GetObjectItemCaseSensitive(entry, "role");
    const cJSON *content = cJSON_GetObjectItemCaseSensitive(entry, "content");
    int r = 0;
    while (r < N_ROLE &&
           !(cJSON_IsString(role) && strcmp(role->valuestring, role_name[r]) == 0))
        r++;
    if (r == N_ROLE || !cJSON_IsString(content)) {
        app_error("%s: messages[%zu] wants \"role\": \"system\", \"user\" or "
                  "\"assistant\", and \"content\": a text.",
                  path, i);
        return false;
    }
    if (r == LEM_CHAT_SYSTEM && i > 0) {
        app_error("%s: messages[%zu] is a system message, but not the first message.",
                  path, i);
        return false;
    }
    return chat_add(c, (enum lem_chat_role)r, content->valuestring,
                    strlen(content->valuestring));
}

static bool read_messages(struct chat *c, const char *path, const cJSON *root)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(root, "messages");
    if (!cJSON_IsArray(list)) {
        app_error("%s: no conversation: it has no list \"messages\".", path);
        return false;
    }
    size_t i = 0;
    const cJSON *entry;
    cJSON_ArrayForEach(entry, list)
    {
        if (!read_message(c, path, i++, entry))
            return false;
    }
    return true;
}

/* A NUL that a model wrote stands there as an escape, which the reader of JSON takes for
 * the end of the text. Made U+FFFD, as bytes are that are no character. */
static size_t replace_nul(struct text *t)
{
    size_t n = 0;
    for (size_t i = 0; i + 1 < t->n; i++) {
        if (t->data[i] != '\\')
            continue;
        i++; /* another backslash is no beginning of an escape */
        if (t->n - i < 5 || memcmp(t->data + i, "u0000", 5) != 0)
            continue;
        memcpy(t->data + i, "ufffd", 5);
        n++;
    }
    return n;
}

static bool read_text(struct chat *c, struct text *t, const char *path)
{
    if (!text_read(t, path) || !text_check_no_nul(t, path) || !text_check_utf8(t, path))
        return false;
    const size_t n = replace_nul(t);
    if (n)
        app_note(c->app, "%s: %zu NUL characters are read as U+FFFD.", path, n);
    return true;
}

bool chat_load(struct chat *c, const char *path)
{
    struct chat fresh = {.app = c->app};
    struct text t = {0};
    bool ok = read_text(c, &t, path);
    if (ok) {
        const char *end = t.data;
        cJSON *root = cJSON_ParseWithLengthOpts(t.data, t.n, &end, false);
        if (!root)
            app_error("%s: not JSON from byte %zu on.", path, (size_t)(end - t.data));
        ok = root && read_messages(&fresh, path, root);
        cJSON_Delete(root);
    }
    text_free(&t);
    if (ok) {
        chat_clear(c, false);
        c->message = fresh.message;
        c->n_message = fresh.n_message;
        c->cap = fresh.cap;
    } else {
        chat_clear(&fresh, false);
    }
    return ok;
}
