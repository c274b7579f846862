/* args.h - the command line and the environment as one struct of checked values.
 * What options there are is data: args_table.c. */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct app;

enum args_command_id {
    CMD_RUN,
    CMD_CHAT,
    CMD_EVAL,
    CMD_TOKENIZE,
    CMD_INFO,
    CMD_DEVICES,
    CMD_PERPLEXITY,
    CMD_BENCH,
    CMD_TRACE,
    CMD_COMPARE,
    CMD_STATS,
    CMD_QUANTIZE,
    CMD_PLAN,
    CMD_COUNT
};

enum args_when { ARGS_AUTO, ARGS_ALWAYS, ARGS_NEVER };

enum { ARGS_NO_LAYER = -1 }; /* --show-experts without a layer */
enum { ARGS_MAX_POLICY = 2, ARGS_MAX_LIST = 16 };

struct args_list {
    uint32_t n, v[ARGS_MAX_LIST];
};

struct args {
    const struct args_command *command;
    /* common */
    const char *model, *device, *caps;
    uint64_t memory;  /* bytes of device memory; 0 = what is there */
    uint32_t verbose; /* times -v was given */
    bool quiet, exact, validation, json;
    /* text in */
    const char *prompt, *file;
    char **word; /* [n_word] what is no option */
    int n_word;
    bool escape;
    /* session */
    uint32_t n_ctx, n_batch; /* 0 = the engine's choice */
    int64_t n_predict;       /* -1 = no limit */
    /* sampling */
    float temperature, top_p, min_p, repeat_penalty;
    uint32_t top_k, repeat_last_n;
    int64_t seed; /* -1 = a new one each time */
    bool greedy, ignore_eos;
    /* what to show and record */
    bool no_echo, special, show_experts;
    int64_t show_layer;
    enum args_when color;
    const char *routing, *logits, *trace;
    bool csv;
    /* routing policy */
    const char *policy[ARGS_MAX_POLICY]; /* files, in the order given */
    const char *ban, *force, *bias, *save_policy;
    uint32_t n_experts; /* 0 = the model's own number */
    /* stats */
    const char *csv_dir, *figures;
    /* chat */
    const char *system, *chat_format;
    /* eval */
    const char *tokens;
    uint32_t n_greedy;
    bool steps;
    /* tokenize, info */
    bool decode, bos, tensors;
    const char *separator;
    uint32_t activations; /* enum lem_activations */
    uint32_t cache_type;  /* enum lem_cache_type */
    uint32_t sampling;    /* enum lem_sampling */
    uint32_t kernels;     /* enum lem_kernels */
    /* bench; stages also of run */
    struct args_list n_prompt;
    uint32_t n_generate, repetitions, depth;
    bool tap, stages, limit, check_batch;
    const char *synthetic, *against;
    float tolerance; /* percent */
    /* plan */
    bool plan_prompt;
    /* quantize */
    const char *type, *experts_type; /* type also of bench --synthetic */
    uint32_t n_thread;               /* 0 = one per processor */
    /* the environment */
    const char *no_color, *term, *colorterm, *xdg_cache, *home;
};

enum args_kind {
    ARGS_FLAG,  /* bool */
    ARGS_COUNT, /* uint32_t: how often it stands there */
    ARGS_TEXT,  /* const char * */
    ARGS_U32,
    ARGS_I64,
    ARGS_F32,
    ARGS_LIST,   /* struct args_list, "1,2,4" */
    ARGS_SIZE,   /* uint64_t bytes, with K, M or G */
    ARGS_LAYER,  /* --show-experts[=LAYER]: two fields */
    ARGS_WHEN,   /* enum args_when */
    ARGS_CHOICE, /* uint32_t: which of the words of `value`, "this|that" */
    ARGS_CAPS,   /* const char *, the name of a caps profile */
    ARGS_FILES,  /* const char *[ARGS_MAX_POLICY], filled one by one */
    ARGS_RULES,  /* const char *, "3:1,all:7" */
    ARGS_BIASES, /* const char *, "3:1=+0.5" */
    ARGS_HELP,
    ARGS_VERSION
};

/* One option of some commands. */
struct args_option {
    uint32_t commands; /* bit 1 << id of each that takes it */
    char letter;       /* 0 = none */
    const char *name;
    const char *alias; /* other long names that are taken too, by spaces; or NULL */
    const char *value; /* what help calls its value; NULL = it has none */
    enum args_kind kind;
    size_t field; /* offset in struct args */
    double min, max;
    const char *initial; /* default, read as the user's would be; NULL = zero */
    const char *env;     /* variable that replaces the default, or NULL */
    const char *help;
};

struct args_command {
    const char *name;
    const char *usage;    /* what follows the name */
    const char *summary;  /* one line for the list of commands */
    const char *text;     /* what help says after it, may be "" */
    const char *examples; /* lines */
    bool takes_words;
    int (*fn)(struct app *app); /* returns the exit code */
};

extern const struct args_command args_commands[CMD_COUNT];
extern const struct args_option args_options[];
extern const size_t args_n_option;

enum args_result { ARGS_GO, ARGS_DONE, ARGS_WRONG };

/* Read the command line. ARGS_DONE: help or the version has been printed.
 * ARGS_WRONG: a message is on stderr. */
enum args_result args_read(struct args *a, int argc, char **argv);

/* "lemnos: …" and a pointer to the command's help on stderr. Returns the exit code of
 * wrong usage, so that a command can return it. */
__attribute__((format(printf, 2, 3))) int args_wrong(const struct args *a,
                                                     const char *fmt, ...);

void args_help_program(FILE *out);
void args_help_command(FILE *out, const struct args_command *command);

#endif
