// angle.glsl - cosine and sine of position * frequency, to a few 1e-7 on every
// device and at every position.
//
// The built-in functions promise 2^-11 and only within [-pi, pi], and the product
// alone, in f32, is off by 1e-3 at position 20,000. So the product is made in
// fixed point, as a fraction of a turn: integers are exact everywhere.

#ifndef ANGLE_GLSL
#define ANGLE_GLSL

// position * freq / (2 pi), modulo 1, in units of 2^-32. 0 <= freq < 2^24.
uint angle_turn(uint position, float freq)
{
    const uint bits = floatBitsToUint(freq);
    const uint exponent = bits >> 23;
    if (exponent == 0u)
        return 0u; // zero, or below any angle that shows

    // freq = mantissa * 2^-shift; 1 / (2 pi) = 0x28be60db.9391054a * 2^-32
    const uint mantissa = (bits & 0x7fffffu) | 0x800000u;
    uint shift = 150u - min(exponent, 150u);
    uint w0, w1, w2, carry;
    umulExtended(mantissa, 0x9391054au, carry, w0);
    umulExtended(mantissa, 0x28be60dbu, w2, w1);
    w1 = uaddCarry(w1, carry, carry);
    w2 += carry;

    for (; shift >= 32u; shift -= 32u) {
        w0 = w1;
        w1 = w2;
        w2 = 0u;
    }
    if (shift > 0u) {
        w0 = (w0 >> shift) | (w1 << (32u - shift));
        w1 = (w1 >> shift) | (w2 << (32u - shift));
    }

    uint high, low;
    umulExtended(position, w0, high, low);
    return high + position * w1;
}

// (cos, sin) of position * freq
vec2 angle_cos_sin(uint position, float freq)
{
    const uint turn = angle_turn(position, freq);
    const uint quarter = (turn + 0x20000000u) >> 30;
    const float x = float(int(turn - (quarter << 30))) * (6.28318530718 / 4294967296.0);

    // Taylor series; |x| <= pi/4, so the first terms left out are below 2e-9.
    const float q = x * x;
    const float s = x * (1.0 + q * (-1.0 / 6.0 + q * (1.0 / 120.0 +
                    q * (-1.0 / 5040.0 + q * (1.0 / 362880.0)))));
    const float c = 1.0 + q * (-0.5 + q * (1.0 / 24.0 + q * (-1.0 / 720.0 +
                    q * (1.0 / 40320.0 - q * (1.0 / 3628800.0)))));

    switch (quarter & 3u) {
    case 0u:
        return vec2(c, s);
    case 1u:
        return vec2(-s, c);
    case 2u:
        return vec2(-c, -s);
    default:
        return vec2(s, -c);
    }
}

#endif
