// tile.glsl - the loop of the products that go through shared memory: a workgroup decodes
// a tile of weights and fetches a tile of activations once, and each lane then sums the
// products of NR rows of the one with NT rows of the other.
//
// Lanes: LT of them share the rows of weights, LOCAL / LT the rows of activations. A lane
// has rows lane_row(0 … NR-1) and tokens lane_token(0 … NT-1), each one apart from the
// next by as many as there are lanes, so that neighbours write neighbours. Where a tile
// has at most LT tokens, lanes do the first of theirs only.
//
// Each lane fetches (and of the weights decodes) its part of two steps' columns at once,
// into registers; tile_f32.glsl says what a step is, with -DACT_I8 tile_i8.glsl. Rows in
// shared memory are PITCH slots of 16 bytes apart, an odd number: eight lanes that read
// one slot of eight rows then meet all 32 banks.
// Binding 0 is the weights, binding 1 the activations.

#ifndef TILE_GLSL
#define TILE_GLSL

#include "common/weights.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LOCAL = 64;
layout(constant_id = 1) const uint NR = 8; // rows of weights per lane
layout(constant_id = 2) const uint NT = 4; // rows of activations per lane
layout(constant_id = 3) const uint LT = 8; // lanes that share rows of weights
// Steps without a loop: faster, but compilers for CPUs take very long for such code.
layout(constant_id = 6) const bool UNROLL = true;
layout(constant_id = 7) const bool THIN = true; // look for tiles of at most LT tokens

const uint LR = LOCAL / LT;
const uint TILE_R = NR * LR; // rows of weights of the workgroup
const uint TILE_T = NT * LT; // rows of activations

float acc[NR * NT]; // acc[r * NT + t]

uint lane_row(uint r)
{
    return gl_LocalInvocationIndex % LR + r * LR;
}

uint lane_token(uint t)
{
    return gl_LocalInvocationIndex / LR + t * LT;
}

// Given by the kernel: where row `token` of the tile's activations begins, in vec4
// (slots); beyond the last the last again.
uint tile_x(uint token);

// Rows of weights that a lane decodes: LOCAL apart, the first is that of its number.
const uint N_W = (TILE_R + LOCAL - 1) / LOCAL;
uint w_at[N_W]; // slot 0 of each

// The tile of rows row0 … of the matrix at slot w0; those past its end repeat the last.
void set_tile(uint w0, uint row0, uint n_row, uint n_sb)
{
    [[unroll]] for (uint i = 0; i < N_W; i++) {
        const uint r = min(gl_LocalInvocationIndex + i * LOCAL, TILE_R - 1);
        w_at[i] = w0 + w_row(min(row0 + r, n_row - 1), n_sb);
    }
}

// Does item i of a lane count when there are `n` of them, LOCAL apart?
bool has_item(uint i, uint n)
{
    return n % LOCAL == 0 || gl_LocalInvocationIndex + i * LOCAL < n;
}

#ifdef ACT_I8
#include "common/tile_i8.glsl"
#else
#include "common/tile_f32.glsl"
#endif

void clear_acc()
{
    [[unroll]] for (uint i = 0; i < NR * NT; i++)
        acc[i] = 0.0;
}

// acc += the products of the tile with its first n_token tokens. Every lane of the
// workgroup must come here.
void add_products(uint n_token, uint n_sb, uint n_block)
{
    set_tokens();
    for (uint sb = 0; sb < n_sb; sb++) {
        W_HEAD head[N_W];
        [[unroll]] for (uint i = 0; i < N_W; i++)
            head[i] = w_head(w_at[i] + sb * (SB_SLOTS * TILE_ROWS));
        const uint n_here = SB_BLOCKS == 1 ? 1 : min(SB_BLOCKS, n_block - sb * SB_BLOCKS);
        for (uint b = 0; b < n_here; b += FETCH_BLOCKS) {
            fetch(sb, b, head);
            [[unroll]] for (uint h = 0; h < 2; h++) {
                barrier(); // all lanes are done with what is there
                put(h);
                barrier();
                if (!THIN || n_token > LT)
                    add_step(NT);
                else
                    add_step(1);
            }
        }
    }
}

// From an offset of activations in the host's unit to one in tile_x's.
uint x_units(uint stride)
{
#ifdef ACT_I8
    return stride;
#else
    return stride / 4;
#endif
}

#endif
