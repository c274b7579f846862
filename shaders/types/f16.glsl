// f16.glsl - decoder of F16: see common/weights.glsl.

#define SB_BLOCKS 1u
#define SB_SLOTS 4u
#define W_RAW 4u

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
    [[unroll]] for (uint i = 0; i < W_RAW; i++) {
        const uvec4 h = raw[i];
        w[2 * i] = vec4(unpackHalf2x16(h.x), unpackHalf2x16(h.y));
        w[2 * i + 1] = vec4(unpackHalf2x16(h.z), unpackHalf2x16(h.w));
    }
    return 1.0;
}
