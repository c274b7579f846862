/* profile.c - time by stage and kind of layer: gathered, and given out. */
#include "run/profile.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "run/session.h"

/* ---- kinds of layers -------------------------------------------------------------- */

enum mixer { MIX_ATTENTION, MIX_WINDOW, MIX_LATENT, MIX_CONVOLUTION };

static const char *const kind_name[PROFILE_KINDS] = {
    [2 * MIX_ATTENTION] = "attention, dense",
    [2 * MIX_ATTENTION + 1] = "attention, experts",
    [2 * MIX_WINDOW] = "window attention, dense",
    [2 * MIX_WINDOW + 1] = "window attention, experts",
    [2 * MIX_LATENT] = "latent attention, dense",
    [2 * MIX_LATENT + 1] = "latent attention, experts",
    [2 * MIX_CONVOLUTION] = "convolution, dense",
    [2 * MIX_CONVOLUTION + 1] = "convolution, experts",
};

static uint8_t kind_of(const struct lem_model *m, uint32_t layer)
{
    const struct layer_hparams *l = &m->hp.layer[layer];
    const enum mixer mixer = l->has_state      ? MIX_CONVOLUTION
                             : m->arch->latent ? MIX_LATENT
                             : l->window       ? MIX_WINDOW
                                               : MIX_ATTENTION;
    return (uint8_t)(2 * mixer + (m->layer[layer].moe ? 1 : 0));
}

/* ---- gathering -------------------------------------------------------------------- */

struct profile *profile_open(const struct lem_model *model,
                             const struct lem_device *device)
{
    struct profile *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->device_times = gpu_has_timestamps(device);
    p->layer_kind = calloc(model->hp.n_layer, sizeof *p->layer_kind);
    if (!p->layer_kind)
        profile_close(&p);
    for (uint32_t i = 0; p && i < model->hp.n_layer; i++)
        p->layer_kind[i] = kind_of(model, i);
    return p;
}

void profile_close(struct profile **profile)
{
    if (!profile || !*profile)
        return;
    free((*profile)->layer_kind);
    free(*profile);
    *profile = NULL;
}

static void forget_last(struct profile_phase *phase)
{
    for (uint32_t k = 0; k < PROFILE_KINDS; k++)
        for (uint32_t s = 0; s < STAGE_COUNT; s++) {
            phase->cell[k][s].n_dispatch = 0;
            phase->cell[k][s].last_ns = 0;
        }
}

static void charge(struct profile_cell *cell, uint64_t ns)
{
    cell->last_ns += ns;
    cell->sum_ns += ns;
}

/* Returns the time of its dispatches. */
static uint64_t add_list(const struct profile *p, struct profile_phase *phase,
                         const struct gpu_list *list)
{
    uint64_t sum = 0;
    const uint32_t n = gpu_list_length(list);
    for (uint32_t i = 0; i < n; i++) {
        struct gpu_list_row row;
        gpu_list_row(list, i, &row);
        const enum plan_stage stage = plan_key_stage(row.stage);
        const uint32_t kind =
            plan_stage_in_layer(stage) ? p->layer_kind[plan_key_layer(row.stage)] : 0;
        phase->cell[kind][stage].n_dispatch++;
        charge(&phase->cell[kind][stage], row.ns);
        sum += row.ns;
    }
    return sum;
}

void profile_add(struct profile *p, const struct profile_run *run)
{
    struct profile_phase *phase = &p->phase[run->phase];
    uint64_t busy = 0;
    forget_last(phase);
    for (uint32_t i = 0; i < run->n_list; i++)
        busy += add_list(p, phase, run->lists[i]);
    phase->idle.last_ns = 0;
    phase->host.last_ns = 0;
    charge(&phase->idle, run->wait_ns > busy ? run->wait_ns - busy : 0);
    charge(&phase->host, run->wall_ns > run->wait_ns ? run->wall_ns - run->wait_ns : 0);
    phase->last_token = run->n_token;
    phase->n_token += run->n_token;
    phase->n_submission++;
}

void profile_add_sampling(struct profile *p, uint64_t ns)
{
    struct profile_cell *cell = &p->phase[LEM_PHASE_TOKEN].sampling;
    cell->last_ns = 0;
    charge(cell, ns);
}

void lem_session_clear_stages(struct lem_session *s)
{
    if (s && s->profile)
        memset(s->profile->phase, 0, sizeof s->profile->phase);
}

/* ---- giving out -------------------------------------------------------------------- */

struct sink {
    struct lem_stage *stage; /* [cap] */
    uint32_t cap;
    struct lem_stage_total *total;
};

static void put(struct sink *out, const char *name, const char *layers, bool on_host,
                const struct profile_cell *cell)
{
    struct lem_stage_total *total = out->total;
    if (total->n_stage < out->cap)
        out->stage[total->n_stage] = (struct lem_stage){.name = name,
                                                        .layers = layers,
                                                        .on_host = on_host,
                                                        .n_dispatch = cell->n_dispatch,
                                                        .last_ns = cell->last_ns,
                                                        .sum_ns = cell->sum_ns};
    total->n_stage++;
    total->last_ns += cell->last_ns;
    total->sum_ns += cell->sum_ns;
}

static void put_device(struct sink *out, const struct profile_phase *phase, uint32_t kind,
                       enum plan_stage stage)
{
    const struct profile_cell *cell = &phase->cell[kind][stage];
    if (cell->n_dispatch || cell->sum_ns)
        put(out, plan_stage_name(stage),
            plan_stage_in_layer(stage) ? kind_name[kind] : "", false, cell);
}

static void put_phase(struct sink *out, const struct profile_phase *phase,
                      enum lem_phase which)
{
    put_device(out, phase, 0, STAGE_EMBED);
    for (uint32_t k = 0; k < PROFILE_KINDS; k++)
        for (uint32_t s = 0; s < STAGE_COUNT; s++)
            if (plan_stage_in_layer((enum plan_stage)s))
                put_device(out, phase, k, (enum plan_stage)s);
    put_device(out, phase, 0, STAGE_HEAD);
    put_device(out, phase, 0, STAGE_SAMPLING);
    put(out, "idle", "", true, &phase->idle);
    put(out, "host", "", true, &phase->host);
    if (which == LEM_PHASE_TOKEN)
        put(out, "sampling", "", true, &phase->sampling);
}

enum lem_status lem_session_stages(const struct lem_session *s, enum lem_phase phase,
                                   struct lem_stage *stages, uint32_t cap,
                                   struct lem_stage_total *total)
{
    struct lem_stage_total own;
    if (!total)
        total = &own;
    *total = (struct lem_stage_total){0};
    if (!s || (cap && !stages) || (unsigned)phase > LEM_PHASE_TOKEN)
        return LEM_ERR_ARGUMENT;
    if (!s->profile)
        return log_fail(&s->log, LEM_ERR_ARGUMENT,
                        "lem_session_stages: the session was opened without stages; "
                        "set lem_session_params.stages");
    if (!s->profile->device_times)
        return log_fail(&s->log, LEM_ERR_UNSUPPORTED,
                        "\"%s\" has no timestamps: the time by stage cannot be told; use "
                        "another device",
                        gpu_name(s->weights->device));
    const struct profile_phase *p = &s->profile->phase[phase];
    struct sink out = {.stage = stages, .cap = cap, .total = total};
    put_phase(&out, p, phase);
    total->last_token = p->last_token;
    total->n_token = p->n_token;
    total->n_submission = p->n_submission;
    return LEM_OK;
}
