/* plan_memory.c - the buffers between the dispatches: sizes from the model. */
#include "plan/plan.h"

#include "base/check.h"
#include "base/log.h"

/* Rows start at multiples of 32 floats: one block of columns, see ops.h. */
enum { ROW_ALIGN = 32 };

static uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

struct wanted {
    struct gpu_buf **buf;
    enum gpu_buf_kind kind;
    const char *name;
    uint64_t rows;   /* 0: not needed */
    uint64_t stride; /* 32-bit words in a row */
};

static enum lem_status open_one(struct plan_memory *mem, const struct lem_weights *w,
                                const struct wanted *b)
{
    if (b->rows == 0 || b->stride == 0)
        return LEM_OK;
    const uint64_t bytes = b->rows * b->stride * sizeof(float);
    const uint64_t range = gpu_caps(w->device)->max_buffer_range;
    const uint64_t limit = range < WEIGHTS_MAX_BINDING ? range : WEIGHTS_MAX_BINDING;
    if (bytes > limit)
        return log_fail(&w->log, LEM_ERR_UNSUPPORTED,
                        "buffer \"%s\" for batches of %u tokens needs %llu bytes, over "
                        "the %llu that %s binds at once; use a smaller batch",
                        b->name, mem->max_rows, (unsigned long long)bytes,
                        (unsigned long long)limit, gpu_name(w->device));
    const enum lem_status st = gpu_buf_open(w->device, b->kind, bytes, b->name, b->buf);
    if (st == LEM_OK && (b->kind == GPU_BUF_DEVICE || gpu_is_unified(w->device)))
        mem->bytes += bytes;
    return st;
}

/* Floats of a row that a layer's mixing of tokens goes through, and of its result. */
static void widen(struct plan_memory *mem, const struct hparams *hp,
                  const struct layer_hparams *l)
{
    const struct latent_hparams *lat = &hp->latent;
    uint32_t qkv = (l->n_head + 2 * l->n_head_kv) * l->head_dim;
    uint32_t att = l->n_head * l->head_dim_v;
    if (l->has_state) {
        qkv = 3 * hp->n_embd;
        att = hp->n_embd;
    } else if (lat->kv_lora) {
        qkv = l->n_head * (lat->nope + hp->n_rot) + l->head_dim;
        att = max_u32(l->n_head * lat->value, lat->q_lora);
    }
    mem->stride_qkv = max_u32(mem->stride_qkv, round_up(qkv, ROW_ALIGN));
    mem->stride_att = max_u32(mem->stride_att, round_up(att, ROW_ALIGN));
}

static void set_strides(struct plan_memory *mem, const struct hparams *hp,
                        const struct arch_desc *arch)
{
    const uint32_t n_ff = max_u32(max_u32(hp->n_ff, hp->n_ff_exp), hp->n_ff_shared);
    for (uint32_t il = 0; il < hp->n_layer; il++)
        widen(mem, hp, &hp->layer[il]);
    if (arch->latent) { /* heads are read in whole blocks, also the last one */
        const struct latent_hparams *lat = &hp->latent;
        mem->stride_latent_q = round_up(hp->n_head * hp->head_dim, ROW_ALIGN);
        mem->stride_latent = round_up(
            max_u32(hp->n_head * lat->kv_lora, lat->q_lora) + ROW_ALIGN - 1, ROW_ALIGN);
    }
    mem->stride_open = ROW_ALIGN;
    mem->stride_x = round_up(hp->n_embd, ROW_ALIGN);
    mem->stride_router = round_up(max_u32(hp->n_expert, 1), ROW_ALIGN);
    mem->stride_glu = round_up(2 * n_ff, ROW_ALIGN);
    mem->stride_ff = round_up(n_ff, ROW_ALIGN);
    mem->stride_x_i8 = op_i8_stride(mem->stride_x);
    mem->stride_att_i8 = op_i8_stride(mem->stride_att);
    mem->stride_ff_i8 = op_i8_stride(mem->stride_ff);
    mem->stride_vocab = round_up(hp->n_vocab, ROW_ALIGN);
    mem->tap_row = hp->n_expert_used + 1;
    mem->tap_stride = mem->max_rows * mem->tap_row;
    mem->policy_stride = 1 + hp->n_expert;
}

/* Whether any matrix can be multiplied with bytes. */
static bool takes_i8(const struct lem_weights *w)
{
    bool any = op_takes_i8(w->device, weights_output(w));
    for (uint32_t il = 0; il < w->model->hp.n_layer; il++)
        for (int i = 0; i < W_LAYER_COUNT; i++)
            any = any || op_takes_i8(w->device, &w->layer[il].matrix[i]);
    return any;
}

/* What attention over shares of the positions needs, in the layer that needs most. */
static uint64_t part_bytes(const struct lem_weights *w, const struct kv *kv)
{
    const struct hparams *hp = &w->model->hp;
    uint64_t most = 0;
    for (uint32_t il = 0; il < hp->n_layer; il++) {
        const struct layer_hparams *l = &hp->layer[il];
        if (l->has_state)
            continue;
        const struct attn_params p = {.n_head = l->n_head,
                                      .n_head_kv = l->n_head_kv,
                                      .head_dim = l->head_dim,
                                      .head_dim_v = l->head_dim_v,
                                      .n_ctx = kv->n_ctx};
        const uint64_t bytes = op_attn_part_bytes(w->device, &p, kv->type, 1);
        most = bytes > most ? bytes : most;
    }
    return most;
}

static enum lem_status open_each(struct plan_memory *mem, const struct lem_weights *w,
                                 const struct wanted *all, size_t n)
{
    enum lem_status st = LEM_OK;
    for (size_t i = 0; i < n && st == LEM_OK; i++)
        st = open_one(mem, w, &all[i]);
    return st;
}

/* The logits stay where the device can reach them best if it picks the best of them. */
static enum lem_status open_logits(struct plan_memory *mem, const struct lem_weights *w,
                                   const struct plan_memory_params *p)
{
    const bool stay = p->pick && !gpu_is_unified(w->device);
    const uint64_t part = op_pick_part_bytes(w->device, w->model->hp.n_vocab);
    const struct wanted all[] = {
        {&mem->logits, stay ? GPU_BUF_DEVICE : GPU_BUF_READBACK, "logits", p->max_out,
         mem->stride_vocab},
        {&mem->row, GPU_BUF_READBACK, "row", stay, mem->stride_vocab},
        {&mem->best, GPU_BUF_READBACK, "best", p->pick, 2 * PICK_MOST},
        {&mem->pick_part, GPU_BUF_DEVICE, "pick_part", p->pick, part / sizeof(float)},
    };
    return open_each(mem, w, all, sizeof all / sizeof *all);
}

enum lem_status plan_memory_open(struct plan_memory *mem, const struct lem_weights *w,
                                 const struct past *past,
                                 const struct plan_memory_params *p)
{
    const struct lem_model *m = w->model;
    const struct hparams *hp = &m->hp;
    *mem = (struct plan_memory){.max_rows = p->max_rows, .max_out = p->max_out};
    set_strides(mem, hp, m->arch);
    const uint64_t n = p->max_rows, max_out = p->max_out;
    const uint64_t n_pair = n * hp->n_expert_used;
    /* A dense layer's gate and up rows share the experts' buffers. */
    const uint64_t n_glu = n_pair > n ? n_pair : n;
    const uint64_t moe = m->info.n_layer_moe ? 1 : 0;
    const uint64_t branch = m->arch->branch_norm, latent = m->arch->latent;
    const uint64_t shared = hp->n_ff_shared > 0;
    const uint64_t bytes = p->i8 && takes_i8(w);
    const uint64_t n_tile =
        moe ? op_group_max_tile(p->max_rows, hp->n_expert_used, hp->n_expert) : 0;

    const struct wanted all[] = {
        {&mem->step, GPU_BUF_UPLOAD, "step", 1, sizeof(struct step_params) / 4},
        {&mem->ids, GPU_BUF_UPLOAD, "ids", 1, n},
        {&mem->policy, GPU_BUF_UPLOAD, "policy", m->info.n_layer_moe, mem->policy_stride},
        {&mem->x, GPU_BUF_DEVICE, "x", n, mem->stride_x},
        {&mem->h, GPU_BUF_DEVICE, "h", n, mem->stride_x},
        {&mem->qkv, GPU_BUF_DEVICE, "qkv", n, mem->stride_qkv},
        {&mem->att, GPU_BUF_DEVICE, "att", n, mem->stride_att},
        {&mem->y, GPU_BUF_DEVICE, "y", n * branch, mem->stride_x},
        {&mem->sum, GPU_BUF_DEVICE, "sum", n * branch, mem->stride_x},
        {&mem->part, GPU_BUF_DEVICE, "part", 1, part_bytes(w, &past->kv) / sizeof(float)},
        {&mem->latent_q, GPU_BUF_DEVICE, "latent_q", n * latent, mem->stride_latent_q},
        {&mem->latent, GPU_BUF_DEVICE, "latent", n * latent, mem->stride_latent},
        {&mem->open, GPU_BUF_DEVICE, "open", n * shared, mem->stride_open},
        {&mem->router, GPU_BUF_DEVICE, "router", n * moe, mem->stride_router},
        {&mem->chosen, GPU_BUF_DEVICE, "chosen", moe, n_pair},
        {&mem->weight, GPU_BUF_DEVICE, "weight", moe, n_pair},
        {&mem->pairs, GPU_BUF_DEVICE, "pairs", moe, n_pair},
        {&mem->tiles, GPU_BUF_DEVICE, "tiles", n_tile, 4},
        {&mem->args, GPU_BUF_DEVICE, "args", moe * OPS_GROUP_MAX_ARG, 4},
        {&mem->glu, GPU_BUF_DEVICE, "glu", n_glu, mem->stride_glu},
        {&mem->ff, GPU_BUF_DEVICE, "ff", n_glu, mem->stride_ff},
        {&mem->slot, GPU_BUF_DEVICE, "slot", n_pair * moe, mem->stride_x},
        {&mem->out, GPU_BUF_DEVICE, "out", max_out, mem->stride_x},
        {&mem->h_i8, GPU_BUF_DEVICE, "h_i8", n * bytes, 4 * mem->stride_x_i8},
        {&mem->att_i8, GPU_BUF_DEVICE, "att_i8", n * bytes, 4 * mem->stride_att_i8},
        {&mem->ff_i8, GPU_BUF_DEVICE, "ff_i8", n_glu * bytes, 4 * mem->stride_ff_i8},
        {&mem->out_i8, GPU_BUF_DEVICE, "out_i8", max_out * bytes, 4 * mem->stride_x_i8},
        {&mem->tap, GPU_BUF_READBACK, "tap", p->tap ? m->info.n_layer_moe : 0,
         (uint64_t)2 * mem->tap_stride},
    };
    enum lem_status st = open_each(mem, w, all, sizeof all / sizeof *all);
    if (st == LEM_OK)
        st = open_logits(mem, w, p);
    if (st != LEM_OK)
        plan_memory_close(mem);
    return st;
}

void plan_memory_close(struct plan_memory *mem)
{
    struct gpu_buf **const all[] = {
        &mem->step,   &mem->ids,       &mem->policy, &mem->x,      &mem->h,
        &mem->qkv,    &mem->att,       &mem->router, &mem->chosen, &mem->weight,
        &mem->pairs,  &mem->tiles,     &mem->args,   &mem->glu,    &mem->ff,
        &mem->slot,   &mem->out,       &mem->logits, &mem->tap,    &mem->y,
        &mem->sum,    &mem->latent_q,  &mem->latent, &mem->open,   &mem->h_i8,
        &mem->att_i8, &mem->ff_i8,     &mem->out_i8, &mem->part,   &mem->row,
        &mem->best,   &mem->pick_part,
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        gpu_buf_close(all[i]);
    *mem = (struct plan_memory){0};
}
