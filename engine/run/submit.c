/* submit.c - one submission: a batch of a prompt, or one token. */
#include <string.h>

#include "base/log.h"
#include "base/thread.h"
#include "run/session.h"

static void write_inputs(struct lem_session *s, const int32_t *ids, uint32_t n,
                         bool all_rows)
{
    const struct step_params step = {.n_token = n,
                                     .pos = s->length,
                                     .out_row = all_rows ? 0 : n - 1,
                                     .n_out = all_rows ? n : 1};
    memcpy(gpu_buf_map(s->memory.step), &step, sizeof step);
    memcpy(gpu_buf_map(s->memory.ids), ids, n * sizeof *ids);
}

/* The device pads rows of logits; callers get them dense. */
static void take_logits(struct lem_session *s, uint32_t n_row)
{
    s->n_logits = n_row;
    s->row_copied = false;
    if (!s->logits)
        return;
    const uint32_t n_vocab = s->weights->model->hp.n_vocab;
    const float *src = gpu_buf_map(s->memory.logits);
    for (uint32_t r = 0; r < n_row; r++)
        memcpy(s->logits + (size_t)r * n_vocab, src + (size_t)r * s->stride_logits,
               n_vocab * sizeof *src);
}

enum lem_status session_submit(struct lem_session *s, const int32_t *ids, uint32_t n,
                               bool prompt, bool want_logits)
{
    const bool all_rows = want_logits && s->logits_rows == LEM_LOGITS_ALL && n > 1;
    struct gpu_list *lists[2] = {n == 1 ? s->token_body : s->prompt_body,
                                 all_rows ? s->all_head : s->last_head};
    const uint32_t n_list = want_logits ? 2 : 1;
    const uint64_t start = clock_ns();
    uint64_t wait_ns = 0;
    write_inputs(s, ids, n, all_rows);
    const enum lem_status st = gpu_list_run(lists, n_list, n, &wait_ns);
    s->stats.wait_ns += wait_ns;
    if (st != LEM_OK)
        return st;

    if (s->memory.tap)
        trace_take(&s->trace, gpu_buf_map(s->memory.tap), s->memory.tap_stride, s->length,
                   n);
    memmove(s->ids + s->length, ids, n * sizeof *ids); /* maybe those that are there */
    s->length += n;
    s->ready = s->length;
    past_append(&s->past, s->length);
    if (want_logits)
        take_logits(s, all_rows ? n : 1);

    const uint64_t ns = clock_ns() - start;
    if (s->profile)
        profile_add(s->profile, &(struct profile_run){.phase = n == 1 ? LEM_PHASE_TOKEN
                                                                      : LEM_PHASE_PROMPT,
                                                      .n_token = n,
                                                      .lists = lists,
                                                      .n_list = n_list,
                                                      .wall_ns = ns,
                                                      .wait_ns = wait_ns});
    if (!prompt) {
        s->stats.n_generated++;
        s->stats.generate_ns += ns;
    } else {
        s->stats.n_prompt += n;
        s->stats.prompt_ns += ns;
    }
    return LEM_OK;
}

/* Drivers that compile at the first run do it here, and not in the middle of a prompt's
 * time; commands are recorded and whatever that takes is taken. What the runs leave
 * behind is what the first token's will overwrite: the caches' position 0. */
enum lem_status session_warm_up(struct lem_session *s,
                                const struct lem_progress *progress)
{
    enum { N = 4 };
    struct gpu_list *const lists[N] = {s->token_body, s->last_head, s->prompt_body,
                                       s->all_head};
    const int32_t id = 0;
    enum lem_status st = gpu_lists_compile(lists, N, progress);
    write_inputs(s, &id, 1, false);
    for (uint32_t i = 0; i < N && st == LEM_OK; i++) {
        log_progress(progress, "warming up", i, N);
        if (lists[i])
            st = gpu_list_run(&lists[i], 1, 1, NULL);
    }
    log_progress(progress, "warming up", N, N);
    return st;
}

enum lem_status session_catch_up(struct lem_session *s)
{
    const uint32_t length = s->length;
    enum lem_status st = LEM_OK;
    s->length = s->ready;
    while (st == LEM_OK && s->length < length) {
        const uint32_t left = length - s->length;
        st = session_submit(s, s->ids + s->length, left < s->n_batch ? left : s->n_batch,
                            left > 1, false);
    }
    s->length = length;
    return st;
}
