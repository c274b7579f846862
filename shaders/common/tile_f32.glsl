// tile_f32.glsl - the steps of tile.glsl in float: 16 columns, which is half a block. Rows of
// activations are at multiples of 4 floats, tile_x() counts vec4. 64 rows of weights and 32
// of activations take 7.5 KiB of shared memory, 64 of both 10 KiB.

#ifndef TILE_F32_GLSL
#define TILE_F32_GLSL

#define FETCH_BLOCKS 1u // of 32 columns that are fetched at once

#ifdef FETCH_TEXEL
layout(set = 0, binding = 1) uniform samplerBuffer x_vec4;
#define X4(i) texelFetch(x_vec4, int(i))
#else
layout(std430, set = 0, binding = 1) readonly buffer Xs { vec4 x_vec4[]; };
#define X4(i) x_vec4[i]
#endif

const uint HALF = BLOCK_VEC4 / 2; // vec4 of a row in a step
const uint PITCH = HALF + 1;
const uint N_X = (TILE_T * HALF + LOCAL - 1) / LOCAL; // vec4 that a lane fetches of a half

shared vec4 w_tile[TILE_R * PITCH];
shared vec4 x_tile[TILE_T * PITCH];

uint x_at[N_X]; // first vec4 of what a lane fetches

vec4 w_got[N_W][BLOCK_VEC4];
W_SCALE w_scale[N_W];
vec4 x_got[N_X][2];

void set_tokens()
{
    const uint lane = gl_LocalInvocationIndex;
    [[unroll]] for (uint i = 0; i < N_X; i++)
        x_at[i] = tile_x(min((lane + i * LOCAL) / HALF, TILE_T - 1)) + lane % HALF;
}

// Block b of superblock sb into registers.
void fetch(uint sb, uint b, W_HEAD head[N_W])
{
    [[unroll]] for (uint i = 0; i < N_X; i++)
        [[unroll]] for (uint h = 0; h < 2; h++)
            x_got[i][h] = X4(x_at[i] + (sb * SB_BLOCKS + b) * BLOCK_VEC4 + h * HALF);
    [[unroll]] for (uint i = 0; i < N_W; i++)
        w_scale[i] =
            w_block(w_at[i] + sb * (SB_SLOTS * TILE_ROWS), b, head[i], w_got[i]);
}

// Half of it into shared memory.
void put(const uint h)
{
    const uint lane = gl_LocalInvocationIndex;
    [[unroll]] for (uint i = 0; i < N_X; i++)
        if (has_item(i, TILE_T * HALF))
            x_tile[(lane + i * LOCAL) / HALF * PITCH + lane % HALF] = x_got[i][h];
    [[unroll]] for (uint i = 0; i < N_W; i++)
        if (has_item(i, TILE_R))
            [[unroll]] for (uint j = 0; j < HALF; j++)
                w_tile[(lane + i * LOCAL) * PITCH + j] =
                    w_value(w_scale[i], h * HALF + j, w_got[i][h * HALF + j]);
}

// acc += the products of vec4 j of the step's rows, of the first n_t tokens.
void add_column(uint j, const uint n_t)
{
    vec4 x[NT];
    [[unroll]] for (uint t = 0; t < n_t; t++)
        x[t] = x_tile[lane_token(t) * PITCH + j];
    [[unroll]] for (uint r = 0; r < NR; r++) {
        const vec4 w = w_tile[lane_row(r) * PITCH + j];
        [[unroll]] for (uint t = 0; t < n_t; t++) {
            float s = fma(w.x, x[t].x, acc[r * NT + t]);
            s = fma(w.y, x[t].y, s);
            s = fma(w.z, x[t].z, s);
            acc[r * NT + t] = fma(w.w, x[t].w, s);
        }
    }
}

// acc += the step's products, of the first n_t tokens of each lane.
void add_step(const uint n_t)
{
    if (UNROLL)
        [[unroll]] for (uint j = 0; j < HALF; j++)
            add_column(j, n_t);
    else
        [[dont_unroll]] for (uint j = 0; j < HALF; j++)
            add_column(j, n_t);
}

#endif
