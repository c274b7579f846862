/* made_recording.c - recordings of any size, made up. */
#include "made_recording.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lemnos/trace.h"

static const char *const word[] = {" the",  " fox", " ran",   " over", " a",    " little",
                                   " hill", ",",    " and",   " then", " she",  " said",
                                   " it",   " was", " very",  " late", ".",     "\n",
                                   " Once", " day", " house", " to",   " find", " home"};

enum { N_WORD = sizeof word / sizeof *word };

static uint32_t mixed(uint32_t a, uint32_t b)
{
    uint32_t h = a * 0x9e3779b1u ^ b * 0x85ebca6bu;
    h ^= h >> 15;
    h *= 0x2c1b3c6du;
    return h ^ h >> 13;
}

/* A few experts of each layer are liked by a word, the others come by chance. */
static void choose(const struct made *m, uint64_t i, uint32_t w, uint16_t *ids,
                   float *weights)
{
    for (uint32_t layer = 0; layer < m->n_layer; layer++) {
        float rest = 1;
        for (uint32_t k = 0; k < m->n_used; k++) {
            const uint32_t by = mixed((uint32_t)i * 7 + k, layer) % 3 ? w : (uint32_t)i;
            uint32_t e = mixed(by * 31 + k, layer) % m->n_expert;
            uint16_t *mine = ids + (size_t)layer * m->n_used;
            for (uint32_t j = 0; j < k; j++)
                if (mine[j] == e) { /* taken: the next one */
                    e = (e + 1) % m->n_expert;
                    j = UINT32_MAX; /* and look again from the start */
                }
            mine[k] = (uint16_t)e;
            const float part = k + 1 < m->n_used ? 0.4f : 1;
            weights[(size_t)layer * m->n_used + k] = rest * part;
            rest *= 1 - part;
        }
    }
}

/* The memory of a run that began to take more in the middle of the text. */
static bool write_memory(struct lem_trace_writer *writer, const struct made *m,
                         uint64_t i)
{
    const bool more = i >= m->n_token / 2;
    const struct lem_trace_memory memory = {.weights = 4 << 20,
                                            .session = 3 << 20,
                                            .cache = 1 << 20,
                                            .peak = (more ? 9 : 7) << 20,
                                            .device = (uint64_t)8 << 30,
                                            .n_ctx = 4096};
    return (i != 0 && i != m->n_token / 2) ||
           lem_trace_writer_memory(writer, &memory) == LEM_OK;
}

static bool write_all(struct lem_trace_writer *writer, const struct made *m,
                      uint16_t *ids, float *weights, float *margins)
{
    bool ok = true;
    for (uint64_t i = 0; i < m->n_token && ok; i++) {
        const uint32_t w = mixed((uint32_t)i, 1) % N_WORD;
        struct lem_trace_token token = {.id = (int32_t)w, .prompt = i < m->n_prompt};
        token.probability =
            token.prompt ? -1 : (float)(mixed((uint32_t)i, 2) % 1000) / 1000;
        token.total_us = 4000 + mixed((uint32_t)i, 3) % 800;
        for (uint32_t k = 0; k < LEM_TRACE_STAGE_COUNT; k++)
            token.stage_us[k] = 200 + k % 3 * 700 + mixed((uint32_t)i, k) % 100;
        for (uint32_t k = 0; k < LEM_TRACE_RUNNERS; k++) {
            struct lem_trace_runner *r = &token.runner[k];
            r->id = (int32_t)((w + k + 1) % N_WORD);
            r->probability = 0.2f / (float)(1 << k);
            r->n_piece = (uint8_t)strlen(word[r->id]);
            memcpy(r->piece, word[r->id], r->n_piece);
        }
        choose(m, i, w, ids, weights);
        for (uint32_t l = 0; l < m->n_layer; l++)
            margins[l] = (float)(mixed((uint32_t)i, l) % 100) / 1000;
        ok = write_memory(writer, m, i) &&
             lem_trace_writer_margins(writer, margins, NULL) == LEM_OK &&
             lem_trace_writer_token(writer, &token, word[w], strlen(word[w]), ids,
                                    weights) == LEM_OK;
    }
    return ok;
}

bool made_recording(const char *path, const struct made *m)
{
    const struct lem_trace_facts facts = {.name = "made up",
                                          .architecture = "none",
                                          .device = "no device",
                                          .n_layer_moe = m->n_layer,
                                          .n_expert = m->n_expert,
                                          .n_expert_used = m->n_used,
                                          .n_vocab = N_WORD,
                                          .n_runner = LEM_TRACE_RUNNERS,
                                          .margins = true};
    const size_t pairs = (size_t)m->n_layer * m->n_used;
    struct lem_trace_writer *writer = NULL;
    uint16_t *ids = calloc(pairs + 1, sizeof *ids);
    float *weights = calloc(pairs + 1, sizeof *weights);
    float *margins = calloc((size_t)m->n_layer + 1, sizeof *margins);
    bool ok = ids && weights && margins &&
              lem_trace_writer_open(path, &facts, NULL, &writer) == LEM_OK &&
              write_all(writer, m, ids, weights, margins);
    ok = lem_trace_writer_close(&writer) == LEM_OK && ok;
    if (!ok)
        fprintf(stderr, "%s: cannot be written\n", path);
    free(ids);
    free(weights);
    free(margins);
    return ok;
}
