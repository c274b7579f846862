// act.glsl - the activations of gated FFNs, and those of single values. Meaning on the
// CPU: ref_glu(), ref_act().
// Values of `act` are those of enum act in engine/arch/arch.h.

#ifndef ACT_GLSL
#define ACT_GLSL

#include "common/math.glsl"
#include "common/params.h"

#define ACT_SILU 0u
#define ACT_GELU_TANH 1u
#define ACT_RELU 2u
#define ACT_SWIGLU_CLAMPED 3u

// gelu(x) = x/2 (1 + tanh u), u = sqrt(2/pi) (x + 0.044715 x^3), which is
// x sigmoid(2u): Hendrycks and Gimpel, arXiv 1606.08415, section 2.
float gelu_tanh(float x)
{
    return x * sigmoid(1.5957691216 * fma(0.044715 * x * x, x, x));
}

// act(gate) * up; alpha and limit only for the clamped SwiGLU, which is
// min(g, limit) sigmoid(alpha min(g, limit)) (clamp(u, -limit, limit) + 1).
float act_glu(uint act, float gate, float up, float alpha, float limit)
{
    if (act == ACT_SWIGLU_CLAMPED) {
        const float g = min(gate, limit);
        return g * sigmoid(alpha * g) * (clamp(up, -limit, limit) + 1.0);
    }
    if (act == ACT_GELU_TANH)
        return gelu_tanh(gate) * up;
    if (act == ACT_RELU)
        return max(gate, 0.0) * up;
    return gate * sigmoid(gate) * up;
}

// DENSE_… of params.h. Sources: GELU, Hendrycks and Gimpel, arXiv 1606.08415; SiLU,
// Elfwing et al., arXiv 1702.03118.
float act_dense(uint act, float x)
{
    if (act == DENSE_RELU)
        return max(x, 0.0);
    if (act == DENSE_SIGMOID)
        return sigmoid(x);
    if (act == DENSE_TANH)
        return tanh_f32(x);
    if (act == DENSE_GELU)
        return 0.5 * x * (1.0 + erf_f32(0.70710678 * x));
    if (act == DENSE_GELU_TANH)
        return gelu_tanh(x);
    return act == DENSE_SILU ? x * sigmoid(x) : x;
}

#endif
