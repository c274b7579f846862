/* chat.h - a conversation in the making: what the files of `lemnos chat` share. */
#ifndef CLI_CHAT_H
#define CLI_CHAT_H

#include "cli/app.h"
#include "cli/show.h"
#include "lemnos/lemnos.h"

struct line;

struct chat {
    struct app *app;
    struct args args; /* a copy of those of the command line, with the device in use */
    char *device;     /* its name on the heap, when it came from /device */
    const struct lem_chat_format *format;
    struct lem_session *session;
    struct lem_chat_reader *reader;
    struct lem_sample_params sample;
    struct show show;
    struct line *line;
    bool terminal; /* a person is typing */
    bool failed;   /* something went wrong: of interest where nobody reads along */

    struct lem_chat_message *message; /* [n_message] texts are on the heap */
    size_t n_message, cap;

    /* the answer under way (chat_turn.c) */
    struct text answer; /* what belongs into the next prompt */
    enum lem_chat_part part;
    char channel[48];
    int expert;
    bool any_text; /* something of this part has been printed */
    bool broken;   /* memory or standard output gave out: said */
};

/* Commands and turns: what becomes of the conversation. */
enum chat_next {
    CHAT_ON,
    CHAT_QUIT,
    CHAT_BROKEN /* it cannot go on: said on stderr */
};

/* ---- messages (chat_list.c); false, said, when memory ran out -----------------------
 */

bool chat_add(struct chat *c, enum lem_chat_role role, const char *text, size_t n);
/* Take the last message away if it is `role`'s; false when it is not. */
bool chat_drop_last_of(struct chat *c, enum lem_chat_role role);
/* n = 0: no system message. */
bool chat_set_system(struct chat *c, const char *text, size_t n);
/* NULL when there is none. */
const struct lem_chat_message *chat_system(const struct chat *c);
/* Forget all messages; the system message too, unless `keep_system`. */
void chat_clear(struct chat *c, bool keep_system);
/* The conversation as the library takes it. */
struct lem_chat chat_view(const struct chat *c);

/* ---- files (chat_file.c): say on stderr what failed ---------------------------------
 */

bool chat_save(struct chat *c, const char *path);
/* On failure the conversation stays as it was. */
bool chat_load(struct chat *c, const char *path);

/* ---- answering (chat_turn.c) ---------------------------------------------------------
 */

/* Open the reader of answers, which prints what it reads. */
bool chat_open_reader(struct chat *c);
/* Answer the last message, print the answer and add it to the messages. */
enum chat_next chat_answer(struct chat *c);
/* The same once more: the answer that is there, if any, stays unless another one comes.
 */
enum chat_next chat_answer_again(struct chat *c);

/* ---- commands (chat_commands.c) ------------------------------------------------------
 */

/* `line` begins with a slash. */
enum chat_next chat_command(struct chat *c, const char *line);

/* ---- the device (cmd_chat.c) ---------------------------------------------------------
 */

/* Open weights and session on the device of c->args. Says what failed. */
bool chat_open_device(struct chat *c);

/* ---- the routing policy (chat_policy.c); false, said, when it stays as it was ------ */

enum chat_rule { CHAT_BAN, CHAT_UNSET, CHAT_FORCE, CHAT_BIAS };

/* For the experts of "3:1,all:7", with CHAT_BIAS of "3:1=+0.5". */
bool chat_rules(struct chat *c, enum chat_rule kind, const char *list);
/* At most so many experts for a token. */
bool chat_limit(struct chat *c, const char *number);
/* Apply a policy file; "": show the policy in force. */
bool chat_policy(struct chat *c, const char *file);
void chat_close_device(struct chat *c);

#endif
