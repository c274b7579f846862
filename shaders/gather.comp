#version 450
// gather: which experts several routers chose for a token, each once:
//   all[t][e] = e if one of ids[t] is e; otherwise it stays, or, with GATHER_FIRST,
//   becomes ROUTER_NO_EXPERT
// One dispatch per router, the first with GATHER_FIRST.
//
//   binding 0  ids  u32 [n_token][n_used]    read
//   binding 1  all  u32 [n_token][n_expert]  write
//
// Workgroup (0, t) does token t; its lanes stride over e.
#extension GL_GOOGLE_include_directive : require

#include "common/params.h"

layout(local_size_x_id = 0) in;
layout(push_constant) uniform Push { gather_params p; };

layout(std430, binding = 0) readonly buffer Ids { uint ids[]; };
layout(std430, binding = 1) writeonly buffer All { uint all_ids[]; };

void main()
{
    const uint t = gl_WorkGroupID.y;
    for (uint e = gl_LocalInvocationIndex; e < p.n_expert; e += gl_WorkGroupSize.x) {
        bool chosen = false;
        for (uint k = 0u; k < p.n_used && !chosen; k++)
            chosen = ids[t * p.n_used + k] == e;
        if (chosen || (p.flags & GATHER_FIRST) != 0u)
            all_ids[t * p.n_expert + e] = chosen ? e : ROUTER_NO_EXPERT;
    }
}
