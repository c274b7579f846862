// bf16.glsl - decoder of BF16, the upper half of an f32: see common/weights.glsl.

#define SB_BLOCKS 1u
#define SB_SLOTS 4u

uvec4 w_head(uint at)
{
    return uvec4(0);
}

float w_block(uint at, uint b, uvec4 head, out vec4 w[BLOCK_VEC4])
{
    [[unroll]] for (uint i = 0; i < SB_SLOTS; i++) {
        const uvec4 h = W_SLOT(at + i * TILE_ROWS);
        const vec4 even = uintBitsToFloat(h << 16);
        const vec4 odd = uintBitsToFloat(h & 0xffff0000u);
        w[2 * i] = vec4(even.x, odd.x, even.y, odd.y);
        w[2 * i + 1] = vec4(even.z, odd.z, even.w, odd.w);
    }
    return 1.0;
}
