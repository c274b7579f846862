// kv.glsl - where a key or value stands in the cache of a layer, and its load and
// store. The only place that knows how the cache holds a number (f32).
//
//   k  [n_head_kv][n_ctx/8][head_dim/4][8 positions] slots of 4 dims
//   v  [n_head_kv][ceil(head_dim/8)][n_ctx/4][8 dims] slots of 4 positions
//
// Eight lanes that stand at eight positions (k) or dims (v) read 128 bytes on end.
// The includer defines KV_K and KV_V, the bindings (KV_V only where it has values), and
// KV_STORE to write (rope) instead of read (attn); KV_DIM_V where heads of v are not as
// long as those of k; and has the push constants p with n_ctx and head_dim.

#ifndef KV_GLSL
#define KV_GLSL

#ifndef KV_DIM_V
#define KV_DIM_V p.head_dim
#endif

uint kv_k_slot(uint head, uint pos, uint d4)
{
    return ((head * (p.n_ctx / 8u) + pos / 8u) * (p.head_dim / 4u) + d4) * 8u + pos % 8u;
}

uint kv_v_slot(uint head, uint p4, uint d)
{
    const uint n_tile = (KV_DIM_V + 7u) / 8u;
    return ((head * n_tile + d / 8u) * (p.n_ctx / 4u) + p4) * 8u + d % 8u;
}

#ifdef KV_STORE

layout(std430, binding = KV_K) writeonly buffer KCache { float k_cache[]; };

void kv_store_k(uint head, uint pos, uint d, float value)
{
    k_cache[kv_k_slot(head, pos, d / 4u) * 4u + d % 4u] = value;
}

#ifdef KV_V
layout(std430, binding = KV_V) writeonly buffer VCache { float v_cache[]; };

void kv_store_v(uint head, uint pos, uint d, float value)
{
    v_cache[kv_v_slot(head, pos / 4u, d) * 4u + pos % 4u] = value;
}
#endif

#else

layout(std430, binding = KV_K) readonly buffer KCache { vec4 k_cache[]; };
layout(std430, binding = KV_V) readonly buffer VCache { vec4 v_cache[]; };

// Dims 4 d4 … 4 d4 + 3 of the key at `pos`.
vec4 kv_load_k(uint head, uint pos, uint d4)
{
    return k_cache[kv_k_slot(head, pos, d4)];
}

// Dim d of the values at positions 4 p4 … 4 p4 + 3.
vec4 kv_load_v(uint head, uint p4, uint d)
{
    return v_cache[kv_v_slot(head, p4, d)];
}

// The same where the keys' first dims are the values.
vec4 kv_load_v_of_k(uint head, uint p4, uint d)
{
    const uint at = kv_k_slot(head, 4u * p4, d / 4u), c = d % 4u;
    return vec4(k_cache[at][c], k_cache[at + 1u][c], k_cache[at + 2u][c],
                k_cache[at + 3u][c]);
}

#endif

#endif
