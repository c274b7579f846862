/* policy_save.c - writes the routing policy in force as a JSON file. */
#include <stdlib.h>
#include <string.h>

#include "cli/app.h"
#include "cli/json_out.h"
#include "cli/out_file.h"
#include "cli/policy.h"
#include "cli/policy_keys.h"

/* Entries of one kind in [from, to), all of one layer. */
static bool write_list(struct out_file *f, const struct lem_policy_entry *e,
                       uint32_t from, uint32_t to, enum lem_policy_kind kind,
                       const char *key)
{
    bool ok = true, any = false;
    for (uint32_t i = from; i < to && ok; i++) {
        if (e[i].kind != kind)
            continue;
        ok = any ? out_file_print(f, ", ") : out_file_print(f, ", \"%s\": [", key);
        ok = ok && out_file_print(f, "%u", e[i].expert);
        any = true;
    }
    return ok && (!any || out_file_print(f, "]"));
}

static bool write_biases(struct out_file *f, const struct lem_policy_entry *e,
                         uint32_t from, uint32_t to)
{
    bool ok = true, any = false;
    for (uint32_t i = from; i < to && ok; i++) {
        if (e[i].kind != LEM_POLICY_BIAS)
            continue;
        ok = any ? out_file_print(f, ", ") : out_file_print(f, ", \"%s\": {", KEY_BIAS);
        ok = ok && out_file_print(f, "\"%u\": %.9g", e[i].expert, (double)e[i].bias);
        any = true;
    }
    return ok && (!any || out_file_print(f, "}"));
}

static bool write_layer(struct out_file *f, const struct lem_policy_entry *e,
                        uint32_t from, uint32_t to)
{
    bool ok =
        out_file_print(f, "%s\n  {\"%s\": %u", from ? "," : "", KEY_LAYER, e[from].layer);
    if (ok && e[from].kind == LEM_POLICY_LIMIT)
        ok = out_file_print(f, ", \"%s\": %u", KEY_LIMIT, e[from].limit);
    return ok && write_list(f, e, from, to, LEM_POLICY_BAN, KEY_BAN) &&
           write_list(f, e, from, to, LEM_POLICY_FORCE, KEY_FORCE) &&
           write_biases(f, e, from, to) && out_file_print(f, "}");
}

static bool write_all(struct app *app, struct out_file *f,
                      const struct lem_policy_entry *e, uint32_t n)
{
    const char *name = app_model_name(app);
    char *quoted = json_quote(name, strlen(name));
    if (!quoted)
        app_error("memory ran out for the policy file.");
    bool ok =
        quoted && out_file_print(f, "{\"model\": %s,\n \"%s\": [", quoted, KEY_LAYERS);
    free(quoted);
    for (uint32_t from = 0, to; from < n && ok; from = to) {
        for (to = from + 1; to < n && e[to].layer == e[from].layer; to++)
            ;
        ok = write_layer(f, e, from, to);
    }
    return ok && out_file_print(f, "%s]}\n", n ? "\n " : "");
}

bool policy_save(struct app *app, const struct lem_session *session, const char *path)
{
    const uint32_t n = lem_session_policy(session, NULL, 0);
    struct lem_policy_entry *entries = malloc((n + 1) * sizeof *entries);
    if (!entries) {
        app_error("memory ran out for a policy of %u settings.", n);
        return false;
    }
    lem_session_policy(session, entries, n);
    struct out_file f = {0};
    const bool ok =
        out_file_open(&f, path) && write_all(app, &f, entries, n) && out_file_commit(&f);
    out_file_drop(&f);
    free(entries);
    return ok;
}
