#version 450
// The size of a later dispatch: x[at], 1, 1.
layout(local_size_x_id = 0) in;
layout(push_constant) uniform Push { uint at; } p;
layout(binding = 0) readonly buffer X { uint x[]; };
layout(binding = 1) writeonly buffer Args { uint args[3]; };

void main()
{
    if (gl_GlobalInvocationID.x == 0) {
        args[0] = x[p.at];
        args[1] = 1;
        args[2] = 1;
    }
}
