/* compile.c - kernels of drivers that compile at the first run: one after the other, on
 * the thread of their queue. A second device has a queue of its own, and what it compiles
 * the first one finds in the driver's cache. */
#include "gpu/list.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* What is cached runs within that; only then a second device is worth its making. */
static const uint64_t patience_ns = 200000000;

struct item {
    const struct gpu_dispatch *dispatch; /* the first one of a kernel */
    uint64_t code_bytes;
};

/* What both threads work on; `lock` is over the last part. */
struct work {
    struct lem_device *device;
    struct item *item; /* one for each kernel, the largest first */
    uint32_t n;
    uint64_t patience_ns; /* of the helper */
    struct mutex lock;
    struct cond finished;
    uint32_t next, n_done, n_helped;
};

/* ---- what there is to do ------------------------------------------------------ */

static int by_size(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    return (x->code_bytes < y->code_bytes) - (x->code_bytes > y->code_bytes);
}

static bool has(const struct work *w, const struct gpu_kernel *kernel)
{
    for (uint32_t i = 0; i < w->n; i++)
        if (w->item[i].dispatch->kernel == kernel)
            return true;
    return false;
}

static bool find_work(struct gpu_list *const *lists, uint32_t n, struct work *w)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < n; i++)
        most += lists[i] ? lists[i]->n : 0;
    w->item = calloc((size_t)most + 1, sizeof *w->item);
    if (!w->item)
        return false;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; lists[i] && k < lists[i]->n; k++) {
            const struct gpu_dispatch *d = &lists[i]->entry[k].d;
            if (!has(w, d->kernel))
                w->item[w->n++] = (struct item){d, d->kernel->shader->size};
        }
    qsort(w->item, w->n, sizeof *w->item, by_size);
    return true;
}

/* The next one, or NULL. */
static const struct gpu_dispatch *take(struct work *w)
{
    mutex_lock(&w->lock);
    const struct gpu_dispatch *d = w->next < w->n ? w->item[w->next++].dispatch : NULL;
    if (w->next == w->n)
        cond_wake_all(&w->finished);
    mutex_unlock(&w->lock);
    return d;
}

/* One more is compiled; returns how many are. */
static uint32_t finish(struct work *w)
{
    mutex_lock(&w->lock);
    const uint32_t n = ++w->n_done;
    mutex_unlock(&w->lock);
    return n;
}

/* The dispatch without a workgroup: compiled, and nothing is run. */
static enum lem_status compile(struct lem_device *device, struct gpu_dispatch d)
{
    static const uint8_t push[GPU_MAX_PUSH];
    d.push = push;
    d.indirect = (struct gpu_slice){0};
    d.group[0] = d.group[2] = 1;
    d.rows_per_group = 1;
    struct gpu_list *list;
    enum lem_status st = gpu_list_open(device, "compile", false, &list);
    if (st == LEM_OK)
        st = gpu_list_add(list, &d);
    if (st == LEM_OK)
        st = gpu_list_run(&list, 1, 0, NULL);
    gpu_list_close(&list);
    return st;
}

/* ---- the second device ---------------------------------------------------------- */

/* Buffers there, of the same sizes: compilers look at those. Nobody touches their bytes,
 * so drivers whose memory is the system's take none for them. */
struct copies {
    struct lem_device *device;
    struct {
        const struct gpu_buf *of;
        struct gpu_buf *buf;
    } * pair;
    uint32_t n;
};

static enum lem_status copy_buf(struct copies *c, struct gpu_buf **buf)
{
    for (uint32_t i = 0; i < c->n; i++)
        if (c->pair[i].of == *buf) {
            *buf = c->pair[i].buf;
            return LEM_OK;
        }
    const struct gpu_buf *of = *buf;
    const enum lem_status st =
        gpu_buf_open_blank(c->device, of->kind, of->size, of->name, buf);
    if (st == LEM_OK) {
        c->pair[c->n].of = of;
        c->pair[c->n++].buf = *buf;
    }
    return st;
}

static enum lem_status compile_copy(struct copies *c, struct gpu_dispatch d)
{
    const struct gpu_kernel *k = d.kernel;
    enum lem_status st =
        gpu_kernel_get(c->device, k->name, k->constant, k->n_constant, &d.kernel);
    for (uint32_t i = 0; i < GPU_MAX_BINDING && st == LEM_OK; i++)
        if (d.bind[i].buf)
            st = copy_buf(c, &d.bind[i].buf);
    return st == LEM_OK ? compile(c->device, d) : st;
}

/* What fails here is left to the first device, which finds out itself. */
static void compile_rest(struct work *w)
{
    struct copies c = {0};
    const struct gpu_dispatch *d;
    c.pair = calloc((size_t)w->n * GPU_MAX_BINDING, sizeof *c.pair);
    enum lem_status st = c.pair ? gpu_twin_open(w->device, &c.device) : LEM_ERR_MEMORY;
    while (st == LEM_OK && (d = take(w)) != NULL) {
        st = compile_copy(&c, *d);
        if (st == LEM_OK) {
            w->n_helped++;
            finish(w);
        }
    }
    for (uint32_t i = 0; i < c.n; i++)
        gpu_buf_close(&c.pair[i].buf);
    gpu_twin_close(&c.device);
    free(c.pair);
}

static void help(void *arg)
{
    struct work *w = arg;
    const uint64_t start = clock_ns();
    uint64_t gone = 0;
    mutex_lock(&w->lock);
    while (w->next < w->n && (gone = clock_ns() - start) < w->patience_ns)
        cond_wait_for(&w->finished, &w->lock, w->patience_ns - gone);
    const bool wanted = w->next < w->n;
    mutex_unlock(&w->lock);
    if (wanted)
        compile_rest(w);
}

/* ---- both ------------------------------------------------------------------------ */

static enum lem_status compile_all(struct work *w, const struct lem_progress *progress)
{
    const struct gpu_dispatch *d;
    enum lem_status st = LEM_OK;
    while (st == LEM_OK && (d = take(w)) != NULL) {
        st = compile(w->device, *d);
        if (st == LEM_OK)
            log_progress(progress, "kernels compiled", finish(w), w->n);
    }
    while (take(w)) /* after a failure nothing is left for the helper */
        ;
    return st;
}

enum lem_status gpu_lists_compile_with(struct gpu_list *const *lists, uint32_t n,
                                       bool helper_alone, uint64_t patience,
                                       const struct lem_progress *progress,
                                       uint32_t *n_helped)
{
    struct work w = {.device = lists[0]->device,
                     .patience_ns = helper_alone ? 0 : patience};
    if (!find_work(lists, n, &w))
        return log_fail(&w.device->log, LEM_ERR_MEMORY, "no memory to compile kernels");
    mutex_init(&w.lock);
    cond_init(&w.finished);
    struct thread helper;
    const bool helped = w.n > 0 && thread_start(&helper, help, &w);
    const enum lem_status st = helper_alone ? LEM_OK : compile_all(&w, progress);
    if (helped)
        thread_join(&helper);
    if (st == LEM_OK && w.n_helped && !helper_alone)
        log_progress(progress, "kernels compiled", w.n, w.n);
    cond_finish(&w.finished);
    mutex_finish(&w.lock);
    free(w.item);
    *n_helped = w.n_helped;
    return st;
}

enum lem_status gpu_lists_compile(struct gpu_list *const *lists, uint32_t n,
                                  const struct lem_progress *progress)
{
    uint32_t n_helped;
    const struct lem_device *d = lists[0]->device;
    if (!d->physical.compiles_late || thread_cpus() < 2 || d->instance.messenger)
        return LEM_OK; /* with validation all is told on one thread */
    return gpu_lists_compile_with(lists, n, false, patience_ns, progress, &n_helped);
}
