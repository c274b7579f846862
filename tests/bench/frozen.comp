#version 450
// frozen: y[r] = sum over c of W[r][c] x[c] for Q4_0 weights. The yardstick of
// bench_kernels: never tuned, never changed, and standing on nothing that may change, so
// that ratios to it can be compared over the years and between machines.
//
//   binding 0  w  tiles of 8 rows, see below  read
//   binding 1  x  [256 n_sb]  f32             read
//   binding 2  y  [n_row]     f32             write
//
// 16-byte slots: ((row / 8 * n_sb + sb) * 9 + slot) * 8 + row % 8; a superblock is 256
// columns: slot 0 has eight f16 scales, slots 1 … 8 the nibbles of 32 columns each, byte
// i with column i below and column i + 16 above. A lane does 4 rows, 8 apart; a workgroup
// is 64 lanes and does 256 rows.
#extension GL_EXT_control_flow_attributes : require
layout(local_size_x = 64) in;
layout(std430, set = 0, binding = 0) readonly buffer Weights { uvec4 w[]; };
layout(std430, set = 0, binding = 1) readonly buffer Xs { vec4 x[]; };
layout(std430, set = 0, binding = 2) buffer Ys { float y[]; };
layout(push_constant) uniform Push { uint n_row, n_sb; };

vec4 low(uint q)
{
    return vec4(q & 15u, q >> 8 & 15u, q >> 16 & 15u, q >> 24 & 15u) - 8.0;
}

void main()
{
    const uint lane = gl_LocalInvocationIndex;
    const uint first = gl_WorkGroupID.x * 256u + lane / 8u * 32u + lane % 8u;
    uint tile[4];
    uvec4 head[4];
    float acc[4];
    [[unroll]] for (uint r = 0u; r < 4u; r++) {
        const uint row = min(first + r * 8u, n_row - 1u);
        tile[r] = row / 8u * n_sb * 72u + row % 8u;
        acc[r] = 0.0;
    }
    for (uint sb = 0u; sb < n_sb; sb++) {
        [[unroll]] for (uint r = 0u; r < 4u; r++)
            head[r] = w[tile[r] + sb * 72u];
        [[unroll]] for (uint b = 0u; b < 8u; b++) {
            vec4 v[8];
            [[unroll]] for (uint i = 0u; i < 8u; i++)
                v[i] = x[(sb * 8u + b) * 8u + i];
            [[unroll]] for (uint r = 0u; r < 4u; r++) {
                const uvec4 q = w[tile[r] + sb * 72u + (1u + b) * 8u];
                const float d = unpackHalf2x16(head[r][b / 2u])[b % 2u];
                vec4 sum = vec4(0.0);
                [[unroll]] for (uint i = 0u; i < 4u; i++)
                    sum += low(q[i]) * v[i] + low(q[i] >> 4) * v[4u + i];
                acc[r] += d * (sum.x + sum.y + sum.z + sum.w);
            }
        }
    }
    [[unroll]] for (uint r = 0u; r < 4u; r++)
        if (first + r * 8u < n_row)
            y[first + r * 8u] = acc[r];
}
