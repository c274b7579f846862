// rows_i8.glsl - the loop of rows.glsl over activations as bytes, see i8.glsl: products of
// integers, scaled once for each block of 32 columns. x_at counts slots.
//
// Besides w_head(), a type gives
//
//   I8_SCALE w_decode_i8(raw, b, head, w)  block b: 32 codes w as signed bytes
//   w_codes_i8(raw, b, w)                  the same without the scale, which is had from
//                                          w_scale_at(), w_scale_of(): see weights.glsl
//
// with W_HALVES as for w_decode(), and W_I8_MIN 1 (not both) when I8_SCALE is vec2 s and
// weights are s.x w + s.y; without W_MIN s.y is -W_ZERO s.x.

#ifndef ROWS_I8_GLSL
#define ROWS_I8_GLSL

#include "common/dot_i8.glsl"
#include "common/params.h"

layout(std430, set = 0, binding = 1) readonly buffer Xs { uvec4 x_slots[]; };
#define X_SLOT(i) x_slots[i]

// Part of a row of weights times one of activations; scale: of the activations.
float i8_product(I8_SCALE w_scale, uvec4 w[2], uvec4 x0, uvec4 x1, vec2 scale)
{
#if W_HALVES
    const vec2 s = vec2(dot_i8(w[0], x0), dot_i8(w[1], x1));
    return scale.x * fma(w_scale.x, s.x, w_scale.y * s.y);
#else
    const float s = float(dot_i8(w[0], x0) + dot_i8(w[1], x1));
#if W_I8_MIN
    return fma(w_scale.x * scale.x, s, w_scale.y * scale.y);
#else
    return w_scale * scale.x * s;
#endif
#endif
}

// As in rows_split.glsl; the sums of blocks are there already, with their scales.
const bool SPLIT = KS == SPLIT_LANES && NT == 1 && SB_BLOCKS == SPLIT_LANES;

layout(std430, set = 0, binding = 1) readonly buffer XScales { uvec2 x_scales[]; };

// to + a block of weights times one of activations.
float split_product(W_SCALE w_scale, uvec4 w[2], uvec4 x0, uvec4 x1, vec2 scale, float to)
{
#if W_HALVES
    const vec2 s = vec2(add_dots(w[0], x0, 0), add_dots(w[1], x1, 0));
    return fma(scale.x, fma(w_scale.x, s.x, w_scale.y * s.y), to);
#else
    const float s = float(add_dots(w[1], x1, add_dots(w[0], x0, 0)));
#if W_MIN
    return fma(w_scale.x * scale.x, s, fma(w_scale.y, scale.y, to));
#elif W_I8_MIN
    return fma(w_scale, fma(scale.x, s, -float(W_ZERO) * scale.y), to);
#else
    return fma(w_scale * scale.x, s, to);
#endif
#endif
}

// acc += row_at . x_at[0] over this lane's blocks.
void split_products(uint n_block)
{
    const uint k = lane_split();
    const uvec2 where = w_scale_at(k);
    const uint x = x_at[0] + 2u * k;
    const uint x_scale = 2u * x_at[0] + 32u + k; // in halves of a slot
    uint slot[NR][W_RAW], word[NR];
    [[unroll]] for (uint r = 0; r < NR; r++) {
        [[unroll]] for (uint i = 0; i < W_RAW; i++)
            slot[r][i] = row_at[r] + w_slot(k, i) * TILE_ROWS;
        word[r] = 4u * row_at[r] + where.x;
    }

    const uint n_sb = (n_block + SB_BLOCKS - 1u - k) / SB_BLOCKS; // with a block k
    for (uint sb = 0; sb < n_sb; sb++) {
        const uint w_sb = sb * (SB_SLOTS * TILE_ROWS);
        const uvec4 x0 = X_SLOT(x + sb * I8_SLOTS);
        const uvec4 x1 = X_SLOT(x + sb * I8_SLOTS + 1u);
        const vec2 scale = uintBitsToFloat(x_scales[x_scale + sb * (2u * I8_SLOTS)]);
        [[unroll]] for (uint r = 0; r < NR; r++) {
            uvec4 raw[W_RAW], w[2];
            [[unroll]] for (uint i = 0; i < W_RAW; i++)
                raw[i] = W_SLOT(W_APART != 0 ? slot[r][i] + w_sb
                                            : slot[r][0] + w_sb + i * TILE_ROWS);
            w_codes_i8(raw, k, w);
            const W_SCALE w_scale =
                w_scale_of(row_at[r] + w_sb, word[r] + 4u * w_sb, where);
            acc[r] = split_product(w_scale, w, x0, x1, scale, acc[r]);
        }
    }
}

// acc += row_at . x_at over the superblocks of this lane. Blocks come in pairs, because
// a slot has the scales of two; where a row has an odd number of them the activations
// past its end are zeros.
void add_products(uint n_sb, uint n_block)
{
    if (SPLIT) {
        split_products(n_block);
        return;
    }
    for (uint sb = lane_split(); sb < n_sb; sb += KS) {
        W_HEAD head[NR];
        [[unroll]] for (uint r = 0; r < NR; r++)
            head[r] = w_head(row_at[r] + sb * (SB_SLOTS * TILE_ROWS));

        const uint n_here = min(SB_BLOCKS, n_block - sb * SB_BLOCKS);
        for (uint b = 0; b < n_here; b += 2) {
            uvec4 w[NR][2][2];
            I8_SCALE w_scale[NR][2];
            [[unroll]] for (uint r = 0; r < NR; r++)
                [[unroll]] for (uint i = 0; i < 2; i++) {
                    uvec4 raw[W_RAW];
                    w_fetch(row_at[r] + sb * (SB_SLOTS * TILE_ROWS), b + i, raw);
                    w_scale[r][i] = w_decode_i8(raw, b + i, head[r], w[r][i]);
                }
            [[unroll]] for (uint t = 0; t < NT; t++) {
                const uint x = x_at[t] + sb * I8_SLOTS;
                const vec4 scale = uintBitsToFloat(X_SLOT(x + 16u + b / 2u));
                [[unroll]] for (uint i = 0; i < 2; i++) {
                    const uvec4 x0 = X_SLOT(x + 2u * (b + i));
                    const uvec4 x1 = X_SLOT(x + 2u * (b + i) + 1u);
                    [[unroll]] for (uint r = 0; r < NR; r++)
                        acc[r * NT + t] += i8_product(w_scale[r][i], w[r][i], x0, x1,
                                                      i == 0 ? scale.xy : scale.zw);
                }
            }
        }
    }
}

#endif
