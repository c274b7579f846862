/* chat_policy.c - /ban, /force and the like: the routing policy, between two messages. */
#include <stdlib.h>
#include <string.h>

#include "cli/chat.h"
#include "cli/policy.h"
#include "policyfile/policyfile.h"

static enum lem_status change(struct lem_session *s, enum chat_rule kind,
                              const struct policy_rule *r)
{
    switch (kind) {
    case CHAT_BAN:
        return lem_session_ban(s, r->layer, r->expert);
    case CHAT_FORCE:
        return lem_session_force(s, r->layer, r->expert);
    case CHAT_BIAS:
        return lem_session_bias(s, r->layer, r->expert, r->bias);
    case CHAT_UNSET:
        break;
    }
    return lem_session_unset(s, r->layer, r->expert);
}

bool chat_rules(struct chat *c, enum chat_rule kind, const char *list)
{
    static const char *const name[] = {[CHAT_BAN] = "/ban",
                                       [CHAT_UNSET] = "/unban",
                                       [CHAT_FORCE] = "/force",
                                       [CHAT_BIAS] = "/bias"};
    const bool bias = kind == CHAT_BIAS;
    if (!policy_rules_ok(list, bias)) {
        app_error("%s takes block:expert%s, not \"%.80s\".", name[kind],
                  bias ? "=number, such as 3:5=+1.5" : ", such as 3:1,all:7", list);
        return false;
    }
    const uint32_t n = lem_session_policy(c->session, NULL, 0);
    struct lem_policy_entry *before = malloc((n + 1) * sizeof *before);
    if (!before) {
        app_error("memory ran out for a policy of %u settings.", n);
        return false;
    }
    lem_session_policy(c->session, before, n);
    struct policy_rule r;
    enum lem_status st = LEM_OK;
    while (st == LEM_OK && policy_next_rule(&list, bias, &r) == POLICY_RULE)
        st = change(c->session, kind, &r);
    if (st != LEM_OK) { /* all of a list or nothing */
        lem_session_clear_policy(c->session);
        (void)policyfile_apply(c->session, before, n);
    }
    free(before);
    return st == LEM_OK;
}

bool chat_limit(struct chat *c, const char *number)
{
    char *end;
    const unsigned long n = strtoul(number, &end, 10);
    if (end == number || *end || strchr(number, '-') || n > UINT32_MAX) {
        app_error("/limit takes how many experts a token may use, 0 for the model's own "
                  "number, not \"%.40s\".",
                  number);
        return false;
    }
    return lem_session_limit(c->session, LEM_ALL_LAYERS, (uint32_t)n) == LEM_OK;
}

bool chat_policy(struct chat *c, const char *file)
{
    if (*file)
        return policy_load(c->app, c->session, file);
    char *text = policy_text(c->app, c->session);
    if (!text)
        return false;
    fflush(stdout);
    fputs(text, stderr);
    free(text);
    return true;
}
