// kv.glsl - how a layer's cache holds keys or values: the only place that knows. The
// type is chosen by -DTYPE_F32, TYPE_F16 or TYPE_Q8_0; slots are four 32-bit words, so
// that no type needs 8- or 16-bit storage.
//
//   [n_head_kv][n_ctx/64][slots][64 positions] slots of 16 bytes
//   f32   a slot has 4 dims
//   f16   8 dims, two in a word, the first in its low half
//   q8_0  16 dims as signed bytes, lowest first; behind all of them a slot of four f32
//         scales for each 128 dims. dim = scale * byte, a scale for 32 dims.
//
// Dims that fill up the last slot are zeros. Lanes that stand at positions of a tile read
// on end, and so does a lane that goes through its positions slot by slot. Keep in step
// with engine/ops/cache_type.c.

#ifndef KV_GLSL
#define KV_GLSL

#if defined(TYPE_F32)
#define KV_DIMS 4u // of a slot
#define KV_UNIT 4u // dims that are stored together
#elif defined(TYPE_F16)
#define KV_DIMS 8u
#define KV_UNIT 8u
#elif defined(TYPE_Q8_0)
#define KV_DIMS 16u
#define KV_UNIT 32u
#else
#error "no cache type"
#endif
#define KV_VEC4 (KV_DIMS / 4u)

#define KV_TILE 64u // positions; also how far it is from slot to slot of one

// Slots of a position that hold dims; with those that hold scales.
uint kv_dim_slots(uint dim)
{
    return (dim + KV_DIMS - 1u) / KV_DIMS;
}

uint kv_slots(uint dim)
{
#ifdef TYPE_Q8_0
    return kv_dim_slots(dim) + (dim + 127u) / 128u;
#else
    return kv_dim_slots(dim);
#endif
}

// Slot 0 of a position; slot s is KV_TILE * s further on.
uint kv_first_slot(uint head, uint pos, uint n_ctx, uint n_slot)
{
    return (head * (n_ctx / KV_TILE) + pos / KV_TILE) * n_slot * KV_TILE + pos % KV_TILE;
}

uint kv_units(uint dim)
{
    return (dim + KV_UNIT - 1u) / KV_UNIT;
}

// What the dims of slot s are multiplied by, from the slot of scales they share.
float kv_scale(uvec4 slot, uint s)
{
    return uintBitsToFloat(slot[s / 2u % 4u]);
}

// The dims of a slot, not yet multiplied.
void kv_decode(uvec4 slot, out vec4 v[KV_VEC4])
{
#if defined(TYPE_F32)
    v[0] = uintBitsToFloat(slot);
#elif defined(TYPE_F16)
    v[0] = vec4(unpackHalf2x16(slot.x), unpackHalf2x16(slot.y));
    v[1] = vec4(unpackHalf2x16(slot.z), unpackHalf2x16(slot.w));
#else
    const ivec4 w = ivec4(slot);
    for (uint i = 0u; i < 4u; i++)
        v[i] = vec4(w[i] << 24 >> 24, w[i] << 16 >> 24, w[i] << 8 >> 24, w[i] >> 24);
#endif
}

#ifdef TYPE_Q8_0

float kv_block_scale(float x[KV_UNIT])
{
    float most = 0.0;
    for (uint i = 0u; i < KV_UNIT; i++)
        most = max(most, abs(x[i]));
    return most / 127.0;
}

uint kv_bytes(float x[KV_UNIT], uint from, float inverse)
{
    uint word = 0u;
    for (uint i = 0u; i < 4u; i++)
        word |= (uint(int(roundEven(x[from + i] * inverse))) & 255u) << (8u * i);
    return word;
}

uvec4 kv_encode(float x[KV_UNIT], uint from, float inverse)
{
    return uvec4(kv_bytes(x, from, inverse), kv_bytes(x, from + 4u, inverse),
                 kv_bytes(x, from + 8u, inverse), kv_bytes(x, from + 12u, inverse));
}

// Store dims unit * KV_UNIT … of the position whose slot 0 is `first`; x beyond the
// head's `dim` must be 0.
#define KV_STORE(cache, first, dim, unit, x)                                      \
    {                                                                             \
        const float scale = kv_block_scale(x);                                    \
        const float inverse = scale > 0.0 ? 1.0 / scale : 0.0;                    \
        const uint n_data = kv_dim_slots(dim), at = 2u * (unit);                  \
        cache[(first) + KV_TILE * at] = kv_encode(x, 0u, inverse);                     \
        if (at + 1u < n_data)                                                     \
            cache[(first) + KV_TILE * (at + 1u)] = kv_encode(x, 16u, inverse);         \
        cache[(first) + KV_TILE * (n_data + (unit) / 4u)][(unit) % 4u] =               \
            floatBitsToUint(scale);                                               \
    }

#else

uvec4 kv_encode(float x[KV_UNIT])
{
#ifdef TYPE_F32
    return floatBitsToUint(vec4(x[0], x[1], x[2], x[3]));
#else
    return uvec4(packHalf2x16(vec2(x[0], x[1])), packHalf2x16(vec2(x[2], x[3])),
                 packHalf2x16(vec2(x[4], x[5])), packHalf2x16(vec2(x[6], x[7])));
#endif
}

#define KV_STORE(cache, first, dim, unit, x) cache[(first) + KV_TILE * (unit)] = kv_encode(x);

#endif

#endif
