/* synth_weights.c - random weights fast enough for files of gigabytes: encoding is done
 * once for a long line of weights, and rows are stretches of it. */
#include "synth/synth.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* Blocks of a line's stretches start at any block, so rows differ by that much. */
enum { LINE = 1 << 20, MAX_LINE = 8, OUT_BYTES = 1 << 20, SUM_OF = 12 };

struct line {
    const struct quant_info *type;
    uint64_t n_col; /* of the rows it is for */
    uint8_t *data;  /* LINE weights */
};

struct synth_weights {
    uint64_t state; /* of the generator */
    struct line line[MAX_LINE];
    uint32_t n_line;
    uint8_t *out; /* [OUT_BYTES] rows on their way */
    const struct lem_log *log;
};

/* splitmix64: Steele, Lea and Flood, OOPSLA 2014, figure 13 with the mixer of
 * "variant 13". */
static uint64_t next(struct synth_weights *w)
{
    uint64_t z = w->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Nearly normal, mean 0 and variance 1: twelve uniform numbers (Irwin and Hall). */
static float normal(struct synth_weights *w)
{
    const uint64_t low = 0xfffff; /* 20 bits, three from each draw */
    double sum = 0;
    for (int i = 0; i < SUM_OF / 3; i++) {
        const uint64_t r = next(w);
        sum += (double)((r & low) + (r >> 20 & low) + (r >> 40 & low));
    }
    return (float)(sum / (double)(low + 1) - SUM_OF / 2.0);
}

static uint64_t bytes_of(const struct quant_info *q, uint64_t n)
{
    return n / q->block_weights * q->block_bytes;
}

enum lem_status synth_weights_open(struct synth_weights **out, uint64_t seed,
                                   const struct lem_log *log)
{
    struct synth_weights *w = calloc(1, sizeof *w);
    *out = w;
    if (w) {
        w->state = seed;
        w->log = log;
        w->out = malloc(OUT_BYTES);
        if (w->out)
            return LEM_OK;
    }
    synth_weights_close(out);
    return log_fail(log, LEM_ERR_MEMORY, "no memory for random weights");
}

void synth_weights_close(struct synth_weights **w)
{
    if (!*w)
        return;
    for (uint32_t i = 0; i < (*w)->n_line; i++)
        free((*w)->line[i].data);
    free((*w)->out);
    free(*w);
    *w = NULL;
}

/* False: no memory. */
static bool make_line(struct synth_weights *w, struct line *line)
{
    float *f = malloc(LINE * sizeof *f);
    uint8_t *data = malloc((size_t)bytes_of(line->type, LINE));
    const bool ok = f && data;
    if (ok) {
        const float scale = 1.0f / sqrtf((float)line->n_col);
        for (uint32_t i = 0; i < LINE; i++)
            f[i] = normal(w) * scale;
        line->type->encode(f, data, LINE);
        line->data = data;
    } else {
        free(data);
    }
    free(f);
    return ok;
}

/* The line for rows of this kind; NULL, logged. */
static const struct line *find_line(struct synth_weights *w,
                                    const struct quant_info *type, uint64_t n_col)
{
    for (uint32_t i = 0; i < w->n_line; i++)
        if (w->line[i].type == type && w->line[i].n_col == n_col)
            return &w->line[i];
    if (w->n_line == MAX_LINE || n_col > LINE) {
        log_msg(w->log, LEM_LOG_ERROR,
                "rows of %llu random weights: too long, or too many different ones; this "
                "is a bug, please report it",
                (unsigned long long)n_col);
        return NULL;
    }
    struct line *line = &w->line[w->n_line];
    *line = (struct line){.type = type, .n_col = n_col};
    if (!make_line(w, line)) {
        log_msg(w->log, LEM_LOG_ERROR, "no memory for %d random weights", LINE);
        return NULL;
    }
    w->n_line++;
    return line;
}

static enum lem_status put_ones(const struct gguf_tensor *t, struct gguf_out *out)
{
    static const uint8_t one[] = {0, 0, 0x80, 0x3f}; /* 1.0f in a file */
    enum lem_status st = LEM_OK;
    for (uint64_t i = 0; i < t->n_weight && st == LEM_OK; i++)
        st = gguf_out_data(out, one, sizeof one);
    return st;
}

enum lem_status synth_weights_put(struct synth_weights *w, const struct gguf_tensor *t,
                                  const struct quant_info *type, struct gguf_out *out)
{
    if (t->n_dim == 1)
        return put_ones(t, out);
    const struct line *line = find_line(w, type, t->dim[0]);
    if (!line)
        return LEM_ERR_MEMORY;
    const uint64_t row = bytes_of(type, t->dim[0]);
    const uint64_t n_start = (LINE - t->dim[0]) / type->block_weights + 1;
    uint64_t n_row = t->n_weight / t->dim[0], n = 0;
    enum lem_status st = LEM_OK;
    for (; n_row > 0 && st == LEM_OK; n_row--) {
        memcpy(w->out + n, line->data + next(w) % n_start * type->block_bytes, row);
        n += row;
        if (n_row == 1 || n + row > OUT_BYTES) {
            st = gguf_out_data(out, w->out, n);
            n = 0;
        }
    }
    return st;
}
