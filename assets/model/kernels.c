/* kernels.c - fused CPU kernels of the training: bfloat16 activations, f32 residual.
 * Built and loaded by moe.py:
 *   cc -O3 -march=native -ffast-math -fopenmp -shared -fPIC kernels.c -o kernels.so -lm
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef uint16_t bf16;

static inline float to_f32(bf16 v)
{
    const uint32_t u = (uint32_t)v << 16;
    float r;
    memcpy(&r, &u, sizeof r);
    return r;
}

static inline bf16 to_bf16(float v)
{
    uint32_t u;
    memcpy(&u, &v, sizeof u);
    return (bf16)((u + 0x7fffu + ((u >> 16) & 1)) >> 16);
}

/* exp for x in [-87, 87], clamped; written so that compilers vectorize it. */
static inline float fast_exp(float x)
{
    x = x < -87.f ? -87.f : x > 87.f ? 87.f : x;
    const float z = x * 1.44269504f, k = floorf(z + 0.5f), t = (z - k) * 0.69314718f;
    const float c4 = 0.04166666f + t * (0.00833333f + t * 0.00138889f);
    const float p = 1.f + t * (1.f + t * (0.5f + t * (0.16666667f + t * c4)));
    const int32_t i = ((int32_t)k + 127) << 23;
    float s;
    memcpy(&s, &i, sizeof s);
    return p * s;
}

/* y = x * rstd * w; x [n][d]. Keeps rstd [n] for the way back. */
void rms_fwd(const float *x, const float *w, bf16 *y, float *rstd, long n, int d,
             float eps)
{
#pragma omp parallel for
    for (long i = 0; i < n; i++) {
        const float *a = x + i * d;
        float sum = 0;
        for (int j = 0; j < d; j++)
            sum += a[j] * a[j];
        const float r = rstd[i] = 1.f / sqrtf(sum / d + eps);
        for (int j = 0; j < d; j++)
            y[i * d + j] = to_bf16(a[j] * r * w[j]);
    }
}

/* dx += the gradient of rms_fwd; dw += that of w. */
void rms_bwd(const float *x, const float *w, const float *rstd, const float *dy,
             float *dx, float *dw, long n, int d)
{
#pragma omp parallel for reduction(+ : dw[:d])
    for (long i = 0; i < n; i++) {
        const float *a = x + i * d, *g = dy + i * d;
        const float r = rstd[i];
        float s = 0;
        for (int j = 0; j < d; j++)
            s += g[j] * w[j] * a[j];
        s = s * r * r * r / d;
        for (int j = 0; j < d; j++) {
            dx[i * d + j] += g[j] * w[j] * r - a[j] * s;
            dw[j] += g[j] * a[j] * r;
        }
    }
}

/* qkv [B*T][(H+2K)*D] -> q [B][H][T][D] and k [B][K][T][D], both normed per head and
 * rotated (halves), and v [B][K][T][D]. Keeps rstd [B*T][H+K]. */
void qkv_fwd(const bf16 *qkv, const float *qn, const float *kn, const float *cosine,
             const float *sine, bf16 *q, bf16 *k, bf16 *v, float *rstd, int B, int T,
             int H, int K, int D, float eps)
{
    const int W = (H + 2 * K) * D, half = D / 2;
#pragma omp parallel for
    for (long i = 0; i < (long)B * T; i++) {
        const int b = (int)(i / T), t = (int)(i % T);
        const float *c = cosine + t * half, *s = sine + t * half;
        for (int h = 0; h < H + K; h++) {
            const bf16 *a = qkv + i * W + h * D;
            const float *w = h < H ? qn : kn;
            float sum = 0, y[256];
            for (int j = 0; j < D; j++)
                sum += to_f32(a[j]) * to_f32(a[j]);
            const float r = rstd[i * (H + K) + h] = 1.f / sqrtf(sum / D + eps);
            for (int j = 0; j < D; j++)
                y[j] = to_f32(a[j]) * r * w[j];
            bf16 *o = h < H ? q + (((long)b * H + h) * T + t) * D
                            : k + (((long)b * K + h - H) * T + t) * D;
            for (int j = 0; j < half; j++) {
                o[j] = to_bf16(y[j] * c[j] - y[j + half] * s[j]);
                o[j + half] = to_bf16(y[j] * s[j] + y[j + half] * c[j]);
            }
        }
        for (int h = 0; h < K; h++)
            memcpy(v + (((long)b * K + h) * T + t) * D, qkv + i * W + (H + K + h) * D,
                   D * sizeof(bf16));
    }
}

void qkv_bwd(const bf16 *qkv, const float *qn, const float *kn, const float *cosine,
             const float *sine, const bf16 *dq, const bf16 *dk, const bf16 *dv,
             const float *rstd, bf16 *dqkv, float *dqn, float *dkn, int B, int T, int H,
             int K, int D)
{
    const int W = (H + 2 * K) * D, half = D / 2;
#pragma omp parallel for reduction(+ : dqn[:D], dkn[:D])
    for (long i = 0; i < (long)B * T; i++) {
        const int b = (int)(i / T), t = (int)(i % T);
        const float *c = cosine + t * half, *s = sine + t * half;
        for (int h = 0; h < H + K; h++) {
            const bf16 *a = qkv + i * W + h * D;
            const bf16 *o = h < H ? dq + (((long)b * H + h) * T + t) * D
                                  : dk + (((long)b * K + h - H) * T + t) * D;
            const float *w = h < H ? qn : kn, r = rstd[i * (H + K) + h];
            float *dw = h < H ? dqn : dkn;
            float g[256], mean = 0;
            for (int j = 0; j < half; j++) {
                const float u = to_f32(o[j]), z = to_f32(o[j + half]);
                g[j] = u * c[j] + z * s[j];
                g[j + half] = z * c[j] - u * s[j];
            }
            for (int j = 0; j < D; j++) {
                const float x = to_f32(a[j]) * r;
                dw[j] += g[j] * x;
                g[j] *= w[j];
                mean += g[j] * x;
            }
            mean /= D;
            for (int j = 0; j < D; j++)
                dqkv[i * W + h * D + j] = to_bf16(r * (g[j] - to_f32(a[j]) * r * mean));
        }
        for (int h = 0; h < K; h++)
            memcpy(dqkv + i * W + (H + K + h) * D, dv + (((long)b * K + h) * T + t) * D,
                   D * sizeof(bf16));
    }
}

/* Rows of s [R][T], in place; row r sees columns 0 … r % T. T is at most 2048. */
void softmax_fwd(bf16 *s, long R, int T, float scale)
{
#pragma omp parallel for schedule(static, 64)
    for (long r = 0; r < R; r++) {
        bf16 *a = s + r * T;
        const int n = (int)(r % T) + 1;
        float e[2048], max = -1e30f, sum = 0;
        for (int j = 0; j < n; j++) {
            e[j] = to_f32(a[j]) * scale;
            max = e[j] > max ? e[j] : max;
        }
        for (int j = 0; j < n; j++) {
            e[j] = fast_exp(e[j] - max);
            sum += e[j];
        }
        for (int j = 0; j < n; j++)
            a[j] = to_bf16(e[j] / sum);
        memset(a + n, 0, (size_t)(T - n) * sizeof(bf16));
    }
}

/* dp becomes the gradient of the scores; p is what softmax_fwd left. */
void softmax_bwd(const bf16 *p, bf16 *dp, long R, int T, float scale)
{
#pragma omp parallel for schedule(static, 64)
    for (long r = 0; r < R; r++) {
        const bf16 *a = p + r * T;
        bf16 *g = dp + r * T;
        const int n = (int)(r % T) + 1;
        float s = 0;
        for (int j = 0; j < n; j++)
            s += to_f32(a[j]) * to_f32(g[j]);
        for (int j = 0; j < n; j++)
            g[j] = to_bf16(to_f32(a[j]) * (to_f32(g[j]) - s) * scale);
        memset(g + n, 0, (size_t)(T - n) * sizeof(bf16));
    }
}

/* gu [n][2*ff], gate then up -> a [n][ff] = silu(gate) * up */
void swiglu_fwd(const bf16 *gu, bf16 *a, long n, int ff)
{
#pragma omp parallel for
    for (long i = 0; i < n; i++) {
        for (int j = 0; j < ff; j++) {
            const float g = to_f32(gu[i * 2 * ff + j]),
                        u = to_f32(gu[i * 2 * ff + ff + j]);
            a[i * ff + j] = to_bf16(g / (1.f + fast_exp(-g)) * u);
        }
    }
}

void swiglu_bwd(const bf16 *gu, const bf16 *da, bf16 *dgu, long n, int ff)
{
#pragma omp parallel for
    for (long i = 0; i < n; i++) {
        for (int j = 0; j < ff; j++) {
            const float g = to_f32(gu[i * 2 * ff + j]),
                        u = to_f32(gu[i * 2 * ff + ff + j]);
            const float d = to_f32(da[i * ff + j]), s = 1.f / (1.f + fast_exp(-g));
            dgu[i * 2 * ff + j] = to_bf16(d * u * s * (1.f + g * (1.f - s)));
            dgu[i * 2 * ff + ff + j] = to_bf16(d * g * s);
        }
    }
}

/* x[i] += sum over e of w[i][e] * y[pos[i][e]]; w NULL means 1. */
void combine_fwd(float *x, const bf16 *y, const float *w, const int64_t *pos, long n,
                 int k, int d)
{
#pragma omp parallel for
    for (long i = 0; i < n; i++) {
        for (int e = 0; e < k; e++) {
            const bf16 *a = y + pos[i * k + e] * d;
            const float s = w ? w[i * k + e] : 1.f;
            for (int j = 0; j < d; j++)
                x[i * d + j] += s * to_f32(a[j]);
        }
    }
}

/* dy[pos] = w * dx; dw = <y[pos], dx> */
void combine_bwd(const float *dx, const bf16 *y, const float *w, const int64_t *pos,
                 bf16 *dy, float *dw, long n, int k, int d)
{
#pragma omp parallel for
    for (long i = 0; i < n; i++) {
        for (int e = 0; e < k; e++) {
            const bf16 *a = y + pos[i * k + e] * d;
            bf16 *o = dy + pos[i * k + e] * d;
            float sum = 0;
            for (int j = 0; j < d; j++) {
                const float g = dx[i * d + j];
                o[j] = to_bf16(w[i * k + e] * g);
                sum += g * to_f32(a[j]);
            }
            dw[i * k + e] = sum;
        }
    }
}

/* Cross entropy: logits [n][V] become their gradients times `scale`; loss [n]. */
void cross_entropy(bf16 *logits, const int64_t *target, float *loss, long n, int V,
                   float scale)
{
#pragma omp parallel for
    for (long i = 0; i < n; i++) {
        bf16 *a = logits + i * (long)V;
        float *e = malloc((size_t)V * sizeof *e);
        float max = -1e30f, sum = 0;
        if (!e)
            abort(); /* a few KiB: nothing sensible is left to do */
        for (int j = 0; j < V; j++) {
            e[j] = to_f32(a[j]);
            max = e[j] > max ? e[j] : max;
        }
        const float wanted = e[target[i]];
        for (int j = 0; j < V; j++) {
            e[j] = fast_exp(e[j] - max);
            sum += e[j];
        }
        loss[i] = logf(sum) + max - wanted;
        const float r = scale / sum;
        for (int j = 0; j < V; j++)
            a[j] = to_bf16(e[j] * r);
        a[target[i]] = to_bf16(e[target[i]] * r - scale);
        free(e);
    }
}
