/* bench.h - the parts of `lemnos bench`: what is measured, and what is made of it. */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include "cli/app.h"
#include "cli/json_out.h"

/* ---- bench_run.c: rounds of everything, in turn ------------------------------------ */

enum bench_kind {
    BENCH_PROMPT,   /* n tokens at once to an empty context */
    BENCH_GENERATE, /* n tokens one by one */
    BENCH_DEEP,     /* the same after `depth` tokens */
    BENCH_TAP       /* the same from the start, with the routing read */
};

/* Tokens per second of one kind of run. */
struct bench_series {
    enum bench_kind kind;
    char name[32]; /* "pp128", "tg32", "tg32@4096", "tg32+tap" */
    uint32_t n;
    double *value; /* [repetitions] by round; sorted in the end */
    double *ratio; /* [repetitions] to tg of the same round; NULL: has none */
    double median, min, max;
    double ratio_median, ratio_min, ratio_max;
};

enum { BENCH_MAX_SERIES = ARGS_MAX_LIST + 3 };

struct bench {
    struct app *app;
    struct lem_session *session; /* without the tap */
    struct lem_session *tapped;  /* with it; NULL = not asked for */
    struct lem_session *deep;    /* holds `depth` tokens; NULL = not asked for */
    struct lem_session *staged;  /* takes times by stage; NULL = not asked for */
    int32_t *ids;                /* [n_ctx] */
    uint32_t n_ctx;
    uint16_t *experts; /* of one token, all layers */
    float *weights;
    struct bench_series series[BENCH_MAX_SERIES];
    uint32_t n_series;
    uint64_t load_ns;          /* device and weights */
    uint64_t host_ns, step_ns; /* of generation: outside of the wait, and all */
    struct lem_limit limit;    /* ns 0: not asked for */
    const char *limit_type;    /* of weights: most bytes of the model are of it */
    uint64_t token_bytes;      /* weights read for one token */
    uint32_t step, n_step;     /* for the bar */
};

/* Series for all that the command line asks for. False, said: no memory. */
bool bench_add_series(struct bench *b);
void bench_free_series(struct bench *b);
/* Warm up, then all rounds; fills the series. */
bool bench_run(struct bench *b);
/* NULL: there is none. */
const struct bench_series *bench_find(const struct bench *b, const char *name);

/* ---- bench_stages.c -----------------------------------------------------------------
 */

/* Run prompt and generation in the session with times. */
bool bench_stages_run(struct bench *b);
bool bench_stages_print(const struct bench *b);
bool bench_stages_json(const struct bench *b, struct json_out *j);

/* ---- bench_limit.c: the share of what the device can do -----------------------------
 */

bool bench_limit_run(struct bench *b);
/* Weight bytes per second of generation, in all and as a share of the limit. */
double bench_weight_rate(const struct bench *b);
double bench_limit_rate(const struct bench *b);
double bench_limit_share(const struct bench *b);

/* ---- bench_print.c -------------------------------------------------------------------
 */

bool bench_print(const struct bench *b);
bool bench_json(const struct bench *b);

/* ---- bench_check.c: what makes the command fail --------------------------------------
 */

/* The file that --against names; false, said: it cannot be read. */
struct cJSON *bench_load(const char *path);
/* Each says on stderr and in a table on stderr what it found; false = too slow. */
bool bench_check_against(const struct bench *b, const struct cJSON *before);
bool bench_check_batch(const struct bench *b);

#endif
