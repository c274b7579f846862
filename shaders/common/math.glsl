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

// log(1 - v), 0 <= v < 1, within about 2 ulp; the built-in is off by 2^-21 near 1.
// 1 - v = 2^k (1 + f), 1 + f from sqrt(1/2) to sqrt(2); log(1 + f) = 2 atanh(f / (2 + f)).
float log_one_minus(float v)
{
    float f = -v, k = 0.0;
    if (v > 0.25) {
        const int bits = floatBitsToInt(1.0 - v);
        const int e = (bits - 0x3f3504f3) >> 23;
        f = intBitsToFloat(bits - (e << 23)) - 1.0;
        k = float(e);
    }
    const float s = f / (2.0 + f), s2 = s * s;
    const float p = fma(fma(fma(s2, 1.0 / 9.0, 1.0 / 7.0), s2, 1.0 / 5.0), s2, 1.0 / 3.0);
    return fma(k, 0.693147181, 2.0 * fma(s * s2, p, s));
}

// tanh(x) within some 1e-7 of its value, also where that is small.
float tanh_f32(float x)
{
    const float x2 = x * x;
    if (x2 < 0.16) { // the series at 0
        float p = fma(x2, -1382.0 / 155925.0, 62.0 / 2835.0);
        p = fma(fma(fma(p, x2, -17.0 / 315.0), x2, 2.0 / 15.0), x2, -1.0 / 3.0);
        return fma(x * x2, p, x);
    }
    return 1.0 - 2.0 / (exp_f32(2.0 * clamp(x, -10.0, 10.0)) + 1.0);
}

// erf(x) within 3e-7: Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26.
float erf_f32(float x)
{
    const float a = min(abs(x), 6.0);
    const float t = 1.0 / fma(0.3275911, a, 1.0);
    float p = fma(t, 1.061405429, -1.453152027);
    p = fma(fma(fma(p, t, 1.421413741), t, -0.284496736), t, 0.254829592) * t;
    const float y = 1.0 - p * exp_f32(-a * a);
    return x < 0.0 ? -y : y;
}

// cap * tanh(x / cap); tanh of more than 10 is 1 in f32.
float softcap(float x, float cap)
{
    const float e = exp_f32(2.0 * clamp(x / cap, -10.0, 10.0));
    return cap * (1.0 - 2.0 / (e + 1.0));
}

#endif
