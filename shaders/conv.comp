#version 450
// conv: a gated short convolution, every channel c of its own:
//   y[t][c] = gate[t][c] * sum over i < n_tap of w[c][i] * past(t, n_tap - 1 - i)[c]
// where past(t, k) is b * u of the k-th token before t: of this step where there are
// that many, from the ring where the text has them, otherwise 0. The step's own b * u go
// to the ring. Source: LFM2, arXiv 2511.23404, section 2. Meaning on the CPU: ref_conv().
//
//   binding 0  step_params
//   binding 1  x     f32 [n_token][x_stride]: b [n], gate [n], u [n]  read
//   binding 2  w     f32 [n][n_tap]                                   read
//   binding 3  ring  f32 [n_ring][n], row = position % n_ring         read and write
//   binding 4  y     f32 [n_token][y_stride]                          write
//
// Workgroup (i, t) does channels i * lanes … of token t. n_ring is at least n_token +
// n_tap - 1, so no row of the ring is read by one token and written by another.
#extension GL_GOOGLE_include_directive : require

#include "common/params.h"

layout(local_size_x_id = 0) in;
layout(push_constant) uniform Push { conv_params p; };

layout(std140, binding = 0) uniform Step { step_params run; };
layout(std430, binding = 1) readonly buffer X { float x[]; };
layout(std430, binding = 2) readonly buffer W { float w[]; };
layout(std430, binding = 3) buffer Ring { float ring[]; };
layout(std430, binding = 4) writeonly buffer Y { float y[]; };

float product(uint t, uint c)
{
    const uint row = t * p.x_stride + c;
    return x[row] * x[row + 2u * p.n];
}

void main()
{
    const uint t = gl_WorkGroupID.y;
    const uint c = gl_GlobalInvocationID.x;
    if (t >= run.n_token || c >= p.n)
        return;
    const uint pos = run.pos + t;

    float sum = 0.0;
    for (uint i = 0u; i < p.n_tap; i++) {
        const uint back = p.n_tap - 1u - i;
        if (back > pos)
            continue;
        const float v = back <= t ? product(t - back, c)
                                  : ring[(pos - back) % p.n_ring * p.n + c];
        sum += w[c * p.n_tap + i] * v;
    }
    ring[pos % p.n_ring * p.n + c] = product(t, c);
    y[t * p.y_stride + c] = x[t * p.x_stride + p.n + c] * sum;
}
