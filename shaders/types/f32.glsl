// f32.glsl - decoder of F32: see common/weights.glsl.

#define SB_BLOCKS 1u
#define SB_SLOTS 8u
#define W_RAW 8u

uvec4 w_head(uint at)
{
    return uvec4(0);
}

void w_fetch(uint at, uint b, out uvec4 raw[W_RAW])
{
    [[unroll]] for (uint i = 0; i < W_RAW; i++)
        raw[i] = W_SLOT(at + i * TILE_ROWS);
}

float w_decode(uvec4 raw[W_RAW], uint b, uvec4 head, out vec4 w[BLOCK_VEC4])
{
    [[unroll]] for (uint i = 0; i < BLOCK_VEC4; i++)
        w[i] = uintBitsToFloat(raw[i]);
    return 1.0;
}
