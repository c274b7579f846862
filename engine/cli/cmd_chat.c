/* cmd_chat.c - `lemnos chat`: a conversation with a model, turn by turn. */
#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/app.h"
#include "cli/chat.h"
#include "cli/line.h"
#include "cli/policy.h"
#include "cli/prompt.h"

enum { DEFAULT_CTX = 4096 };

/* ---- the format ------------------------------------------------------------ */

static int list_formats(void)
{
    const struct lem_chat_format *f;
    for (uint32_t i = 0; (f = lem_chat_format_at(i)) != NULL; i++)
        printf("%-20s%s\n", lem_chat_format_name(f), lem_chat_format_models(f));
    return app_flush() ? APP_DONE : APP_FAILED;
}

/* The names of all formats, to be freed; NULL when memory ran out. */
static char *format_names(void)
{
    struct text t = {0};
    const struct lem_chat_format *f;
    bool ok = true;
    for (uint32_t i = 0; ok && (f = lem_chat_format_at(i)) != NULL; i++) {
        const char *name = lem_chat_format_name(f);
        ok = text_add(&t, ", ", i > 0 ? 2 : 0) && text_add(&t, name, strlen(name));
    }
    if (!ok)
        text_free(&t);
    return t.data;
}

static void say_no_format(struct chat *c, bool has_template)
{
    char *names = format_names();
    const char *model = app_model_name(c->app);
    if (has_template)
        app_error("%s: its chat template is none of those known here. Choose the format "
                  "it is nearest to with --chat-format NAME. There are: %s.",
                  model, names ? names : "");
    else
        app_error("%s has no chat template: it was made to go on with a text, not to "
                  "talk. Use lemnos run, or --chat-format plain, which goes on with "
                  "what you write; or say how to write the conversation down with "
                  "--chat-format NAME. There are: %s.",
                  model, names ? names : "");
    free(names);
}

/* Returns an exit code. */
static int find_format(struct chat *c)
{
    const char *name = c->args.chat_format;
    if (name) {
        c->format = lem_chat_format_find(name);
        if (c->format)
            return APP_DONE;
        char *names = format_names();
        const int code =
            args_wrong(&c->args, "--chat-format knows no \"%s\". There are: %s.", name,
                       names ? names : "");
        free(names);
        return code;
    }
    size_t n = 0;
    const char *text = lem_chat_template(c->app->tokenizer, &n);
    c->format = text ? lem_chat_format_recognise(text, n) : NULL;
    if (!c->format)
        say_no_format(c, text != NULL);
    return c->format ? APP_DONE : APP_FAILED;
}

/* ---- the device ------------------------------------------------------------ */

bool chat_open_device(struct chat *c)
{
    const struct lem_session_params params = {.n_ctx = app_n_ctx(c->app, DEFAULT_CTX),
                                              .tap = c->app->info.n_layer_moe > 0};
    return app_open_weights(c->app) && app_open_session(c->app, params, &c->session);
}

void chat_close_device(struct chat *c)
{
    lem_session_close(&c->session);
    lem_weights_close(&c->app->weights);
    lem_device_close(&c->app->device);
}

/* ---- talking ---------------------------------------------------------------- */

static enum chat_next hear(struct chat *c, const struct text *line)
{
    const char *said = line->data;
    size_t n = line->n;
    if (n == 0)
        return CHAT_ON;
    const bool command = said[0] == '/' && said[1] != '/';
    /* Names of files need not be UTF-8. */
    if (!text_check_no_nul(line, command ? "the command" : "the message") ||
        (!command && !text_check_utf8(line, "the message"))) {
        c->failed = true;
        return CHAT_ON;
    }
    if (command)
        return chat_command(c, said);
    if (said[0] == '/') {
        said++;
        n--;
    }
    /* A conversation from a file may end with a message that nobody answered. */
    if (c->n_message > 0 && c->message[c->n_message - 1].role == LEM_CHAT_USER)
        app_note(c->app, "the message before had no answer: it is taken back.");
    chat_drop_last_of(c, LEM_CHAT_USER);
    if (!chat_add(c, LEM_CHAT_USER, said, n))
        return CHAT_BROKEN;
    return chat_answer(c);
}

static int talk(struct chat *c)
{
    struct text line = {0};
    enum chat_next next = CHAT_ON;
    enum line_result r = LINE_READ;
    while (next == CHAT_ON) {
        r = line_read(c->line, "> ", &line);
        if (r == LINE_ENDED || r == LINE_FAILED)
            break;
        if (r == LINE_READ)
            next = hear(c, &line);
    }
    text_free(&line);
    if (c->terminal && r == LINE_ENDED)
        putchar('\n');
    const bool failed = c->failed && !c->terminal;
    return r == LINE_FAILED || next == CHAT_BROKEN || failed ? APP_FAILED : APP_DONE;
}

/* ---- the command ------------------------------------------------------------- */

static int open_and_talk(struct chat *c)
{
    const char *system = c->args.system;
    c->line = line_open();
    if (!c->line || (system && !text_check_string(system, "the system message")) ||
        (system && !chat_set_system(c, system, strlen(system))) || !chat_open_device(c) ||
        !policy_apply(c->app, c->session) || !chat_open_reader(c) ||
        !show_open(&c->show, c->app))
        return APP_FAILED;
    c->terminal = line_is_terminal(c->line);
    c->sample = prompt_sampling(c->app);
    if (c->terminal)
        app_note(c->app, "%s, chat format %s. /help lists the commands, Ctrl-D ends.",
                 app_model_name(c->app), lem_chat_format_name(c->format));
    return talk(c);
}

int cmd_chat(struct app *app)
{
    const char *name = app->args->chat_format;
    if (name && strcmp(name, "list") == 0)
        return list_formats();
    struct chat c = {.app = app, .args = *app->args};
    const struct args *before = app->args;
    app->args = &c.args;
    int code =
        app_open_model(app, false) && app_open_tokenizer(app) ? APP_DONE : APP_FAILED;
    if (code == APP_DONE)
        code = find_format(&c);
    if (code == APP_DONE)
        code = open_and_talk(&c);
    lem_chat_reader_close(&c.reader);
    lem_session_close(&c.session);
    show_close(&c.show);
    line_close(&c.line);
    chat_clear(&c, false);
    text_free(&c.answer);
    free(c.device);
    app->args = before;
    return code;
}
