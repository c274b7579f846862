#version 450
#extension GL_KHR_shader_subgroup_arithmetic : require
// The sum over each subgroup, in every place.
layout(local_size_x_id = 0) in;
layout(binding = 0) buffer Y { uint y[]; };

void main()
{
    const uint i = gl_GlobalInvocationID.x;
    y[i] = subgroupAdd(y[i]);
}
