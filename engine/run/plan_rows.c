/* plan_rows.c - a session's plan, dispatch by dispatch. */
#include "base/check.h"
#include "base/log.h"
#include "lemnos/profile.h"
#include "run/session.h"

/* The lists that make a submission of the phase; NULL: it has none. */
static const struct gpu_list *body_of(const struct lem_session *s, enum lem_phase phase)
{
    return phase == LEM_PHASE_PROMPT ? s->prompt_body : s->token_body;
}

uint32_t lem_session_plan_length(const struct lem_session *s, enum lem_phase phase)
{
    const struct gpu_list *body = s ? body_of(s, phase) : NULL;
    return body ? gpu_list_length(body) + gpu_list_length(s->last_head) : 0;
}

enum lem_status lem_session_plan_row(const struct lem_session *s, enum lem_phase phase,
                                     uint32_t i, struct lem_plan_row *row)
{
    if (!s || !row)
        return LEM_ERR_ARGUMENT;
    const uint32_t length = lem_session_plan_length(s, phase);
    if (i >= length)
        return log_fail(&s->log, LEM_ERR_ARGUMENT,
                        "lem_session_plan_row: dispatch %u, but there are %u", i, length);
    const struct gpu_list *body = body_of(s, phase);
    const uint32_t n_body = gpu_list_length(body);
    struct gpu_list_row r;
    gpu_list_row(i < n_body ? body : s->last_head, i < n_body ? i : i - n_body, &r);
    if (r.rows_per_group) {
        const uint32_t rows = i < n_body && phase == LEM_PHASE_PROMPT ? s->n_batch : 1;
        r.group[1] = ceil_div(rows, r.rows_per_group);
    }
    *row = (struct lem_plan_row){
        .label = r.label,
        .kernel = r.kernel,
        .stage = plan_stage_name(plan_key_stage(r.stage)),
        .barrier = r.barrier,
        .size = {r.cost.size[0], r.cost.size[1], r.cost.size[2]},
        .weight_bytes = r.cost.const_bytes,
        .bytes = r.cost.bytes,
        .flops = r.cost.flops,
    };
    for (int k = 0; k < 3 && !r.indirect; k++)
        row->group[k] = r.group[k];
    return LEM_OK;
}
