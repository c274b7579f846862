// math.glsl - functions whose built-in form may be too coarse.

#ifndef MATH_GLSL
#define MATH_GLSL

// exp(x) within about 1 ulp on every device; the built-in may be off by 3 + 2|x| ulp.
// Clamped to where the result is a normal number: 1.2e-38 .. 1.6e38.
// x = n ln 2 + r, |r| <= ln 2 / 2; ln 2 in two parts, so that n * part is exact.
float exp_f32(float x)
{
    const float n = roundEven(clamp(x, -87.3, 88.0) * 1.44269504);
    precise const float r0 = clamp(x, -87.3, 88.0) - n * 0.693359375;
    precise const float r = r0 + n * 2.12194440e-4;
    float p = fma(r, 1.0 / 5040.0, 1.0 / 720.0);
    p = fma(p, r, 1.0 / 120.0);
    p = fma(p, r, 1.0 / 24.0);
    p = fma(p, r, 1.0 / 6.0);
    p = fma(p, r, 0.5);
    p = fma(p * r, r, r) + 1.0;
    return p * intBitsToFloat((int(n) + 127) << 23);
}

float sigmoid(float x)
{
    return 1.0 / (1.0 + exp_f32(-x));
}

// cap * tanh(x / cap); tanh of more than 10 is 1 in f32.
float softcap(float x, float cap)
{
    const float e = exp_f32(2.0 * clamp(x / cap, -10.0, 10.0));
    return cap * (1.0 - 2.0 / (e + 1.0));
}

#endif
