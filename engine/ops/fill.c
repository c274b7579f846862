/* fill.c - buffers of random weights, for measurements. */
#include "ops/measure.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum { SAMPLE_ROWS = 64, SLOT_BYTES = 4 << 20, N_SLOT = 2 };

struct sample {
    uint8_t *data; /* SAMPLE_ROWS rows as they lie on the device */
    uint64_t bytes;
};

/* All zero where the type has no encoder. */
static bool make_sample(const struct quant_info *type, uint32_t n_col, struct sample *s)
{
    const uint64_t n = (uint64_t)SAMPLE_ROWS * n_col;
    uint64_t tile = 0, in_file = 0;
    (void)quant_tile_bytes(type, n_col, &tile);
    (void)quant_bytes(type, n, &in_file);
    s->bytes = tile * (SAMPLE_ROWS / QUANT_TILE_ROWS);
    s->data = calloc(1, (size_t)s->bytes);
    uint8_t *file = malloc((size_t)in_file);
    float *f = malloc((size_t)n * sizeof *f);
    const bool ok = s->data && file && f;
    if (ok && type->encode) {
        uint64_t x = 1; /* Knuth's MMIX generator */
        for (uint64_t i = 0; i < n; i++) {
            x = x * 6364136223846793005u + 1442695040888963407u;
            f[i] = (float)(x >> 40) * 0x1p-24f - 0.5f;
        }
        type->encode(f, file, n);
        quant_pack(type, file, SAMPLE_ROWS, n_col, s->data);
    }
    free(file);
    free(f);
    return ok;
}

static enum lem_status send(struct gpu_upload *up, struct gpu_buf *to,
                            const struct sample *s)
{
    const uint64_t piece = SLOT_BYTES / s->bytes * s->bytes;
    const uint64_t total = gpu_buf_size(to);
    enum lem_status st = LEM_OK;
    for (uint64_t at = 0; at < total && st == LEM_OK; at += piece) {
        const uint64_t n = total - at < piece ? total - at : piece;
        void *slot = NULL;
        st = gpu_upload_slot(up, &slot);
        for (uint64_t i = 0; i < n && st == LEM_OK; i += s->bytes)
            memcpy((uint8_t *)slot + i, s->data, (size_t)s->bytes);
        if (st == LEM_OK)
            st = gpu_upload_send(up, to, at, n);
    }
    return st == LEM_OK ? gpu_upload_finish(up) : st;
}

enum lem_status ops_fill_weights(struct gpu_buf *to, struct lem_device *device,
                                 const struct quant_info *type, uint32_t n_col)
{
    struct sample s = {0};
    struct gpu_upload *up = NULL;
    enum lem_status st =
        make_sample(type, n_col, &s)
            ? LEM_OK
            : log_fail(gpu_log(device), LEM_ERR_MEMORY, "no memory for weights");
    if (st == LEM_OK)
        st = gpu_upload_open(device, SLOT_BYTES, N_SLOT, &up);
    if (st == LEM_OK)
        st = send(up, to, &s);
    gpu_upload_close(&up);
    free(s.data);
    return st;
}
