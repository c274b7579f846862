/* chat_commands.c - what one can say to the program instead of the model: lines that
 * begin with a slash. */
#include <stdlib.h>
#include <string.h>

#include "cli/chat.h"
#include "cli/files.h"
#include "cli/policy.h"
#include "policyfile/policyfile.h"

/* Results go to stderr: standard output holds answers and nothing else. */
static void say(const char *text)
{
    fflush(stdout);
    fprintf(stderr, "%s\n", text);
}

static enum chat_next fail(struct chat *c)
{
    c->failed = true;
    return CHAT_ON;
}

static enum chat_next done(struct chat *c, bool ok)
{
    return ok ? CHAT_ON : fail(c);
}

/* ---- the conversation ------------------------------------------------------ */

static enum chat_next reset(struct chat *c, const char *arg)
{
    (void)arg;
    chat_clear(c, true);
    return CHAT_ON;
}

static enum chat_next undo(struct chat *c, const char *arg)
{
    (void)arg;
    bool any = chat_drop_last_of(c, LEM_CHAT_ASSISTANT);
    any |= chat_drop_last_of(c, LEM_CHAT_USER);
    if (!any)
        app_error("there is nothing to undo.");
    return done(c, any);
}

static enum chat_next retry(struct chat *c, const char *arg)
{
    (void)arg;
    const size_t n = c->n_message;
    const bool answered = n > 0 && c->message[n - 1].role == LEM_CHAT_ASSISTANT;
    if (n < 1u + answered || c->message[n - 1 - answered].role != LEM_CHAT_USER) {
        app_error("there is no message to answer again.");
        return fail(c);
    }
    c->sample.seed++; /* the same one would give the same answer */
    return chat_answer_again(c);
}

static enum chat_next system_message(struct chat *c, const char *arg)
{
    const struct lem_chat_message *m = chat_system(c);
    if (strcmp(arg, "-") == 0)
        return done(c, chat_set_system(c, "", 0));
    if (!text_check_string(arg, "the system message"))
        return fail(c);
    if (*arg)
        return chat_set_system(c, arg, strlen(arg)) ? CHAT_ON : CHAT_BROKEN;
    say(m ? m->text : "There is no system message.");
    return CHAT_ON;
}

static enum chat_next prompt(struct chat *c, const char *arg)
{
    (void)arg;
    const struct lem_chat view = chat_view(c);
    size_t n = 0;
    lem_chat_render(&view, c->app->tokenizer, NULL, 0, &n);
    char *text = malloc(n + 1);
    if (!text) {
        app_error("memory ran out for a prompt of %zu bytes.", n);
        return CHAT_BROKEN;
    }
    const bool ok = lem_chat_render(&view, c->app->tokenizer, text, n, &n) == LEM_OK;
    if (ok) {
        fflush(stdout);
        text_write_utf8(stderr, text, n);
        fputc('\n', stderr);
    }
    free(text);
    return done(c, ok);
}

/* ---- files ------------------------------------------------------------------ */

static bool wants(const char *arg, const char *command, const char *what)
{
    if (!*arg)
        app_error("%s wants %s.", command, what);
    return *arg != '\0';
}

static enum chat_next save(struct chat *c, const char *arg)
{
    return done(c, wants(arg, "/save", "a file name") && chat_save(c, arg));
}

static enum chat_next load(struct chat *c, const char *arg)
{
    if (!wants(arg, "/load", "a file name") || !chat_load(c, arg))
        return fail(c);
    app_note(c->app, "%zu messages.", c->n_message);
    return CHAT_ON;
}

/* ---- experts ---------------------------------------------------------------- */

static enum chat_next experts(struct chat *c, const char *arg)
{
    char *end;
    const long block = strtol(arg, &end, 10);
    if (!*arg) {
        if (c->show.experts)
            show_legend(&c->show);
        else
            say("Experts are not shown.");
        return done(c, app_flush());
    }
    if (strcmp(arg, "off") == 0) {
        c->show.experts = false;
        return CHAT_ON;
    }
    if (strcmp(arg, "on") == 0)
        return done(c, show_experts(&c->show, ARGS_NO_LAYER));
    if (end == arg || *end || block < 0) {
        app_error("/experts takes on, off or the number of a block, not \"%s\".", arg);
        return fail(c);
    }
    return done(c, show_experts(&c->show, block));
}

/* A list of experts for one of the rules; without any, tell what is in force. */
static enum chat_next rules(struct chat *c, enum chat_rule kind, const char *arg)
{
    return done(c, *arg ? chat_rules(c, kind, arg) : chat_policy(c, ""));
}

static enum chat_next ban(struct chat *c, const char *arg)
{
    return rules(c, CHAT_BAN, arg);
}

static enum chat_next unban(struct chat *c, const char *arg)
{
    return rules(c, CHAT_UNSET, arg);
}

static enum chat_next force(struct chat *c, const char *arg)
{
    return rules(c, CHAT_FORCE, arg);
}

static enum chat_next bias(struct chat *c, const char *arg)
{
    return rules(c, CHAT_BIAS, arg);
}

static enum chat_next limit(struct chat *c, const char *arg)
{
    return done(c, *arg ? chat_limit(c, arg) : chat_policy(c, ""));
}

static enum chat_next policy(struct chat *c, const char *arg)
{
    return done(c, chat_policy(c, arg));
}

static enum chat_next save_policy(struct chat *c, const char *arg)
{
    if (!*arg) {
        app_error("/write-policy needs a file name.");
        return fail(c);
    }
    return done(c, files_may_write(&c->args, c->app->model_path, "/write-policy", arg) &&
                       policy_save(c->app, c->session, arg));
}

/* ---- the device --------------------------------------------------------------- */

static bool list_devices(struct chat *c)
{
    uint32_t n = 0;
    if (lem_device_list(&c->app->log, NULL, 0, &n) != LEM_OK)
        return false;
    struct lem_device_info *info = calloc((size_t)n + 1, sizeof *info);
    if (!info) {
        app_error("memory ran out for a list of %u devices.", n);
        return false;
    }
    const uint32_t cap = n;
    const bool ok = lem_device_list(&c->app->log, info, cap, &n) == LEM_OK;
    fflush(stdout);
    for (uint32_t i = 0; ok && i < n && i < cap; i++)
        fprintf(stderr, "%c %u  %s\n",
                info[i].index == c->app->device_info.index ? '*' : ' ', info[i].index,
                info[i].name);
    free(info);
    return ok;
}

/* Go on elsewhere: what was known of the conversation is run again there. The routing
 * policy comes along. */
static bool move(struct chat *c, const char *which, const struct lem_policy_entry *policy,
                 uint32_t n_policy)
{
    chat_close_device(c);
    c->args.device = which;
    return chat_open_device(c) &&
           policyfile_apply(c->session, policy, n_policy) == LEM_OK;
}

static enum chat_next move_or_stay(struct chat *c, char *which,
                                   const struct lem_policy_entry *policy, uint32_t n)
{
    const char *before = c->args.device;
    if (move(c, which, policy, n)) {
        free(c->device);
        c->device = which;
        app_note(c->app, "now on %s.", c->app->device_info.name);
        return CHAT_ON;
    }
    app_note(c->app, "going back to the device before.");
    const bool back = move(c, before, policy, n);
    free(which);
    return back ? fail(c) : CHAT_BROKEN;
}

static enum chat_next device(struct chat *c, const char *arg)
{
    if (!*arg)
        return done(c, list_devices(c));
    const uint32_t n = lem_session_policy(c->session, NULL, 0);
    struct lem_policy_entry *policy = malloc((n + 1) * sizeof *policy);
    char *which = text_copy(arg);
    enum chat_next next = CHAT_BROKEN;
    if (policy && which) {
        lem_session_policy(c->session, policy, n);
        next = move_or_stay(c, which, policy, n);
    } else {
        app_error("memory ran out for a policy of %u settings.", n);
        free(which);
    }
    free(policy);
    return next;
}

/* ---- the list ------------------------------------------------------------------ */

static enum chat_next quit(struct chat *c, const char *arg)
{
    (void)c, (void)arg;
    return CHAT_QUIT;
}

static enum chat_next help(struct chat *c, const char *arg);

static const struct {
    const char *name;
    const char *arg; /* what help calls it; "" = it takes none */
    const char *help;
    enum chat_next (*fn)(struct chat *c, const char *arg);
} commands[] = {
    {"help", "", "this list", help},
    {"reset", "", "forget the conversation; the system message stays", reset},
    {"undo", "", "take back the last message and its answer", undo},
    {"retry", "", "answer the last message again", retry},
    {"system", "[TEXT]", "show or set the system message; - takes it away",
     system_message},
    {"save", "FILE", "write the conversation to a JSON file", save},
    {"load", "FILE", "go on with the conversation of a file", load},
    {"prompt", "", "show what the model reads", prompt},
    {"experts", "[on|off|BLOCK]",
     "colour tokens by their first expert; alone: the legend", experts},
    {"ban", "[L:E,L:E]", "never choose these experts; alone: the policy in force", ban},
    {"unban", "L:E,L:E", "undo that, and /force and /bias", unban},
    {"force", "L:E,L:E", "choose these experts for every token", force},
    {"bias", "L:E=B,L:E=B", "add B to the scores by which they are chosen", bias},
    {"limit", "K", "choose at most K experts for a token; 0: as the model", limit},
    {"policy", "[FILE]", "apply a policy file; alone: the policy in force", policy},
    {"write-policy", "FILE", "write the policy in force to a JSON file", save_policy},
    {"device", "[WHICH]", "go on with another GPU; alone: list them", device},
    {"quit", "", "end; Ctrl-D does it, too", quit},
};
enum { N_COMMAND = sizeof commands / sizeof *commands };

static enum chat_next help(struct chat *c, const char *arg)
{
    (void)c, (void)arg;
    fflush(stdout);
    for (int i = 0; i < N_COMMAND; i++) {
        char left[64];
        snprintf(left, sizeof left, "/%s %s", commands[i].name, commands[i].arg);
        fprintf(stderr, "  %-24s%s\n", left, commands[i].help);
    }
    fputs(
        "A message that begins with a slash is written with two. A line that ends with\n"
        "a backslash goes on in the next one. Ctrl-C stops an answer.\n",
        stderr);
    return CHAT_ON;
}

/* `line` begins with a command's name, or with the beginning of one and no other's. */
static int find(const char *name, size_t n)
{
    int found = -1;
    for (int i = 0; i < N_COMMAND; i++) {
        if (strncmp(commands[i].name, name, n) != 0)
            continue;
        if (commands[i].name[n] == '\0')
            return i;
        found = found == -1 ? i : -2;
    }
    return n > 0 ? found : -1;
}

enum chat_next chat_command(struct chat *c, const char *line)
{
    const char *name = line + 1;
    const size_t n = strcspn(name, " \t\n");
    const char *arg = name + n + strspn(name + n, " \t\n");
    const int i = find(name, n);
    if (i < 0) {
        app_error("/%.*s is %s. /help lists the commands.", (int)(n < 40 ? n : 40), name,
                  i == -2 ? "the beginning of several commands" : "no command");
        return fail(c);
    }
    if (*arg && !commands[i].arg[0]) {
        app_error("/%s takes nothing, but was given \"%.40s\".", commands[i].name, arg);
        return fail(c);
    }
    return commands[i].fn(c, arg);
}
