// iq4.glsl - the sixteen values of IQ4_NL and IQ4_XS.

#ifndef IQ4_GLSL
#define IQ4_GLSL

#include "common/codes.glsl"

// t is code - 7.5. This polynomial misses none of the values by more than 0.44, so that
// rounding gives them; a table would be read one lane at a time on many devices.
vec4 iq4_value(vec4 t)
{
    vec4 p = fma(t, vec4(0.00158604), vec4(0.07866773));
    p = fma(t, p, vec4(-0.13719271));
    p = fma(t, p, vec4(11.517209));
    return roundEven(fma(t, p, vec4(-4.301249)));
}

// The values of a block's nibbles.
void iq4_values(uvec4 q, out vec4 w[BLOCK_VEC4])
{
    const uvec4 low = codes_low4(q);
    const uvec4 high = codes_high4(q);
    [[unroll]] for (uint i = 0; i < 4; i++) {
        w[i] = iq4_value(codes_bytes(low[i]) - 7.5);
        w[i + 4] = iq4_value(codes_bytes(high[i]) - 7.5);
    }
}

#endif
