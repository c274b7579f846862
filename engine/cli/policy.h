/* policy.h - the routing policy of the command line and of its JSON files. */
#ifndef CLI_POLICY_H
#define CLI_POLICY_H

#include <stdbool.h>
#include <stdint.h>

struct app;
struct lem_session;

/* One of "3:1,all:7" or, with biases, "3:1=+0.5,all:7=-2". */
struct policy_rule {
    uint32_t layer; /* a block number or LEM_ALL_LAYERS ("all" or "*") */
    uint32_t expert;
    float bias;
};

enum policy_next { POLICY_RULE, POLICY_END, POLICY_BAD };

/* The rule at *text, which moves behind it. (policy_rules.c) */
enum policy_next policy_next_rule(const char **text, bool with_bias,
                                  struct policy_rule *out);
/* Are there rules, and nothing else? */
bool policy_rules_ok(const char *text, bool with_bias);

/* The options of the command line: --policy, --experts, --ban, --force, --bias, in that
 * order. Says on stderr what failed. */
bool policy_apply(struct app *app, struct lem_session *session);

/* Apply a policy file (its form: policyfile/policyfile.h), after what is in force. Says
 * on stderr what failed. */
bool policy_load(struct app *app, struct lem_session *session, const char *path);
/* What is in force as such a file's text, to free(). NULL, said, when memory ran out. */
char *policy_text(struct app *app, const struct lem_session *session);
/* Write it, so that policy_load() brings it back. */
bool policy_save(struct app *app, const struct lem_session *session, const char *path);

#endif
