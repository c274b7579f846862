/* oracle.c - reads reference cases and compares with them. */
#include "support/oracle.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "support/tolerance.h"

static char *read_whole(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    char *data = NULL;
    long end = -1;
    if (fseek(f, 0, SEEK_END) == 0 && (end = ftell(f)) >= 0 && fseek(f, 0, SEEK_SET) == 0)
        data = calloc(1, (size_t)end + 1);
    *size = data ? fread(data, 1, (size_t)end, f) : 0;
    fclose(f);
    if (data && *size == (size_t)end)
        return data;
    free(data);
    return NULL;
}

static void *zeros(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size);
    if (!p)
        fail_msg("no memory for the reference case");
    return p;
}

static cJSON *read_json(const char *root, const char *name, const char *file)
{
    char path[512];
    size_t size = 0;
    snprintf(path, sizeof path, "%s/%s/%s", root, name, file);
    char *text = read_whole(path, &size);
    cJSON *json = text ? cJSON_Parse(text) : NULL;
    free(text);
    return json;
}

/* Element i of an array of numbers. */
static double number(const cJSON *array, uint32_t i)
{
    const cJSON *v = cJSON_GetArrayItem(array, (int)i);
    if (!cJSON_IsNumber(v))
        fail_msg("the reference case has no number at %u", i);
    return v->valuedouble;
}

static int32_t *read_ids(const char *root, const char *name, const char *file,
                         const char *key, uint32_t *n)
{
    cJSON *json = read_json(root, name, file);
    const cJSON *array = cJSON_GetObjectItem(json, key);
    if (!cJSON_IsArray(array))
        fail_msg("%s/%s: no array \"%s\"", name, file, key);
    *n = (uint32_t)cJSON_GetArraySize(array);
    int32_t *ids = zeros(*n, sizeof *ids);
    for (uint32_t i = 0; i < *n; i++)
        ids[i] = (int32_t)number(array, i);
    cJSON_Delete(json);
    return ids;
}

static void read_logits(struct oracle *o, const char *root)
{
    char path[512];
    size_t size = 0;
    snprintf(path, sizeof path, "%s/%s/logits.f32", root, o->name);
    o->logits = (float *)(void *)read_whole(path, &size);
    if (!o->logits || size % (o->n_token * sizeof(float)))
        fail_msg("%s: cannot be read, or is no [%u][n_vocab]", path, o->n_token);
    o->n_vocab = (uint32_t)(size / o->n_token / sizeof(float));
}

static void read_layer(struct oracle *o, const cJSON *layer, uint32_t l)
{
    const cJSON *ids = cJSON_GetObjectItem(layer, "ids");
    const cJSON *weights = cJSON_GetObjectItem(layer, "weights");
    const cJSON *margin = cJSON_GetObjectItem(layer, "margin");
    o->layer[l] = (uint32_t)cJSON_GetNumberValue(cJSON_GetObjectItem(layer, "layer"));
    for (uint32_t t = 0; t < o->n_token; t++) {
        const cJSON *row = cJSON_GetArrayItem(ids, (int)t);
        const cJSON *weight = cJSON_GetArrayItem(weights, (int)t);
        const size_t at = (size_t)t * o->n_layer + l;
        o->margin[at] = (float)number(margin, t);
        for (uint32_t k = 0; k < o->n_used; k++) {
            o->ids[at * o->n_used + k] = (uint32_t)number(row, k);
            o->weights[at * o->n_used + k] = (float)number(weight, k);
        }
    }
}

static void read_routing(struct oracle *o, const char *root)
{
    cJSON *json = read_json(root, o->name, "routing.json");
    const cJSON *layers = cJSON_GetObjectItem(json, "layers");
    if (!json)
        return; /* a dense model */
    const cJSON *ids = cJSON_GetObjectItem(cJSON_GetArrayItem(layers, 0), "ids");
    o->n_layer = (uint32_t)cJSON_GetArraySize(layers);
    o->n_used = (uint32_t)cJSON_GetArraySize(cJSON_GetArrayItem(ids, 0));
    const size_t n = (size_t)o->n_token * o->n_layer;
    o->layer = zeros(o->n_layer, sizeof *o->layer);
    o->margin = zeros(n, sizeof *o->margin);
    o->ids = zeros(n * o->n_used, sizeof *o->ids);
    o->weights = zeros(n * o->n_used, sizeof *o->weights);
    for (uint32_t l = 0; l < o->n_layer; l++)
        read_layer(o, cJSON_GetArrayItem(layers, (int)l), l);
    cJSON_Delete(json);
}

bool oracle_open(struct oracle *o, const char *root, const char *name)
{
    *o = (struct oracle){0};
    snprintf(o->name, sizeof o->name, "%s", name);
    snprintf(o->model, sizeof o->model, "%s/%s/model.gguf", root, name);
    FILE *f = fopen(o->model, "rb");
    if (!f) {
        print_message("skipped: no reference case %s in %s\n", name, root);
        return false;
    }
    fclose(f);
    o->prompt = read_ids(root, name, "tokens.json", "prompt", &o->n_token);
    o->greedy = read_ids(root, name, "greedy.json", "ids", &o->n_greedy);
    read_logits(o, root);
    read_routing(o, root);
    return true;
}

void oracle_close(struct oracle *o)
{
    free(o->prompt);
    free(o->logits);
    free(o->layer);
    free(o->ids);
    free(o->weights);
    free(o->margin);
    free(o->greedy);
    *o = (struct oracle){0};
}

/* ---- comparing --------------------------------------------------------------- */

void oracle_check_logits(const struct oracle *o, const float *logits, float max_abs)
{
    const size_t n = (size_t)o->n_token * o->n_vocab;
    double worst = 0;
    for (size_t i = 0; i < n; i++)
        worst = fmax(worst, fabs((double)logits[i] - (double)o->logits[i]));
    print_message("%s: logits at most %.3g off\n", o->name, worst);
    assert_close(logits, o->logits, n, max_abs, 0, "%s: logits", o->name);
}

void oracle_check_routing(const struct oracle *o, const uint32_t *ids,
                          const float *weights, float near_tie, float max_abs)
{
    uint32_t n_near = 0;
    for (uint32_t i = 0; i < o->n_token * o->n_layer; i++) {
        const size_t at = (size_t)i * o->n_used;
        if (memcmp(ids + at, o->ids + at, o->n_used * sizeof *ids) == 0) {
            assert_close(weights + at, o->weights + at, o->n_used, max_abs, 0,
                         "%s: weights, token %u, block %u", o->name, i / o->n_layer,
                         o->layer[i % o->n_layer]);
            continue;
        }
        if (!(o->margin[i] < near_tie))
            fail_msg("%s: token %u, block %u: expert %u first, expected %u (margin %g)",
                     o->name, i / o->n_layer, o->layer[i % o->n_layer], ids[at],
                     o->ids[at], (double)o->margin[i]);
        print_message("%s: token %u, block %u: another choice, margin %g\n", o->name,
                      i / o->n_layer, o->layer[i % o->n_layer], (double)o->margin[i]);
        n_near++;
    }
    if (o->n_layer)
        print_message("%s: %u choices, %u near ties differ\n", o->name,
                      o->n_token * o->n_layer, n_near);
}

int32_t oracle_argmax(const float *logits, uint32_t n)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < n; i++)
        if (logits[i] > logits[best])
            best = i;
    return (int32_t)best;
}
