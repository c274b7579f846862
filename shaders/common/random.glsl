// random.glsl - random numbers that depend on a key and a counter alone, so that any
// lane finds any number of the sequence. Meaning on the CPU: ref_philox().
// Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011:
// Philox-4x32 with 10 rounds.

#ifndef RANDOM_GLSL
#define RANDOM_GLSL

uvec4 philox(uvec4 counter, uvec2 key)
{
    uvec4 c = counter;
    uvec2 k = key;
    for (uint round = 0u; round < 10u; round++) {
        uint high0, low0, high1, low1;
        umulExtended(0xd2511f53u, c.x, high0, low0);
        umulExtended(0xcd9e8d57u, c.z, high1, low1);
        c = uvec4(high1 ^ c.y ^ k.x, low1, high0 ^ c.w ^ k.y, low0);
        k += uvec2(0x9e3779b9u, 0xbb67ae85u);
    }
    return c;
}

// (n + 1/2) / 2^23 with n the upper 23 bits: above 0, below 1, and exact.
float unit_f32(uint bits)
{
    return (float(bits >> 9) + 0.5) * 1.1920928955078125e-7;
}

#endif
