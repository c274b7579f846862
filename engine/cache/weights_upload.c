/* weights_upload.c - packing the tensors into the chunks, by as many threads as there are
 * processors. */
#include "cache/weights_upload.h"

#include <stdatomic.h>

#include "base/log.h"
#include "base/thread.h"
#include "cache/weights_piece.h"

enum {
    MAX_WORKER = 16,
    /* Written in place: larger than the system's largest pages, which two threads should
     * not meet for the first time at once. */
    PLACED_BYTES = 4 << 20,
    /* Through staging memory, of which there is this much in all for tiles of usual size.
     */
    STAGED_BYTES = 1 << 20,
    MAX_STAGING_WORKER = 8,
    N_SLOT = 2, /* one is filled while the other is copied */
    AHEAD = 2   /* pieces of each worker that the system reads before they are due */
};

struct job {
    struct lem_weights *w;
    struct weights_pieces pieces;
    uint64_t total;
    uint32_t n_ahead;
    atomic_uint next;       /* the next piece nobody works on */
    struct mutex lock;      /* guards what follows and the progress callback */
    enum lem_status status; /* the first failure: all stop */
    uint64_t done;
    const struct lem_progress *progress;
};

/* The next piece to work on, after one of `done` bytes; NULL: none is left, or somebody
 * failed. */
static const struct weights_piece *next_piece(struct job *job, uint64_t done)
{
    mutex_lock(&job->lock);
    const bool go = job->status == LEM_OK;
    if (go && done) {
        job->done += done;
        log_progress(job->progress, "loading weights", job->done, job->total);
    }
    mutex_unlock(&job->lock);
    const uint32_t i = go ? atomic_fetch_add(&job->next, 1) : job->pieces.n;
    if (i >= job->pieces.n)
        return NULL;
    if (job->pieces.n - i > job->n_ahead)
        weights_piece_expect(job->w->model, &job->pieces.at[i + job->n_ahead]);
    return &job->pieces.at[i];
}

/* What fails in a ring is told by the caller's thread, after the work. */
struct worker {
    struct job *job;
    struct gpu_upload *ring; /* NULL where all is mapped */
    struct thread thread;
};

/* NULL after a failure of anybody. */
static void *take_slot(struct worker *me)
{
    struct job *job = me->job;
    void *slot = NULL;
    mutex_lock(&job->lock);
    if (job->status == LEM_OK)
        job->status = gpu_upload_slot(me->ring, &slot);
    mutex_unlock(&job->lock);
    return slot;
}

static void stage(struct worker *me, const struct weights_piece *p)
{
    struct job *job = me->job;
    void *slot = take_slot(me);
    if (!slot)
        return;
    weights_piece_pack(job->w->model, p, slot);
    mutex_lock(&job->lock);
    if (job->status == LEM_OK)
        job->status =
            gpu_upload_send(me->ring, job->w->chunk[p->chunk], p->offset, p->bytes);
    mutex_unlock(&job->lock);
}

static void work(void *arg)
{
    struct worker *me = arg;
    struct job *job = me->job;
    const struct weights_piece *p;
    for (uint64_t done = 0; (p = next_piece(job, done)) != NULL; done = p->bytes) {
        uint8_t *map = gpu_buf_map(job->w->chunk[p->chunk]);
        if (map)
            weights_piece_pack(job->w->model, p, map + p->offset);
        else
            stage(me, p);
    }
}

/* The first worker is this thread. */
static void run(struct job *job, struct worker *worker, uint32_t n)
{
    uint32_t started = 1;
    job->n_ahead = AHEAD * n;
    for (uint32_t i = 0; i < job->n_ahead && i < job->pieces.n; i++)
        weights_piece_expect(job->w->model, &job->pieces.at[i]);
    while (started < n && thread_start(&worker[started].thread, work, &worker[started]))
        started++;
    work(&worker[0]);
    while (started > 1)
        thread_join(&worker[--started].thread);
}

static enum lem_status open_rings(const struct job *job, struct worker *worker,
                                  uint32_t n)
{
    enum lem_status st = LEM_OK;
    for (uint32_t i = 0; i < n && st == LEM_OK; i++) {
        st = gpu_upload_open(job->w->device, job->pieces.most_bytes, N_SLOT,
                             &worker[i].ring);
        if (st == LEM_OK)
            gpu_upload_keep_quiet(worker[i].ring);
    }
    return st;
}

/* After the workers: messages belong on the caller's thread, and there is at most one,
 * because nobody used a ring after the first failure. */
static enum lem_status finish_rings(const struct job *job, const struct worker *worker,
                                    uint32_t n)
{
    enum lem_status st = LEM_OK;
    for (uint32_t i = 0; i < n && st == LEM_OK; i++)
        st = gpu_upload_tell(worker[i].ring);
    if (st == LEM_OK)
        st = job->status;
    for (uint32_t i = 0; i < n && st == LEM_OK; i++)
        st = gpu_upload_finish(worker[i].ring);
    return st;
}

static enum lem_status upload(struct job *job, uint32_t n_worker, bool mapped)
{
    struct worker worker[MAX_WORKER] = {0};
    const uint32_t n_ring = mapped ? 0 : n_worker;
    for (uint32_t i = 0; i < MAX_WORKER; i++)
        worker[i].job = job;
    enum lem_status st = open_rings(job, worker, n_ring);
    if (st == LEM_OK) {
        run(job, worker, n_worker);
        st = finish_rings(job, worker, n_ring);
    }
    for (uint32_t i = 0; i < n_ring; i++)
        gpu_upload_close(&worker[i].ring);
    return st;
}

enum lem_status weights_upload(const struct weights_layout *layout, struct lem_weights *w,
                               const struct lem_progress *progress)
{
    struct job job = {.w = w, .total = layout->total_bytes, .progress = progress};
    bool mapped = true;
    for (uint32_t i = 0; i < w->n_chunk; i++)
        mapped = mapped && gpu_buf_map(w->chunk[i]);
    enum lem_status st = weights_pieces_cut(layout, mapped ? PLACED_BYTES : STAGED_BYTES,
                                            &w->log, &job.pieces);
    if (st != LEM_OK)
        return st;
    const uint32_t most = mapped ? MAX_WORKER : MAX_STAGING_WORKER;
    const uint32_t n_cpu = thread_cpus() < job.pieces.n ? thread_cpus() : job.pieces.n;
    atomic_init(&job.next, 0);
    mutex_init(&job.lock);
    if (job.pieces.n)
        st = upload(&job, n_cpu < most ? n_cpu : most, mapped);
    mutex_finish(&job.lock);
    weights_pieces_free(&job.pieces);
    return st;
}
