// f32.glsl - decoder of F32: see common/weights.glsl.

#define SB_BLOCKS 1u
#define SB_SLOTS 8u

uvec4 w_head(uint at)
{
    return uvec4(0);
}

float w_block(uint at, uint b, uvec4 head, out vec4 w[BLOCK_VEC4])
{
    [[unroll]] for (uint i = 0; i < BLOCK_VEC4; i++)
        w[i] = uintBitsToFloat(W_SLOT(at + i * TILE_ROWS));
    return 1.0;
}
