// tile_i8.glsl - the steps of tile.glsl over activations as bytes, see i8.glsl, and weights
// as bytes, see rows_i8.glsl: products of integers, scaled once for each block of 32
// columns, which is a step. Blocks are fetched in pairs, because a slot has the scales of
// two; where a row has an odd number of them the activations past its end are zeros.
//
// tile_x() counts slots. A row in shared memory is two slots of codes and one with the
// scales: 4.5 KiB for 64 rows of weights and 32 of activations.

#ifndef TILE_I8_GLSL
#define TILE_I8_GLSL

#include "common/dot_i8.glsl"
#include "common/params.h"

#define FETCH_BLOCKS 2u

layout(std430, set = 0, binding = 1) readonly buffer Xs { uvec4 x_slots[]; };
#define X_SLOT(i) x_slots[i]

const uint CODES = 2; // slots of a block's codes; one of scales follows
const uint PITCH = CODES + 1;
const uint N_X = (TILE_T * CODES + LOCAL - 1) / LOCAL; // slots of codes a lane fetches
const uint N_S = (TILE_T + LOCAL - 1) / LOCAL;         // and of scales

shared uvec4 w_tile[TILE_R * PITCH];
shared uvec4 x_tile[TILE_T * PITCH];

uint x_at[N_X]; // first slot of the codes that a lane fetches
uint s_at[N_S]; // first of the rows whose scales it fetches

uvec4 w_got[N_W][2][CODES]; // of both blocks
I8_SCALE w_scale[N_W][2];
uvec4 x_got[N_X][2];
uvec4 x_scale[N_S];

void set_tokens()
{
    const uint lane = gl_LocalInvocationIndex;
    [[unroll]] for (uint i = 0; i < N_X; i++)
        x_at[i] = tile_x(min((lane + i * LOCAL) / CODES, TILE_T - 1)) + lane % CODES;
    [[unroll]] for (uint i = 0; i < N_S; i++)
        s_at[i] = tile_x(min(lane + i * LOCAL, TILE_T - 1));
}

// Blocks b and b + 1 of superblock sb into registers.
void fetch(uint sb, uint b, W_HEAD head[N_W])
{
    const uint x_sb = sb * I8_SLOTS;
    [[unroll]] for (uint i = 0; i < N_X; i++)
        [[unroll]] for (uint h = 0; h < 2; h++)
            x_got[i][h] = X_SLOT(x_at[i] + x_sb + CODES * (b + h));
    [[unroll]] for (uint i = 0; i < N_S; i++)
        x_scale[i] = X_SLOT(s_at[i] + x_sb + 16u + b / 2u);
    [[unroll]] for (uint i = 0; i < N_W; i++)
        [[unroll]] for (uint h = 0; h < 2; h++)
            w_scale[i][h] = w_block_i8(w_at[i] + sb * (SB_SLOTS * TILE_ROWS), b + h,
                                       head[i], w_got[i][h]);
}

// One of them into shared memory.
void put(const uint h)
{
    const uint lane = gl_LocalInvocationIndex;
    [[unroll]] for (uint i = 0; i < N_X; i++)
        if (has_item(i, TILE_T * CODES))
            x_tile[(lane + i * LOCAL) / CODES * PITCH + lane % CODES] = x_got[i][h];
    [[unroll]] for (uint i = 0; i < N_S; i++)
        if (has_item(i, TILE_T))
            x_tile[(lane + i * LOCAL) * PITCH + CODES].xy =
                h == 0 ? x_scale[i].xy : x_scale[i].zw;
    [[unroll]] for (uint i = 0; i < N_W; i++)
        if (has_item(i, TILE_R)) {
            const uint to = (lane + i * LOCAL) * PITCH;
            [[unroll]] for (uint j = 0; j < CODES; j++)
                w_tile[to + j] = w_got[i][h][j];
#if W_I8_MIN || W_HALVES
            w_tile[to + CODES].xy = floatBitsToUint(w_scale[i][h]);
#else
            w_tile[to + CODES].x = floatBitsToUint(w_scale[i][h]);
#endif
        }
}

// A block of weights times one of activations.
float product(uvec4 w0, uvec4 w1, vec2 w_scale, uvec4 x0, uvec4 x1, vec2 scale)
{
#if W_HALVES
    const float s = fma(w_scale.x, float(add_dots(w0, x0, 0)),
                        w_scale.y * float(add_dots(w1, x1, 0)));
    return scale.x * s;
#else
    const float s = float(add_dots(w1, x1, add_dots(w0, x0, 0)));
#if W_I8_MIN
    return fma(w_scale.x * scale.x, s, w_scale.y * scale.y);
#else
    return w_scale.x * scale.x * s;
#endif
#endif
}

// acc += the step's products, of the first n_t tokens of each lane.
void add_step(const uint n_t)
{
    uvec4 x[NT][CODES];
    vec2 scale[NT];
    [[unroll]] for (uint t = 0; t < n_t; t++) {
        const uint at = lane_token(t) * PITCH;
        x[t][0] = x_tile[at];
        x[t][1] = x_tile[at + 1];
        scale[t] = uintBitsToFloat(x_tile[at + CODES].xy);
    }
    [[unroll]] for (uint r = 0; r < NR; r++) {
        const uint at = lane_row(r) * PITCH;
        const uvec4 w0 = w_tile[at], w1 = w_tile[at + 1];
        const vec2 s = uintBitsToFloat(w_tile[at + CODES].xy);
        [[unroll]] for (uint t = 0; t < n_t; t++)
            acc[r * NT + t] += product(w0, w1, s, x[t][0], x[t][1], scale[t]);
    }
}

#endif
