#version 450
// Every workgroup adds 1 at its own place: count[x + 64 * y].
layout(local_size_x_id = 0) in;
layout(binding = 0) buffer Count { uint count[]; };

void main()
{
    if (gl_LocalInvocationID.x == 0)
        count[gl_WorkGroupID.x + 64 * gl_WorkGroupID.y] += 1;
}
