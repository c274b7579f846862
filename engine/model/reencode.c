/* reencode.c - the weights of one tensor from one type to another, by several threads.
 * A tensor goes through memory in windows of a few pieces; a piece is what a thread
 * takes at a time. */
#include "model/reencode.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/thread.h"

/* A multiple of every type's block, so that pieces begin with a block. */
enum { PIECE = 64 * 1024, WINDOW = 64, MAX_THREAD = 64, MAX_BYTES_PER_WEIGHT = 4 };

/* What a piece gives; merged in order of pieces, so that sums do not depend on threads.
 */
struct outcome {
    double squares; /* of the differences */
    float low, high;
    bool finite, fits; /* the old values; the new ones */
};

struct worker {
    struct reencoder *owner;
    struct thread thread;
    float *old, *new; /* [PIECE] */
};

struct reencoder {
    struct reencoder_params params;
    uint64_t done; /* weights */
    uint32_t n_worker;
    struct worker worker[MAX_THREAD];
    uint8_t *window; /* [WINDOW * PIECE] weights, encoded */
    struct outcome outcome[WINDOW];
    /* the window under way */
    const struct quant_info *from, *to;
    const uint8_t *src;
    uint64_t n_weight;
    atomic_uint next;
};

enum lem_status reencoder_open(const struct reencoder_params *params,
                               struct reencoder **out)
{
    const uint32_t n_thread = params->n_thread ? params->n_thread : thread_cpus();
    struct reencoder *r = calloc(1, sizeof *r);
    bool have = r != NULL;
    *out = r;
    if (r) {
        r->params = *params;
        r->n_worker = n_thread < MAX_THREAD ? n_thread : MAX_THREAD;
        r->window = malloc((size_t)WINDOW * PIECE * MAX_BYTES_PER_WEIGHT);
        have = r->window != NULL;
        for (uint32_t i = 0; i < r->n_worker; i++) {
            struct worker *w = &r->worker[i];
            w->owner = r;
            w->old = malloc(PIECE * sizeof *w->old);
            w->new = malloc(PIECE * sizeof *w->new);
            have = have && w->old && w->new;
        }
    }
    if (have)
        return LEM_OK;
    reencoder_close(out);
    return log_fail(&params->log, LEM_ERR_MEMORY,
                    "no memory to encode weights with %u threads; use fewer", n_thread);
}

void reencoder_close(struct reencoder **r)
{
    if (!*r)
        return;
    for (uint32_t i = 0; i < (*r)->n_worker; i++) {
        free((*r)->worker[i].old);
        free((*r)->worker[i].new);
    }
    free((*r)->window);
    free(*r);
    *r = NULL;
}

static uint64_t bytes_of(const struct quant_info *q, uint64_t n)
{
    return n / q->block_weights * q->block_bytes;
}

static struct outcome compare(const float *old, const float *new, uint64_t n)
{
    struct outcome o = {.low = old[0], .high = old[0], .finite = true, .fits = true};
    for (uint64_t i = 0; i < n; i++) {
        const double e = (double)old[i] - (double)new[i];
        o.squares += e * e;
        o.low = fminf(o.low, old[i]);
        o.high = fmaxf(o.high, old[i]);
        o.finite = o.finite && isfinite(old[i]);
        o.fits = o.fits && isfinite(new[i]);
    }
    return o;
}

static void work(void *arg)
{
    struct worker *w = arg;
    struct reencoder *r = w->owner;
    for (;;) {
        const uint64_t piece = atomic_fetch_add(&r->next, 1);
        const uint64_t at = piece * PIECE;
        if (at >= r->n_weight)
            return;
        const uint64_t n = r->n_weight - at < PIECE ? r->n_weight - at : PIECE;
        uint8_t *dst = r->window + bytes_of(r->to, at);
        r->from->decode(r->src + bytes_of(r->from, at), w->old, n);
        r->to->encode(w->old, dst, n);
        r->to->decode(dst, w->new, n);
        r->outcome[piece] = compare(w->old, w->new, n);
    }
}

static void run_window(struct reencoder *r, const uint8_t *src, uint64_t n)
{
    r->src = src;
    r->n_weight = n;
    atomic_store(&r->next, 0);
    uint32_t started = 1; /* worker 0 is this thread */
    while (started < r->n_worker && (uint64_t)started * PIECE < n &&
           thread_start(&r->worker[started].thread, work, &r->worker[started]))
        started++;
    work(&r->worker[0]);
    for (uint32_t i = 1; i < started; i++)
        thread_join(&r->worker[i].thread);
}

static void merge(struct outcome *all, const struct outcome *o)
{
    all->squares += o->squares;
    all->low = fminf(all->low, o->low);
    all->high = fmaxf(all->high, o->high);
    all->finite = all->finite && o->finite;
    all->fits = all->fits && o->fits;
}

static enum lem_status check(const struct reencoder *r, const struct gguf_tensor *t,
                             const struct outcome *o)
{
    if (!o->finite)
        return log_fail(&r->params.log, LEM_ERR_FORMAT,
                        "tensor %s has weights that are not finite; the file is damaged, "
                        "convert it again",
                        t->name);
    if (!o->fits)
        return log_fail(&r->params.log, LEM_ERR_UNSUPPORTED,
                        "tensor %s has weights from %g to %g, too large for %s; choose "
                        "BF16 or F32",
                        t->name, (double)o->low, (double)o->high, r->to->name);
    return LEM_OK;
}

static void tell(struct reencoder *r, uint64_t n)
{
    r->done += n;
    log_progress(&r->params.progress, "writing weights", r->done, r->params.n_weight);
}

static enum lem_status convert(struct reencoder *r, const struct gguf_tensor *t,
                               const struct quant_info *to, struct gguf_out *out,
                               double *rmse)
{
    struct outcome all = {
        .low = INFINITY, .high = -INFINITY, .finite = true, .fits = true};
    enum lem_status st = LEM_OK;
    r->from = t->type;
    r->to = to;
    for (uint64_t at = 0; at < t->n_weight && st == LEM_OK;) {
        const uint64_t most = (uint64_t)WINDOW * PIECE;
        const uint64_t n = t->n_weight - at < most ? t->n_weight - at : most;
        run_window(r, t->data + bytes_of(t->type, at), n);
        for (uint64_t i = 0; i * PIECE < n; i++)
            merge(&all, &r->outcome[i]);
        st = check(r, t, &all);
        if (st == LEM_OK)
            st = gguf_out_data(out, r->window, bytes_of(to, n));
        at += n;
        tell(r, n);
    }
    const double range = (double)all.high - (double)all.low;
    *rmse = range > 0 ? sqrt(all.squares / (double)t->n_weight) / range : 0;
    return st;
}

enum lem_status reencode(struct reencoder *r, const struct gguf_tensor *t,
                         const struct quant_info *to, struct gguf_out *out, double *rmse)
{
    *rmse = 0;
    if (to == t->type) {
        tell(r, t->n_weight);
        return gguf_out_data(out, t->data, t->bytes);
    }
    if (!t->type->decode)
        return log_fail(&r->params.log, LEM_ERR_UNSUPPORTED,
                        "tensor %s is of type %s, which cannot be decoded here; start "
                        "from a file with F16, BF16 or Q8_0 weights",
                        t->name, t->type->name);
    return convert(r, t, to, out, rmse);
}
