/* trace_routing.c - the part of a token's slot that says which experts it took. */
#include <math.h>
#include <string.h>

#include "base/half.h"
#include "trace/trace_format.h"

/* Version 1 has 16 bits for an expert and no margins; see lemnos/trace.h. */
uint32_t trace_version(const struct lem_trace_facts *f)
{
    return f->margins ? LEM_TRACE_VERSION : 1;
}

static uint32_t id_bits(const struct lem_trace_facts *f)
{
    uint32_t bits = 1;
    if (!f->margins)
        return 16;
    while (f->n_expert >> bits)
        bits++;
    return bits;
}

/* Where things stand after the runners-up. */
struct place {
    size_t pairs, ids, weights, margins, end; /* bytes from the slot's start */
    uint32_t bits;
};

static struct place place_of(const struct lem_trace_facts *f)
{
    struct place p = {.pairs = (size_t)f->n_layer_moe * f->n_expert_used,
                      .bits = id_bits(f)};
    const size_t n_id = p.pairs + (f->margins ? f->n_layer_moe : 0);
    p.ids = TRACE_AT_RUNNERS + (size_t)f->n_runner * TRACE_RUNNER_BYTES;
    p.weights = p.ids + (n_id * p.bits + 7) / 8;
    p.margins = p.weights + 2 * p.pairs;
    p.end = p.margins + (f->margins ? 2 * (size_t)f->n_layer_moe : 0);
    return p;
}

uint64_t trace_token_bytes(const struct lem_trace_facts *f)
{
    return place_of(f).end;
}

/* Number `i` of `bits` bits each, the lowest bit first. After the last id at least a
 * weight and a margin follow, so that four bytes can be read at once. */
static uint16_t get_bits(const uint8_t *at, size_t i, uint32_t bits)
{
    const size_t bit = i * bits;
    if (bits == 16)
        return trace_get_u16(at + 2 * i);
    return (uint16_t)(trace_get_u32(at + bit / 8) >> (bit % 8) & ((1u << bits) - 1));
}

/* The place must hold zeros. */
static void put_bits(uint8_t *at, size_t i, uint32_t bits, uint32_t v)
{
    for (uint32_t k = 0; k < bits;) {
        const size_t bit = i * bits + k;
        at[bit / 8] |= (uint8_t)((v >> k) << (bit % 8));
        k += 8 - bit % 8;
    }
}

static uint16_t get_id(const struct lem_trace_facts *f, const struct place *p,
                       const uint8_t *slot, size_t i)
{
    const uint16_t v = get_bits(slot + p->ids, i, p->bits);
    return f->margins && v == f->n_expert ? LEM_NO_EXPERT : v;
}

static void put_id(const struct lem_trace_facts *f, const struct place *p, uint8_t *slot,
                   size_t i, uint16_t id)
{
    const bool none = f->margins && id == LEM_NO_EXPERT;
    put_bits(slot + p->ids, i, p->bits, none ? f->n_expert : id);
}

bool trace_routing_ok(const struct lem_trace_facts *f, const uint16_t *ids)
{
    for (uint32_t layer = 0; layer < f->n_layer_moe; layer++) {
        bool ended = false;
        for (uint32_t k = 0; k < f->n_expert_used; k++, ids++) {
            const bool none = *ids == LEM_NO_EXPERT;
            if (!none && (ended || *ids >= f->n_expert))
                return false;
            ended = none;
        }
    }
    return true;
}

void trace_put_routing(const struct lem_trace_facts *f, uint8_t *slot,
                       const uint16_t *ids, const float *weights)
{
    const struct place p = place_of(f);
    for (size_t i = 0; i < p.pairs; i++) {
        const bool none = ids[i] == LEM_NO_EXPERT;
        put_id(f, &p, slot, i, ids[i]);
        trace_put_u16(slot + p.weights + 2 * i, none ? 0 : half_from_f32(weights[i]));
    }
}

bool trace_get_routing(const struct lem_trace_facts *f, const uint8_t *slot,
                       uint16_t *ids, float *weights)
{
    const struct place p = place_of(f);
    for (size_t i = 0; i < p.pairs; i++) {
        ids[i] = get_id(f, &p, slot, i);
        if (!weights)
            continue;
        const bool none = ids[i] == LEM_NO_EXPERT;
        weights[i] = none ? 0 : half_to_f32(trace_get_u16(slot + p.weights + 2 * i));
    }
    return trace_routing_ok(f, ids);
}

void trace_put_margins(const struct lem_trace_facts *f, uint8_t *slot,
                       const float *margins, const uint16_t *next)
{
    const struct place p = place_of(f);
    for (uint32_t i = 0; f->margins && i < f->n_layer_moe; i++) {
        const uint16_t id = next && next[i] < f->n_expert ? next[i] : LEM_NO_EXPERT;
        put_id(f, &p, slot, p.pairs + i, id);
        trace_put_u16(slot + p.margins + 2 * (size_t)i,
                      half_from_f32(margins ? margins[i] : NAN));
    }
}

bool trace_get_margins(const struct lem_trace_facts *f, const uint8_t *slot,
                       float *margins, uint16_t *next)
{
    const struct place p = place_of(f);
    for (uint32_t i = 0; i < f->n_layer_moe; i++) {
        const uint16_t id = f->margins ? get_id(f, &p, slot, p.pairs + i) : LEM_NO_EXPERT;
        if (id != LEM_NO_EXPERT && id >= f->n_expert)
            return false;
        margins[i] = f->margins
                         ? half_to_f32(trace_get_u16(slot + p.margins + 2 * (size_t)i))
                         : NAN;
        if (next)
            next[i] = id;
    }
    return true;
}
