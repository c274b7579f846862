/* session.h - one text in the making: owns the plan, the KV cache, the trace. */
#ifndef RUN_SESSION_H
#define RUN_SESSION_H

#include <stdatomic.h>

#include "cache/past.h"
#include "cache/weights.h"
#include "lemnos/session.h"
#include "plan/plan.h"
#include "run/policy.h"
#include "run/profile.h"
#include "sample/sample.h"
#include "trace/trace.h"

struct lem_session {
    struct lem_weights *weights;
    struct lem_log log;
    enum lem_logits_rows logits_rows;
    uint32_t n_ctx, n_batch;

    uint32_t length;        /* tokens */
    uint32_t ready;         /* of them, those that `past` remembers: less than all after
                             * a rewind over what it forgot; see session_catch_up() */
    int32_t *ids;           /* [n_ctx], `length` of them valid */
    uint32_t n_logits;      /* rows ready in `logits`; 0 = none */
    uint32_t stride_logits; /* floats between rows as the device wrote them */
    float *logits;          /* [max_out][n_vocab], dense; NULL: read in place */
    bool row_copied;        /* memory.row holds the row that is ready */
    struct sample_candidate *candidates; /* [n_vocab] */

    struct past past;
    struct plan_memory memory;
    struct gpu_list *prompt_body; /* up to n_batch tokens; NULL when n_batch is 1 */
    struct gpu_list *token_body;  /* one token */
    struct gpu_list *last_head;   /* one row of logits */
    struct gpu_list *all_head;    /* all rows; NULL unless LEM_LOGITS_ALL */
    struct trace trace;
    struct policy policy;
    struct profile *profile; /* NULL: not asked for */

    atomic_bool cancelled;
    struct lem_session_stats stats;
};

/* Run ids[0 … n) as one submission, n <= n_batch. `prompt`: part of an append of more
 * than one token, for the figures. `want_logits`: of the last row, or of all. On failure
 * the session is as it was. (run/submit.c) */
enum lem_status session_submit(struct lem_session *s, const int32_t *ids, uint32_t n,
                               bool prompt, bool want_logits);

/* Run everything once, for nothing: see submit.c. The session is empty before and after.
 */
enum lem_status session_warm_up(struct lem_session *s,
                                const struct lem_progress *progress);

/* Run again what `past` no longer remembers, so that text can be appended. Returns
 * what session_submit() does; what is done stays done. (run/submit.c) */
enum lem_status session_catch_up(struct lem_session *s);

#endif
