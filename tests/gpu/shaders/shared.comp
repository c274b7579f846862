#version 450
// Reverses a workgroup's values through shared memory of 4 * SIZE words.
layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint SIZE = 1;
layout(binding = 0) buffer Y { uint y[]; };
shared uint room[4 * SIZE];

void main()
{
    const uint i = gl_LocalInvocationID.x;
    room[i] = y[i];
    barrier();
    y[i] = room[gl_WorkGroupSize.x - 1 - i];
}
