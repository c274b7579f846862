/* policy.c - a session's routing policy from options and JSON files, and back. */
#include "cli/policy.h"

#include <stdlib.h>
#include <string.h>

#include "cli/app.h"
#include "cli/out_file.h"
#include "policyfile/policyfile.h"

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
        if (a->policy[i] && !policy_load(app, s, a->policy[i]))
            return false;
    if (a->n_experts && lem_session_limit(s, LEM_ALL_LAYERS, a->n_experts) != LEM_OK)
        return false;
    return set_list(s, LEM_POLICY_BAN, a->ban) &&
           set_list(s, LEM_POLICY_FORCE, a->force) &&
           set_list(s, LEM_POLICY_BIAS, a->bias);
}

/* ---- files ---------------------------------------------------------------- */

bool policy_load(struct app *app, struct lem_session *session, const char *path)
{
    struct text t = {0};
    struct lem_policy_entry *entries = NULL;
    uint32_t n = 0;
    const bool ok =
        text_read(&t, path) &&
        policyfile_read(path, t.data, t.n, &app->log, &entries, &n) == LEM_OK &&
        policyfile_apply(session, entries, n) == LEM_OK;
    free(entries);
    text_free(&t);
    return ok;
}

char *policy_text(struct app *app, const struct lem_session *session)
{
    const char *name = app_model_name(app);
    struct text clean = {0};
    char *text = NULL;
    const uint32_t n = lem_session_policy(session, NULL, 0);
    struct lem_policy_entry *entries = malloc((n + 1) * sizeof *entries);
    if (entries && text_add_utf8(&clean, name, strlen(name))) {
        lem_session_policy(session, entries, n);
        text = policyfile_write(clean.data, entries, n);
    }
    if (!text)
        app_error("memory ran out for a policy of %u settings.", n);
    text_free(&clean);
    free(entries);
    return text;
}

bool policy_save(struct app *app, const struct lem_session *session, const char *path)
{
    char *text = policy_text(app, session);
    struct out_file f = {0};
    const bool ok = text && out_file_open(&f, path) &&
                    out_file_write(&f, text, strlen(text)) && out_file_commit(&f);
    out_file_drop(&f);
    free(text);
    return ok;
}
