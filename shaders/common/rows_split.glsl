// rows_split.glsl - the loop of rows.glsl where KS = 8 lanes share the rows of weights, as
// GPUs run it for one row of activations: lane k has block k of every superblock, so that
// the 64 lanes read a superblock of a tile as one piece, and rows of few columns still
// have work for all of them.
//
// What a type adds to its codes, or takes from them, is the same for all rows of weights:
// it is multiplied with the sums of the blocks of activations, which the workgroup makes
// once, split_sums(): SUMS of them, no fewer than there are blocks in a row.
//
// Four codes are decoded when they are multiplied, so that few registers do. Types may do
// it in a shorter way than w_codes(), by w_lane(); and have the scales of one block without
// those of its superblock, by w_scale_of(): see weights.glsl.

#ifndef ROWS_SPLIT_GLSL
#define ROWS_SPLIT_GLSL

#if W_LANE
#define W_CODE(i) w_lane(raw, i)
#elif W_BYTES
#define W_CODE(i) codes_bytes(bytes[(i) / 4u][(i) % 4u])
#else
#define W_CODE(i) codes[i]
#endif
#if W_BYTES && W_ZERO && !W_LANE
#define W_PLUS 1

vec4 w_plus(uint i)
{
    return vec4(float(W_ZERO));
}
#endif
#ifndef W_PLUS
#define W_PLUS 0
#endif

#define SPLIT_SUMS (W_MIN || W_PLUS)
#if SPLIT_SUMS
// Of every block of the row at x_at[0]: W_HALVES and W_MIN, the sums of its halves; one
// of them, what its halves, or it, add too much, negative, and of W_MIN then the sum.
shared vec2 x_sum[SPLIT ? SUMS : 1];

vec2 block_sums(uint x)
{
    vec2 plus = vec2(0.0), sum = vec2(0.0);
    [[unroll]] for (uint i = 0; i < BLOCK_VEC4; i++) {
        const vec4 v = X4(x + i);
#if W_PLUS
        plus[i / 4u] -= dot(w_plus(i), v);
#endif
        sum[i / 4u] += add4(v);
    }
#if W_HALVES && W_MIN
    return sum;
#elif W_HALVES
    return plus;
#else
    return vec2(plus.x + plus.y, sum.x + sum.y);
#endif
}
#endif

// Before split_products(), for the row at x_at[0]. Every lane of the workgroup must come
// here.
void split_sums(uint n_block)
{
#if SPLIT_SUMS
    barrier(); // all lanes are done with those of another row
    for (uint b = gl_LocalInvocationIndex; b < n_block; b += LOCAL)
        x_sum[b] = block_sums(x_at[0] + b * BLOCK_VEC4);
    barrier();
#endif
}

float add_four(vec4 w, vec4 x, float s)
{
    return fma(w.w, x.w, fma(w.z, x.z, fma(w.y, x.y, fma(w.x, x.x, s))));
}

// to + block k of the superblock at `at`, in `raw`, times a block of activations whose
// sums are `sum`.
float split_product(uint at, uint word, uint k, uvec2 where, uvec4 raw[W_RAW],
                    vec4 x[BLOCK_VEC4], vec2 sum, float to)
{
#if W_SPLIT
    const W_SCALE scale = w_scale_of(at, word, where);
#endif
#if W_BYTES && !W_LANE
    uvec4 bytes[2];
    const W_SCALE all = w_codes(raw, k, w_head(at), bytes);
#elif !W_LANE
    vec4 codes[BLOCK_VEC4];
    const W_SCALE all = w_decode(raw, k, w_head(at), codes);
#endif
#if !W_SPLIT
    const W_SCALE scale = all;
#endif

#if W_HALVES
    vec2 s = W_MIN != 0 ? vec2(0.0) : sum;
    [[unroll]] for (uint i = 0; i < 4; i++) {
        s.x = add_four(W_CODE(i), x[i], s.x);
        s.y = add_four(W_CODE(i + 4), x[i + 4], s.y);
    }
    to = fma(scale.x, s.x, fma(scale.y, s.y, to));
#if W_MIN
    to = fma(scale.z, sum.x, fma(scale.w, sum.y, to));
#endif
    return to;
#else
    // what w_plus() adds most to comes first, so that it is soon taken off again
    float s = W_PLUS != 0 ? sum.x : 0.0;
    [[unroll]] for (uint i = 4; i < 8; i++)
        s = fma(W_CODE(i).z, x[i].z, fma(W_CODE(i).x, x[i].x, s));
    [[unroll]] for (uint i = 4; i < 8; i++)
        s = fma(W_CODE(i).w, x[i].w, fma(W_CODE(i).y, x[i].y, s));
    [[unroll]] for (uint i = 0; i < 4; i++)
        s = add_four(W_CODE(i), x[i], s);
#if W_MIN
    to = fma(scale.y, sum.y, to);
    return fma(scale.x, s, to);
#else
    return fma(scale, s, to);
#endif
#endif
}

// acc += row_at . x_at[0] over this lane's blocks. What a lane adds to an index is had
// before: compilers leave sums in loops.
void split_products(uint n_block)
{
    const uint k = lane_split();
    const uint x_block = x_at[0] + k * BLOCK_VEC4;
    uvec2 where = uvec2(0);
#if W_SPLIT
    where = w_scale_at(k);
    uint slot[NR][W_RAW];
    [[unroll]] for (uint r = 0; r < NR; r++)
        [[unroll]] for (uint i = 0; i < W_RAW; i++)
            slot[r][i] = row_at[r] + w_slot(k, i) * TILE_ROWS;
#endif
    uint word[NR];
    [[unroll]] for (uint r = 0; r < NR; r++)
        word[r] = 4u * row_at[r] + where.x;

    const uint n_sb = (n_block + SB_BLOCKS - 1u - k) / SB_BLOCKS; // with a block k
    for (uint sb = 0; sb < n_sb; sb++) {
        const uint w_sb = sb * (SB_SLOTS * TILE_ROWS);
        vec4 x[BLOCK_VEC4];
        [[unroll]] for (uint i = 0; i < BLOCK_VEC4; i++)
            x[i] = X4(x_block + sb * (SB_BLOCKS * BLOCK_VEC4) + i);
#if SPLIT_SUMS
        const vec2 sum = x_sum[k + sb * SB_BLOCKS];
#else
        const vec2 sum = vec2(0.0);
#endif
        [[unroll]] for (uint r = 0; r < NR; r++) {
            uvec4 raw[W_RAW];
#if W_SPLIT
            [[unroll]] for (uint i = 0; i < W_RAW; i++)
                raw[i] = W_SLOT(W_APART != 0 ? slot[r][i] + w_sb
                                            : slot[r][0] + w_sb + i * TILE_ROWS);
#else
            w_fetch(row_at[r] + w_sb, k, raw);
#endif
            acc[r] = split_product(row_at[r] + w_sb, word[r] + 4u * w_sb, k, where, raw,
                                   x, sum, acc[r]);
        }
    }
}

#endif
