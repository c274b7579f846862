/* fuzz_trace.c - any bytes as a recording: open it, and read everything it offers. */
#include <stdint.h>
#include <stdlib.h>

#include "lemnos/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct said {
    unsigned n_error;
};

static void count(void *priv, enum lem_log_level level, const char *text)
{
    struct said *said = priv;
    said->n_error += level == LEM_LOG_ERROR && text[0] != '\0';
}

/* What is handed out may be used as an index: an expert that exists, or none, with
 * weight 0 and nothing after it. */
static uint64_t check_routing(const struct lem_trace *t, const uint16_t *ids,
                              const float *weights)
{
    struct lem_trace_info info;
    uint64_t sum = 0;
    lem_trace_get_info(t, &info);
    const struct lem_trace_facts *f = &info.facts;
    for (uint32_t layer = 0; layer < f->n_layer_moe; layer++) {
        bool ended = false;
        for (uint32_t k = 0; k < f->n_expert_used; k++) {
            const size_t at = (size_t)layer * f->n_expert_used + k;
            const bool none = ids[at] == LEM_NO_EXPERT;
            if (none ? weights[at] != 0 : ended || ids[at] >= f->n_expert)
                abort();
            ended = none;
            sum += ids[at];
        }
    }
    return sum;
}

/* The first left out: an expert that exists, or none. */
static uint64_t check_next(const struct lem_trace *t, const uint16_t *next)
{
    struct lem_trace_info info;
    uint64_t sum = 0;
    lem_trace_get_info(t, &info);
    for (uint32_t layer = 0; layer < info.facts.n_layer_moe; layer++) {
        if (next[layer] != LEM_NO_EXPERT && next[layer] >= info.facts.n_expert)
            abort();
        sum += next[layer];
    }
    return sum;
}

static uint64_t read_token(const struct lem_trace *t, uint64_t i, uint16_t *ids,
                           float *weights)
{
    struct lem_trace_token token;
    char piece[64];
    uint64_t sum = lem_trace_piece(t, i, piece, sizeof piece);
    if (lem_trace_get_token(t, i, &token) == LEM_OK)
        sum += (uint64_t)token.id + token.runner[0].n_piece;
    if (lem_trace_routing(t, i, 1, ids, weights) == LEM_OK)
        sum += check_routing(t, ids, weights);
    if (lem_trace_margins(t, i, 1, weights, ids) == LEM_OK)
        sum += check_next(t, ids);
    return sum;
}

/* What is handed out is no more than its parts say, wherever it is asked for. */
static uint64_t read_memory(const struct lem_trace *t, uint64_t i)
{
    struct lem_trace_memory m;
    if (lem_trace_get_memory(t, i, &m) != LEM_OK || m.cache > m.session)
        abort();
    return m.weights + m.peak + m.device + m.n_ctx;
}

static uint64_t read_all(const struct lem_trace *t)
{
    struct lem_trace_info info;
    uint64_t sum = 0;
    lem_trace_get_info(t, &info);
    const size_t pairs = (size_t)info.facts.n_layer_moe * info.facts.n_expert_used;
    uint16_t *ids = calloc(pairs + 1, sizeof *ids);
    float *weights = calloc(pairs + 1, sizeof *weights);
    for (uint64_t i = 0; ids && weights && i < info.n_token && i < 256; i++)
        sum += read_token(t, i, ids, weights) + read_memory(t, i);
    sum += read_memory(t, UINT64_MAX);
    for (uint32_t k = 0; k < info.n_event; k++) {
        char text[64];
        struct lem_trace_event event;
        if (lem_trace_get_event(t, k, &event) != LEM_OK)
            abort();
        sum += lem_trace_event_text(t, k, text, sizeof text);
    }
    free(ids);
    free(weights);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct said said = {0};
    const struct lem_log log = {.fn = count, .priv = &said};
    struct lem_trace *t;
    const enum lem_status st = lem_trace_open_memory(data, size, &log, &t);
    /* The promise of every call: it fails with one message, or is silent. */
    if (said.n_error != (st != LEM_OK) || (t != NULL) != (st == LEM_OK))
        abort();
    if (t) {
        volatile uint64_t sum = read_all(t);
        (void)sum;
    }
    lem_trace_close(&t);
    return 0;
}
