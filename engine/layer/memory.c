/* memory.c - how many rows one submission takes, and the buffers for them. */
#include "layer/layer.h"

#include "base/check.h"
#include "base/log.h"

/* Workgroups that Vulkan promises along an axis: rows, and tiles of grouped pairs. */
enum { MAX_GROUPS = 65535, DEFAULT_BATCH = 256 };

/* ---- rows between the steps ------------------------------------------------------ */

/* Rows of this width that are not rows[except]; new ones where there are none. */
static uint32_t find_rows(struct lem_layer *l, uint32_t width, uint32_t except)
{
    for (uint32_t i = 0; i < l->n_rows; i++)
        if (l->rows[i].width == width && i != except)
            return i;
    l->rows[l->n_rows] =
        (struct layer_rows){.width = width, .stride = round_up(width, LAYER_ALIGN)};
    return l->n_rows++;
}

static enum lem_status assign_rows(struct lem_layer *l)
{
    l->rows = arena_alloc(&l->arena, 2 * (size_t)l->n_dense, sizeof *l->rows);
    if (!l->rows)
        return log_fail(&l->log, LEM_ERR_MEMORY, "no memory for %u dense layers",
                        l->n_dense);
    uint32_t from = UINT32_MAX; /* the input is elsewhere */
    for (uint32_t i = 0; i < l->n_dense; i++) {
        struct layer_dense *d = &l->dense[i];
        d->product = find_rows(l, d->n_row, from);
        d->result =
            d->act == LEM_ACT_SWIGLU ? find_rows(l, d->n_out, d->product) : d->product;
        from = d->result;
    }
    l->rows[from].readback = l->keep_responses;
    return LEM_OK;
}

/* ---- sizes ----------------------------------------------------------------------- */

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Most 32-bit words that any buffer has for one row of the input. */
static uint64_t words_per_row(const struct lem_layer *l)
{
    uint64_t n = larger(l->stride_x, larger(l->stride_logits, l->stride_y));
    n = larger(n, 2 * (uint64_t)l->info.n_used);
    for (uint32_t i = 0; i < l->n_rows; i++)
        n = larger(n, (uint64_t)l->n_slot * l->rows[i].stride);
    return n;
}

static enum lem_status choose_batch(struct lem_layer *l, uint32_t wanted)
{
    const uint64_t range = gpu_caps(l->device)->max_buffer_range;
    const uint64_t limit = range < WEIGHTS_MAX_BINDING ? range : WEIGHTS_MAX_BINDING;
    const uint64_t most = limit / sizeof(float) / words_per_row(l);
    if (most == 0)
        return log_fail(&l->log, LEM_ERR_UNSUPPORTED,
                        "one row takes %llu bytes in a buffer, \"%s\" binds %llu; use "
                        "narrower experts or fewer at a time",
                        (unsigned long long)(words_per_row(l) * sizeof(float)),
                        gpu_name(l->device), (unsigned long long)limit);
    uint32_t n = wanted ? wanted : DEFAULT_BATCH;
    n = n < most ? n : (uint32_t)most;
    n = n < MAX_GROUPS ? n : MAX_GROUPS;
    while (n > 1 && op_group_max_tile(n, l->n_slot, l->info.n_expert) > MAX_GROUPS)
        n -= n / 8 + 1 < n ? n / 8 + 1 : n - 1;
    l->info.n_batch = n;
    return LEM_OK;
}

/* ---- buffers --------------------------------------------------------------------- */

static enum lem_status open_buf(struct lem_layer *l, struct gpu_buf **buf,
                                enum gpu_buf_kind kind, uint64_t rows, uint64_t words,
                                const char *name)
{
    const uint64_t bytes = rows * words * sizeof(float);
    const enum lem_status st = gpu_buf_open(l->device, kind, bytes, name, buf);
    if (st == LEM_OK)
        l->info.device_bytes += bytes;
    return st;
}

static enum lem_status open_gate(struct lem_layer *l, struct layer_gate *g)
{
    const uint64_t n = l->info.n_batch, n_expert = l->info.n_expert;
    const struct {
        struct gpu_buf **buf;
        enum gpu_buf_kind kind;
        const char *name;
        uint64_t rows, words;
    } all[] = {
        {&g->values, GPU_BUF_UPLOAD, "gate values", 1, n_expert},
        {&g->policy, GPU_BUF_UPLOAD, "gate policy", 1, 1 + n_expert},
        {&g->ids, GPU_BUF_DEVICE, "gate ids", n, g->n_used},
        {&g->weights, GPU_BUF_DEVICE, "gate weights", n, g->n_used},
        {&g->tap, GPU_BUF_READBACK, "gate tap", n, 2 * (uint64_t)g->n_used},
        {&g->y, GPU_BUF_READBACK, "y", n, l->stride_y},
    };
    enum lem_status st = LEM_OK;
    if (g->linear)
        st = open_buf(l, &g->logits, GPU_BUF_DEVICE, n, l->stride_logits, "gate logits");
    for (size_t i = 0; i < sizeof all / sizeof *all && st == LEM_OK; i++)
        st = open_buf(l, all[i].buf, all[i].kind, all[i].rows, all[i].words, all[i].name);
    return st;
}

/* Arguments of the grouped matmuls: OPS_GROUP_MAX_ARG from one op_group at a time. */
static uint64_t args_words(const struct lem_layer *l)
{
    const uint64_t n_group = ceil_div(l->n_dense, OPS_GROUP_MAX_ARG);
    return n_group * LAYER_ARGS_BYTES / sizeof(uint32_t);
}

static enum lem_status open_shared(struct lem_layer *l)
{
    const uint64_t n = l->info.n_batch, n_pair = n * l->n_slot;
    const uint32_t n_tile =
        op_group_max_tile(l->info.n_batch, l->n_slot, l->info.n_expert);
    enum lem_status st =
        open_buf(l, &l->step, GPU_BUF_UPLOAD, 1, sizeof(struct step_params) / 4, "step");
    if (st == LEM_OK)
        st = open_buf(l, &l->draw, GPU_BUF_UPLOAD, 1, sizeof(struct draw_params) / 4,
                      "draw");
    if (st == LEM_OK)
        st = open_buf(l, &l->x, GPU_BUF_DEVICE, n, l->stride_x, "x");
    if (st == LEM_OK && l->info.n_gate > 1)
        st = open_buf(l, &l->all_ids, GPU_BUF_DEVICE, n, l->info.n_expert, "all ids");
    if (st == LEM_OK)
        st = open_buf(l, &l->pairs, GPU_BUF_DEVICE, 1, n_pair, "pairs");
    if (st == LEM_OK)
        st = open_buf(l, &l->tiles, GPU_BUF_DEVICE, n_tile, 4, "tiles");
    if (st == LEM_OK)
        st = open_buf(l, &l->args, GPU_BUF_DEVICE, 1, args_words(l), "args");
    for (uint32_t i = 0; i < l->n_rows && st == LEM_OK; i++)
        st = open_buf(l, &l->rows[i].buf,
                      l->rows[i].readback ? GPU_BUF_READBACK : GPU_BUF_DEVICE, n_pair,
                      l->rows[i].stride, "expert rows");
    if (st == LEM_OK && !gpu_buf_map(l->x))
        st = gpu_upload_open(l->device, gpu_buf_size(l->x), 1, &l->upload);
    return st;
}

enum lem_status layer_memory_open(struct lem_layer *l, const struct lem_layer_params *p)
{
    l->stride_logits = round_up(l->info.n_expert, LAYER_ALIGN);
    l->stride_y = round_up(l->info.n_out, LAYER_ALIGN);
    l->n_slot = l->info.n_gate > 1 ? l->info.n_expert : l->gate[0].n_used;
    enum lem_status st = assign_rows(l);
    if (st == LEM_OK)
        st = choose_batch(l, p->n_batch);
    if (st == LEM_OK)
        st = open_shared(l);
    for (uint32_t g = 0; g < l->info.n_gate && st == LEM_OK; g++)
        st = open_gate(l, &l->gate[g]);
    l->info.device_bytes += l->info.weight_bytes;
    return st;
}

void layer_memory_close(struct lem_layer *l)
{
    struct gpu_buf **const shared[] = {&l->step,  &l->draw,  &l->x,   &l->all_ids,
                                       &l->pairs, &l->tiles, &l->args};
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++)
        gpu_buf_close(shared[i]);
    for (uint32_t i = 0; i < l->n_rows; i++)
        gpu_buf_close(&l->rows[i].buf);
    for (uint32_t i = 0; l->gate && i < l->info.n_gate; i++) {
        struct layer_gate *g = &l->gate[i];
        struct gpu_buf **const all[] = {&g->values,  &g->policy, &g->logits, &g->ids,
                                        &g->weights, &g->tap,    &g->y};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++)
            gpu_buf_close(all[k]);
    }
    gpu_upload_close(&l->upload);
}
