/* recorded.c - what a session tells for a recording: times by stage, and memory. */
#include <string.h>

#include "base/log.h"
#include "lemnos/profile.h"
#include "run/session.h"

/* ---- times ------------------------------------------------------------------------- */

/* LEM_TRACE_STAGE_COUNT: in none of a recording's stages. */
static enum lem_trace_stage stage_of(enum plan_stage stage)
{
    switch (stage) {
    case STAGE_NORM:
    case STAGE_QKV:
    case STAGE_ROPE:
    case STAGE_ATTENTION:
    case STAGE_ATTN_OUT:
        return LEM_TRACE_ATTENTION;
    case STAGE_ROUTER:
    case STAGE_GROUP:
        return LEM_TRACE_ROUTER;
    case STAGE_GATE_UP:
    case STAGE_DOWN:
    case STAGE_FFN_GATE_UP:
    case STAGE_FFN_DOWN:
        return LEM_TRACE_EXPERTS;
    case STAGE_HEAD:
        return LEM_TRACE_HEAD;
    case STAGE_SAMPLING:
        return LEM_TRACE_SAMPLING;
    case STAGE_EMBED:
    case STAGE_COUNT:
        break;
    }
    return LEM_TRACE_STAGE_COUNT;
}

static void add_phase(const struct profile_phase *p, uint64_t ns[])
{
    for (uint32_t s = 0; s < STAGE_COUNT; s++)
        for (uint32_t k = 0; k < PROFILE_KINDS; k++)
            ns[stage_of((enum plan_stage)s)] += p->cell[k][s].sum_ns;
    ns[LEM_TRACE_SAMPLING] += p->sampling.sum_ns;
}

/* What took any time at all does not look as if it were not known. */
static uint32_t microseconds(uint64_t ns, uint32_t n_token)
{
    const uint64_t us = (ns / n_token + 500) / 1000;
    return us > UINT32_MAX ? UINT32_MAX : us == 0 && ns > 0 ? 1 : (uint32_t)us;
}

enum lem_status lem_session_trace_stages(const struct lem_session *s, uint32_t n_token,
                                         uint32_t *us)
{
    uint64_t ns[LEM_TRACE_STAGE_COUNT + 1] = {0};
    if (!us)
        return LEM_ERR_ARGUMENT;
    memset(us, 0, LEM_TRACE_STAGE_COUNT * sizeof *us);
    const enum lem_status st =
        lem_session_stages(s, LEM_PHASE_TOKEN, NULL, 0, NULL); /* can they be told? */
    if (st != LEM_OK)
        return st;
    if (n_token == 0)
        return log_fail(&s->log, LEM_ERR_ARGUMENT,
                        "lem_session_trace_stages: n_token must be at least 1");
    add_phase(&s->profile->phase[LEM_PHASE_PROMPT], ns);
    add_phase(&s->profile->phase[LEM_PHASE_TOKEN], ns);
    for (uint32_t i = 0; i < LEM_TRACE_STAGE_COUNT; i++)
        us[i] = microseconds(ns[i], n_token);
    return LEM_OK;
}

/* ---- memory ------------------------------------------------------------------------ */

/* Of the heaps that are the device's own, or of all where none is. */
static uint64_t device_size(const struct lem_device_info *info)
{
    uint64_t own = 0, all = 0;
    for (uint32_t i = 0; i < info->n_heap; i++) {
        all += info->heap[i].size;
        own += info->heap[i].device_local ? info->heap[i].size : 0;
    }
    return own ? own : all;
}

void lem_session_trace_memory(const struct lem_session *s, struct lem_trace_memory *out)
{
    const struct lem_weights *w = s->weights;
    struct lem_device_info info;
    lem_device_get_info(w->device, &info);
    *out = (struct lem_trace_memory){.session = s->stats.device_bytes,
                                     .cache = s->stats.cache_bytes,
                                     .device = device_size(&info),
                                     .n_ctx = s->n_ctx};
    for (uint32_t i = 0; i < w->n_chunk; i++)
        out->weights += gpu_buf_size(w->chunk[i]);
    lem_device_memory(w->device, NULL, &out->peak);
}
