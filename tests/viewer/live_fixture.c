/* live_fixture.c - the model that ships at work as a source, and waiting for it. */
#include "live_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <SDL.h>
#include <cmocka.h>

enum { PATIENCE_MS = 5 * 60 * 1000, NAP_MS = 2 };

const char fixture_model[] = LEM_TEST_ASSETS "/moe-tales-q8_0.gguf";

/* ---- waiting --------------------------------------------------------------------------
 */

void fixture_wait(struct fixture *f, uint64_t *since, const char *what)
{
    char message[512];
    const uint64_t now = SDL_GetTicks64() + 1;
    *since = *since ? *since : now;
    if (source_phase(&f->source, message, sizeof message) == SOURCE_FAILED)
        fail_msg("waiting for %s: the model stopped: %s", what, message);
    if (now - *since > PATIENCE_MS)
        fail_msg("waiting for %s: nothing for %d minutes", what, PATIENCE_MS / 60000);
    SDL_Delay(NAP_MS);
}

void fixture_wait_for_end(struct fixture *f)
{
    char message[512];
    uint64_t since = 0;
    while (source_phase(&f->source, message, sizeof message) != SOURCE_DONE)
        fixture_wait(f, &since, "the end of the text");
}

void fixture_wait_for_revision(struct fixture *f, uint32_t more_than)
{
    uint64_t since = 0;
    while (source_revision(&f->source) <= more_than)
        fixture_wait(f, &since, "the text to be changed");
}

/* ---- asking ---------------------------------------------------------------------------
 */

void fixture_keep(struct fixture *f, uint64_t at)
{
    const uint32_t before = source_revision(&f->source);
    const struct source_ask ask = {.kind = SOURCE_ASK_KEEP, .at = at};
    assert_true(source_ask(&f->source, &ask));
    fixture_wait_for_revision(f, before);
}

void fixture_policy(struct fixture *f, struct lem_policy_entry *e, uint32_t n)
{
    uint32_t before, now;
    uint64_t since = 0;
    const struct source_ask ask = {
        .kind = SOURCE_ASK_POLICY, .entries = e, .n_entry = n, .replace = true};
    source_policy(&f->source, NULL, 0, &before);
    assert_true(source_ask(&f->source, &ask));
    do {
        fixture_wait(f, &since, "the policy");
        source_policy(&f->source, NULL, 0, &now);
    } while (now == before);
}

uint32_t fixture_ids(struct source *s, int32_t *id)
{
    struct lem_trace_token t;
    uint32_t n = 0;
    for (; n < MAX_TOKEN && source_token(s, n, &t); n++)
        id[n] = t.id;
    return n;
}

/* ---- the model, for each test anew ----------------------------------------------------
 */

static int open_model(void **state, bool stages)
{
    struct fixture *f = calloc(1, sizeof *f);
    char message[512] = "";
    const struct source_live_params p = {
        .model = fixture_model,
        .prompt = "Once upon a time",
        .caps = getenv("LEMNOS_TEST_CAPS"),
        .validation = true,
        .sample = {.temperature = 0.8f, .top_k = 40, .top_p = 0.95f, .seed = 1},
        .n_ctx = MAX_TOKEN,
        .stages = stages,
        .limit = N_WRITE};
    if (!f || !source_open_live(&f->source, &p, message, sizeof message))
        return -1;
    *state = f;
    fixture_wait_for_end(f);
    f->n_used = f->source.facts.n_expert_used;
    f->pairs = f->source.facts.n_layer_moe * f->n_used;
    return 0;
}

int fixture_open(void **state)
{
    return open_model(state, false);
}

int fixture_open_staged(void **state)
{
    return open_model(state, true);
}

int fixture_close(void **state)
{
    struct fixture *f = *state;
    source_close(&f->source);
    free(f);
    return 0;
}
