/* trace_format.c - sizes, numbers and checks of a .lemtrace file. */
#include "trace/trace_format.h"

#include <string.h>

const char trace_magic[8] = {'L', 'E', 'M', 'T', 'R', 'A', 'C', 'E'};

uint32_t trace_slot_bytes(const struct lem_trace_facts *f)
{
    /* Each factor fits 16 bits, so that the product fits 64. */
    if (f->n_layer_moe > UINT16_MAX || f->n_expert > LEM_NO_EXPERT ||
        f->n_expert_used > f->n_expert || f->n_runner > LEM_TRACE_RUNNERS)
        return 0;
    if (f->n_layer_moe > 0 && f->n_expert_used == 0)
        return 0;
    const uint64_t n = trace_token_bytes(f);
    return n > TRACE_MAX_SLOT ? 0 : (uint32_t)((n + 7) / 8 * 8);
}

uint32_t trace_check(const uint8_t *data, size_t n)
{
    uint32_t h = 0x4c454d54;
    for (size_t i = 0; i + 4 <= n; i += 4) {
        h ^= trace_get_u32(data + i);
        h *= 0x9e3779b1;
        h ^= h >> 15;
    }
    return h;
}

uint16_t trace_get_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

uint32_t trace_get_u32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
           (uint32_t)at[3] << 24;
}

uint64_t trace_get_u64(const uint8_t *at)
{
    return trace_get_u32(at) | (uint64_t)trace_get_u32(at + 4) << 32;
}

float trace_get_f32(const uint8_t *at)
{
    const uint32_t bits = trace_get_u32(at);
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

void trace_put_u16(uint8_t *at, uint16_t v)
{
    at[0] = (uint8_t)v;
    at[1] = (uint8_t)(v >> 8);
}

void trace_put_u32(uint8_t *at, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(v >> (8 * i));
}

void trace_put_u64(uint8_t *at, uint64_t v)
{
    trace_put_u32(at, (uint32_t)v);
    trace_put_u32(at + 4, (uint32_t)(v >> 32));
}

void trace_put_f32(uint8_t *at, float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    trace_put_u32(at, bits);
}
