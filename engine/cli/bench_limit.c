/* bench_limit.c - how near generation comes to what the device can do: weights read per
 * second, against the best single kernel of their type. */
#include "cli/bench.h"

#include <string.h>

/* The type that most bytes of the model are of. */
static const char *main_type(const struct app *app)
{
    const char *best = NULL;
    uint64_t most = 0;
    struct lem_tensor_info t;
    for (uint32_t i = 0; i < app->info.n_tensor; i++) {
        if (lem_model_get_tensor(app->model, i, &t) != LEM_OK)
            return NULL;
        const char *type = t.type;
        uint64_t sum = 0;
        for (uint32_t k = 0; k < app->info.n_tensor; k++)
            if (lem_model_get_tensor(app->model, k, &t) == LEM_OK &&
                strcmp(t.type, type) == 0)
                sum += t.bytes;
        if (sum > most) {
            most = sum;
            best = type;
        }
    }
    return best;
}

bool bench_limit_run(struct bench *b)
{
    struct lem_plan_row row;
    const uint32_t n = lem_session_plan_length(b->session, LEM_PHASE_TOKEN);
    for (uint32_t i = 0; i < n; i++) {
        if (lem_session_plan_row(b->session, LEM_PHASE_TOKEN, i, &row) != LEM_OK)
            return false;
        b->token_bytes += row.weight_bytes;
    }
    b->limit_type = main_type(b->app);
    bar_note(&b->app->bar, "measuring single kernels");
    const bool ok = b->limit_type &&
                    lem_device_limit(b->app->device, b->limit_type, &b->limit) == LEM_OK;
    bar_clear(&b->app->bar);
    return ok;
}

double bench_weight_rate(const struct bench *b)
{
    for (uint32_t i = 0; i < b->n_series; i++)
        if (b->series[i].kind == BENCH_GENERATE)
            return b->series[i].median * (double)b->token_bytes;
    return 0;
}

double bench_limit_rate(const struct bench *b)
{
    return b->limit.ns ? (double)b->limit.weight_bytes / ((double)b->limit.ns * 1e-9) : 0;
}

double bench_limit_share(const struct bench *b)
{
    return b->limit.ns ? bench_weight_rate(b) / bench_limit_rate(b) : 0;
}
