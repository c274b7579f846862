/* chat.h - what a row of the table of chat formats says. */
#ifndef TEXT_CHAT_H
#define TEXT_CHAT_H

#include "lemnos/chat.h"

/* Placeholders in the texts of a row. */
#define CHAT_BOS        "\001" /* the file's token that begins a text */
#define CHAT_EOS        "\002" /* the file's token that ends one */
#define CHAT_DATE_ISO   "\003" /* 2024-07-26 */
#define CHAT_DATE_LONG  "\004" /* July 26, 2024 */
#define CHAT_DATE_SHORT "\005" /* 26 Jul 2024 */

enum { CHAT_MAX_MARK = 3, CHAT_MAX_END = 2 };

/* What stands around a message. */
struct chat_wrap {
    const char *before, *after;
};

/* Where the system message goes. */
enum chat_place {
    CHAT_OWN,        /* before all others */
    CHAT_FIRST_USER, /* inside the first user message, before its text */
    CHAT_LAST_USER   /* inside the last one */
};

/* Messages that lose white space around them. */
enum { CHAT_TRIM_SYSTEM = 1, CHAT_TRIM_USER = 2, CHAT_TRIM_ANSWER = 4 };

/* How the parts of an answer are told apart. */
enum chat_channels {
    CHAT_PLAIN,   /* they are not */
    CHAT_TAGS,    /* think_open … think_close, then the answer */
    CHAT_HARMONY, /* messages with channels, as in gpt-oss */
};

struct lem_chat_format {
    const char *name;
    const char *models;

    /* Recognition: all of `marks` stand in the template, and not `absent`. A newline
     * also means the two characters \n, as in Jinja strings. No marks: never. */
    const char *marks[CHAT_MAX_MARK];
    const char *absent;

    const char *bos, *eos; /* texts of CHAT_BOS and CHAT_EOS in the models it is from */
    const char *begin;     /* before all messages */
    struct chat_wrap system, user, assistant;
    const char *no_system; /* in the place of a missing system message */
    const char *open;      /* opens the answer */
    enum chat_place place;
    unsigned trim;

    const char *ends[CHAT_MAX_END]; /* texts that end an answer */
    enum chat_channels channels;
    const char *think_open, *think_close;
    bool starts_thinking; /* `open` already says think_open */
};

extern const struct lem_chat_format chat_formats[];
extern const size_t chat_n_format;

/* One piece of a conversation as it is written down. */
enum chat_piece_kind {
    CHAT_MARK, /* text of the format: special tokens are recognised in it */
    CHAT_DATA, /* text of a message: none are */
    CHAT_TOKEN_BOS,
    CHAT_TOKEN_EOS
};
typedef void chat_piece_fn(void *priv, enum chat_piece_kind kind, const char *text,
                           size_t n);

/* Hand out all pieces in order. LEM_ERR_ARGUMENT, logged, when a system message is not
 * the first. (chat_pieces.c) */
enum lem_status chat_pieces(const struct lem_chat *chat, chat_piece_fn *fn, void *priv);

/* Does the bos token come first, where the file has one? (chat_pieces.c) */
bool chat_wants_bos(const struct lem_chat *chat);

#endif
