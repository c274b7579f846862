// rows_i16.glsl - the loop of rows.glsl over activations of 16 bits, see i8.glsl:
// products of integers, scaled once for each block of 32 columns. x_at counts slots.
//
// For CPUs, whose compilers make one instruction of a product of numbers known to have 16
// bits and a sum; for floats they need a conversion and two. Errors are 2^-16 of a block's
// largest activation. Sums stay below 2^31: 16 * 3840 * 32767, or 32 * 128 * 32767.

#ifndef ROWS_I16_GLSL
#define ROWS_I16_GLSL

#include "common/params.h"

layout(set = 0, binding = 1) uniform usamplerBuffer x_slots;
#define X_SLOT(i) texelFetch(x_slots, int(i))

void x_unpack(uvec4 slot, out ivec4 x0, out ivec4 x1)
{
    const ivec4 low = ivec4(slot << 16) >> 16;
    const ivec4 high = ivec4(slot) >> 16;
    x0 = ivec4(low.x, high.x, low.y, high.y);
    x1 = ivec4(low.z, high.z, low.w, high.w);
}

// The 32 activations of the block whose first slot is `at`: four columns in x[i].
void x_fetch(uint at, out ivec4 x[BLOCK_VEC4])
{
    const uvec4 mine = X_SLOT(at + (gl_SubgroupInvocationID & 3u));
    x_unpack(subgroupQuadBroadcast(mine, 0), x[0], x[1]);
    x_unpack(subgroupQuadBroadcast(mine, 1), x[2], x[3]);
    x_unpack(subgroupQuadBroadcast(mine, 2), x[4], x[5]);
    x_unpack(subgroupQuadBroadcast(mine, 3), x[6], x[7]);
}

int add4(ivec4 v)
{
    return (v.x + v.y) + (v.z + v.w);
}

// Sums over 16 columns of bytes, four to a word, times x0 … x3. Of nibbles every other one
// is multiplied where it stands, as 256 times itself: .y has those.
ivec2 products16(uvec4 w, ivec4 x0, ivec4 x1, ivec4 x2, ivec4 x3)
{
    const ivec4 x[4] = {x0, x1, x2, x3};
    ivec4 s = ivec4(0);
    [[unroll]] for (uint i = 0; i < 4; i++) {
#if W_BYTES && W_NIBBLES
        s += ivec4(uvec4(w[i], w[i], w[i] >> 16, w[i] >> 16) &
                   uvec4(0x7fu, 0x7f00u, 0x7fu, 0x7f00u)) * x[i];
#elif W_BYTES
        s += ivec4(uvec4(w[i], w[i] >> 8, w[i] >> 16, w[i] >> 24) & 0x7fu) * x[i];
#else
        s += ivec4(uvec4(w[i], w[i] >> 8, w[i] >> 16, w[i] >> 24) & 0xffu) * x[i];
#endif
    }
    return s.xy + s.zw;
}

float sum16(ivec2 s)
{
#if W_NIBBLES
    return fma(float(s.y), 1.0 / 256.0, float(s.x));
#else
    return float(s.x + s.y);
#endif
}

#if W_BYTES
#define W16_SCALE W_SCALE
#define W16_MIN W_MIN
#define W16_ZERO W_ZERO
#else // signed bytes: 128 more than they are has no sign to be extended
#define W16_SCALE I8_SCALE
#define W16_MIN W_I8_MIN
#define W16_ZERO 128
#endif

W16_SCALE decode16(uvec4 raw[W_RAW], uint b, W_HEAD head, out uvec4 w[2])
{
#if W_BYTES
    return w_codes(raw, b, head, w);
#else
    const W16_SCALE scale = w_decode_i8(raw, b, head, w);
    w[0] ^= 0x80808080u;
    w[1] ^= 0x80808080u;
    return scale;
#endif
}

// acc += row_at . x_at over the superblocks of this lane.
void add_products(uint n_sb, uint n_block)
{
    for (uint sb = lane_split(); sb < n_sb; sb += KS) {
        const uint w_sb = sb * (SB_SLOTS * TILE_ROWS);
        W_HEAD head[NR];
        [[unroll]] for (uint r = 0; r < NR; r++)
            head[r] = w_head(row_at[r] + w_sb);

        const uint n_here = min(SB_BLOCKS, n_block - sb * SB_BLOCKS);
        for (uint b = 0; b < n_here; b++) {
            ivec4 x[NT][BLOCK_VEC4];
            float x_scale[NT];
            ivec2 x_sum[NT]; // of halves, or .x of all
            [[unroll]] for (uint t = 0; t < NT; t++) {
                const uint at = x_at[t] + sb * I16_SLOTS;
                x_fetch(at + 4u * b, x[t]);
                const uvec4 scales = X_SLOT(at + 32u + b / 4u);
                x_scale[t] = uintBitsToFloat(scales[b & 3u]);
            }
            // All that comes from memory, then all that is computed: waits overlap.
            uvec4 raw[NR][W_RAW];
            [[unroll]] for (uint r = 0; r < NR; r++)
                w_fetch(row_at[r] + w_sb, b, raw[r]);

#if W16_MIN || W16_ZERO != 0
            [[unroll]] for (uint t = 0; t < NT; t++) {
                const int low = add4((x[t][0] + x[t][1]) + (x[t][2] + x[t][3]));
                const int high = add4((x[t][4] + x[t][5]) + (x[t][6] + x[t][7]));
                x_sum[t] = W_HALVES != 0 ? ivec2(low, high) : ivec2(low + high);
            }
#endif
            [[unroll]] for (uint r = 0; r < NR; r++) {
                uvec4 w[2];
                const W16_SCALE scale = decode16(raw[r], b, head[r], w);
                [[unroll]] for (uint t = 0; t < NT; t++) {
                    const ivec2 s0 =
                        products16(w[0], x[t][0], x[t][1], x[t][2], x[t][3]);
                    const ivec2 s1 =
                        products16(w[1], x[t][4], x[t][5], x[t][6], x[t][7]);
#if W_HALVES && W16_MIN
                    const float sum = dot(scale, vec4(sum16(s0), sum16(s1), vec2(x_sum[t])));
#elif W_HALVES
                    const float sum =
                        dot(scale, vec2(sum16(s0 - ivec2(W16_ZERO * x_sum[t].x, 0)),
                                        sum16(s1 - ivec2(W16_ZERO * x_sum[t].y, 0))));
#elif W16_MIN
                    const float sum = fma(scale.x, sum16(s0 + s1), scale.y * float(x_sum[t].x));
#else
                    const float sum = scale * sum16(s0 + s1 - ivec2(W16_ZERO * x_sum[t].x, 0));
#endif
                    acc[r * NT + t] += x_scale[t] * sum;
                }
            }
        }
    }
}

#endif
