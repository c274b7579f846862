#version 450
// y[i] = 3 * x[i] + value + bias, for i < n. Read, write and uniform in one.
layout(local_size_x_id = 0) in;
layout(push_constant) uniform Push { uint n, value; } p;
layout(binding = 0) readonly buffer X { uint x[]; };
layout(binding = 1) writeonly buffer Y { uint y[]; };
layout(binding = 2) uniform Bias { uint bias; };

void main()
{
    const uint i = gl_GlobalInvocationID.x;
    if (i < p.n)
        y[i] = 3 * x[i] + p.value + bias;
}
