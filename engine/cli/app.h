/* app.h - what the commands share: the model, device and session that the common
 * options ask for, messages, the end. */
#ifndef CLI_APP_H
#define CLI_APP_H

#include "cli/args.h"
#include "cli/bar.h"
#include "cli/paths.h"
#include "cli/text.h"
#include "lemnos/lemnos.h"

enum { APP_DONE = 0, APP_FAILED = 1, APP_WRONG = 2 };

struct app {
    const struct args *args;
    struct lem_log log;
    struct bar bar;
    char model_path[PATHS_MAX];
    struct lem_model *model;
    struct lem_model_info info;
    struct lem_tokenizer *tokenizer;
    struct lem_device *device;
    struct lem_device_info device_info;
    struct lem_weights *weights;
    uint64_t start_ns; /* when the program began */
};

/* Messages of the program itself: "lemnos: …" on stderr. */
__attribute__((format(printf, 1, 2))) void app_error(const char *fmt, ...);
/* These two are not printed with -q. */
__attribute__((format(printf, 2, 3))) void app_note(struct app *app, const char *fmt,
                                                    ...);
__attribute__((format(printf, 2, 3))) void app_warn(struct app *app, const char *fmt,
                                                    ...);
/* Printed with -v. */
__attribute__((format(printf, 2, 3))) void app_info(struct app *app, const char *fmt,
                                                    ...);

void app_init(struct app *app, const struct args *args);
/* Close everything, newest first. */
void app_close(struct app *app);

/* Each of these says on stderr what failed; true = done. */
bool app_open_model(struct app *app, bool facts_only);
/* The same with another path than that of the command line. */
bool app_open_model_at(struct app *app, const char *path, bool facts_only);
bool app_open_tokenizer(struct app *app);
/* Device and weights; the model must be open. */
bool app_open_weights(struct app *app);
/* A session with -b of the command line in `params`; weights must be open. */
bool app_open_session(struct app *app, struct lem_session_params params,
                      struct lem_session **out);

/* The same, under the routing policy of the command line. */
bool app_open_routed_session(struct app *app, struct lem_session_params params,
                             struct lem_session **out);

/* Name of the model's file, for people and JSON. */
const char *app_model_name(const struct app *app);

/* Text to ids, added to `ids`. */
bool app_encode(struct app *app, const char *text, size_t n, uint32_t flags,
                struct text_ids *ids);

/* -c of the command line, else the smaller of the model's own context and `most`. */
uint32_t app_n_ctx(const struct app *app, uint32_t most);

/* Flush standard output; says what failed (a full disk, a closed pipe). */
bool app_flush(void);

#endif
