/* run.c - rows through a layer, n_batch at a time. */
#include "layer/layer.h"

#include <math.h>
#include <string.h>

#include "base/log.h"

static enum lem_status check_io(const struct lem_layer *l, const struct lem_layer_io *io)
{
    if (!io || !io->x || !io->y)
        return log_fail(&l->log, LEM_ERR_ARGUMENT,
                        "lem_layer_run: %s is NULL; give rows in and room for rows out",
                        !io     ? "io"
                        : io->x ? "y"
                                : "x");
    if (io->n_row == 0)
        return log_fail(&l->log, LEM_ERR_ARGUMENT,
                        "lem_layer_run: n_row is 0; give one row at least");
    if (io->responses && !l->keep_responses)
        return log_fail(&l->log, LEM_ERR_ARGUMENT,
                        "lem_layer_run: responses are not kept; open the layer with "
                        "keep_responses");
    for (uint32_t r = 0; r < io->n_row; r++)
        for (uint32_t i = 0; i < l->info.n_in; i++) {
            const float v = io->x[(size_t)r * l->info.n_in + i];
            if (!isfinite(v))
                return log_fail(&l->log, LEM_ERR_ARGUMENT,
                                "lem_layer_run: x[%u][%u] is %g; all values must be "
                                "finite",
                                r, i, (double)v);
        }
    return LEM_OK;
}

/* ---- in -------------------------------------------------------------------------- */

/* Each slice at its place, with zeros behind it. */
static void fill_rows(const struct lem_layer *l, const float *x, uint32_t n, float *dst)
{
    for (uint32_t r = 0; r < n; r++, x += l->info.n_in, dst += l->stride_x)
        for (uint32_t i = 0; i < l->n_slice; i++) {
            const struct layer_slice *s = &l->slice[i];
            const uint32_t end = i + 1 < l->n_slice ? s[1].at : l->stride_x;
            memcpy(dst + s->at, x + s->x_off, s->n * sizeof *x);
            memset(dst + s->at + s->n, 0, (end - s->at - s->n) * sizeof *x);
        }
}

static enum lem_status put_rows(struct lem_layer *l, const float *x, uint32_t n)
{
    void *dst = gpu_buf_map(l->x);
    if (dst) {
        fill_rows(l, x, n, dst);
        return LEM_OK;
    }
    enum lem_status st = gpu_upload_slot(l->upload, &dst);
    if (st != LEM_OK)
        return st;
    fill_rows(l, x, n, dst);
    st = gpu_upload_send(l->upload, l->x, 0, (uint64_t)n * l->stride_x * sizeof *x);
    return st == LEM_OK ? gpu_upload_finish(l->upload) : st;
}

static void put_params(struct lem_layer *l, uint32_t n, uint64_t row)
{
    const struct step_params step = {.n_token = n, .n_out = n};
    const struct draw_params draw = {.seed_lo = (uint32_t)l->seed,
                                     .seed_hi = (uint32_t)(l->seed >> 32),
                                     .row_lo = (uint32_t)row,
                                     .row_hi = (uint32_t)(row >> 32)};
    memcpy(gpu_buf_map(l->step), &step, sizeof step);
    memcpy(gpu_buf_map(l->draw), &draw, sizeof draw);
}

/* ---- out: rows [done, done + n) of io ---------------------------------------------- */

/* One entry of the tap: {id, bits of the weight}. */
static const uint32_t *tap_of(const struct layer_gate *g, uint32_t row, uint32_t k)
{
    const uint32_t *tap = gpu_buf_map(g->tap);
    return tap + 2 * ((size_t)row * g->n_used + k);
}

static void take_routing(const struct lem_layer *l, const struct lem_layer_io *io,
                         uint32_t i, uint32_t done, uint32_t n)
{
    const struct layer_gate *g = &l->gate[i];
    const uint32_t n_used = l->info.n_used;
    for (uint32_t r = 0; r < n; r++)
        for (uint32_t k = 0; k < n_used; k++) {
            const size_t to = ((size_t)i * io->n_row + done + r) * n_used + k;
            const uint32_t none[] = {ROUTER_NO_EXPERT, 0};
            const uint32_t *entry = k < g->n_used ? tap_of(g, r, k) : none;
            if (io->ids) /* ROUTER_NO_EXPERT becomes LEM_NO_EXPERT */
                io->ids[to] = (uint16_t)entry[0];
            if (io->weights)
                memcpy(&io->weights[to], &entry[1], sizeof *io->weights);
        }
}

static void take_y(const struct lem_layer *l, const struct lem_layer_io *io, uint32_t i,
                   uint32_t done, uint32_t n)
{
    const float *src = gpu_buf_map(l->gate[i].y);
    const uint32_t n_out = l->info.n_out;
    float *dst = io->y + ((size_t)i * io->n_row + done) * n_out;
    for (uint32_t r = 0; r < n; r++)
        memcpy(dst + (size_t)r * n_out, src + (size_t)r * l->stride_y,
               n_out * sizeof *dst);
}

/* With one gate results stand by slot, with several by expert: two gates that chose the
 * same one find the same row. */
static void take_responses(const struct lem_layer *l, const struct lem_layer_io *io,
                           uint32_t i, uint32_t done, uint32_t n)
{
    const struct layer_gate *g = &l->gate[i];
    const struct layer_rows *rows = &l->rows[l->dense[l->n_dense - 1].result];
    const float *src = gpu_buf_map(rows->buf);
    const uint32_t n_out = l->info.n_out;
    for (uint32_t r = 0; r < n; r++)
        for (uint32_t k = 0; k < g->n_used; k++) {
            const uint32_t id = tap_of(g, r, k)[0];
            if (id == ROUTER_NO_EXPERT)
                continue;
            const uint32_t slot = l->info.n_gate > 1 ? id : k;
            const size_t to = ((size_t)(done + r) * l->info.n_expert + id) * n_out;
            memcpy(io->responses + to,
                   src + ((size_t)r * l->n_slot + slot) * rows->stride,
                   n_out * sizeof *src);
        }
}

static void take(const struct lem_layer *l, const struct lem_layer_io *io, uint32_t done,
                 uint32_t n)
{
    const size_t all = (size_t)l->info.n_expert * l->info.n_out;
    if (io->responses)
        memset(io->responses + done * all, 0, n * all * sizeof(float));
    for (uint32_t i = 0; i < l->info.n_gate; i++) {
        take_y(l, io, i, done, n);
        if (io->ids || io->weights)
            take_routing(l, io, i, done, n);
        if (io->responses)
            take_responses(l, io, i, done, n);
    }
}

enum lem_status lem_layer_run(struct lem_layer *l, const struct lem_layer_io *io)
{
    if (!l)
        return LEM_ERR_ARGUMENT;
    enum lem_status st = check_io(l, io);
    for (uint32_t done = 0; st == LEM_OK && done < io->n_row;) {
        const uint32_t left = io->n_row - done;
        const uint32_t n = left < l->info.n_batch ? left : l->info.n_batch;
        put_params(l, n, l->row + done);
        st = put_rows(l, io->x + (size_t)done * l->info.n_in, n);
        if (st == LEM_OK)
            st = gpu_list_run(&l->list, 1, n, NULL);
        if (st == LEM_OK)
            take(l, io, done, n);
        done += n;
    }
    if (st == LEM_OK)
        l->row += io->n_row;
    return st;
}
