#version 450
// router: logits of one token -> its n_used best experts and their weights.
//   s = softmax(z) | sigmoid(z) | z;  c = s + bias (only for choosing)
//   groups: the n_group_used best stay; a group's score is its best c, or the sum
//     of its two best
//   chosen: the n_used largest c, falling; equal c: the smaller expert id
//   w = s[chosen], for SCORE_LOGIT softmax over the chosen z; then, if
//     ROUTER_NORMALISE, w /= max(sum w, norm_eps); w *= scale
//   A layer that a policy touches (struct in common/params.h): c also has the policy's
//     bias, banned experts are out before the groups are chosen, forced ones come first
//     whatever their group (the smaller id first), and at most the header's number are
//     chosen. Slots left over get ROUTER_NO_EXPERT and weight 0, and have no part in the
//     sums.
// Sources: Mixtral, arXiv 2401.04088, section 2.1; OLMoE, arXiv 2409.02060, section
// 2; DeepSeek-V3, arXiv 2412.19437, section 2.1.2. Meaning on the CPU: ref_router().
//
//   binding 0  logits   f32 [n_token][x_stride]   read
//   binding 1  bias     f32 [n_expert]            read, with ROUTER_BIAS
//   binding 2  ids      u32 [n_token][n_used]     write
//   binding 3  weights  f32 [n_token][n_used]     write
//   binding 4  tap      {id, bits of the weight}  write, with ROUTER_TAP
//   binding 5  policy   u32 [1 + n_expert] a layer  read, with ROUTER_POLICY
//   binding 6  factor   f32 [n_expert]            read, with ROUTER_FACTOR
//
// What leaves in `weights` is also times out_scale and factor[expert]; the tap is not.
//
// Workgroup (0, t) does token t. An expert's place in the result is the number of
// experts that beat it: no order of events can change it, there is no limit on
// n_used, and keys are integers, so that a NaN comes last instead of anywhere.
#extension GL_GOOGLE_include_directive : require

#include "common/params.h"
#include "common/math.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint EXPERTS = 8; // n_expert up to a multiple of 8
layout(constant_id = 2) const uint USED = 1;    // n_used
layout(constant_id = 3) const uint GROUPS = 1;  // n_group, at least 1
layout(push_constant) uniform Push { router_params p; };

layout(std430, binding = 0) readonly buffer Logits { float logits[]; };
layout(std430, binding = 1) readonly buffer Bias { float bias[]; };
layout(std430, binding = 2) writeonly buffer Ids { uint ids[]; };
layout(std430, binding = 3) writeonly buffer Weights { float weights[]; };
layout(std430, binding = 4) writeonly buffer Tap { uvec2 tap[]; };
layout(std430, binding = 5) readonly buffer Policy { uint policy[]; };
layout(std430, binding = 6) readonly buffer Factor { float factor[]; };

#include "common/reduce.glsl"

// enum router_score of engine/arch/arch.h
#define SCORE_SOFTMAX 0u
#define SCORE_SIGMOID 1u
#define SCORE_LOGIT 2u

shared uint key[EXPERTS];      // selection keys; later the weights' bits
shared uint chosen[USED];      // expert ids, best first
shared uint group_key[GROUPS];

const float FLOAT_MIN = 1.17549435e-38;
const uint KEY_OUT = 0u; // not to be chosen; what pads the array
const uint KEY_NAN = 1u;
const uint KEY_FORCED = 0xffffffffu; // above +inf

// Integers in the order of the floats, -0 = +0, NaN below all.
uint to_key(float x)
{
    const uint bits = floatBitsToUint(x);
    if ((bits & 0x7fffffffu) > 0x7f800000u)
        return KEY_NAN;
    if ((bits & 0x7fffffffu) == 0u)
        return 0x80000000u;
    return (bits >> 31) != 0u ? ~bits : bits | 0x80000000u;
}

float from_key(uint k)
{
    return uintBitsToFloat((k >> 31) != 0u ? k & 0x7fffffffu : ~k);
}

struct softmax {
    float best, sum;
};

float score(float z, softmax all)
{
    if (p.score == SCORE_SOFTMAX)
        return exp_f32(z - all.best) / all.sum;
    return p.score == SCORE_SIGMOID ? sigmoid(z) : z;
}

softmax softmax_of(uint row)
{
    float best = logits[row];
    for (uint e = gl_LocalInvocationIndex; e < p.n_expert; e += gl_WorkGroupSize.x)
        best = max(best, logits[row + e]);
    best = workgroup_max(best);
    float sum = 0.0;
    for (uint e = gl_LocalInvocationIndex; e < p.n_expert; e += gl_WorkGroupSize.x)
        sum += exp_f32(logits[row + e] - best);
    return softmax(best, workgroup_add(sum));
}

// What the policy adds to an expert's selection score.
float added(uint e)
{
    const uint rule = policy[p.policy_off + 1u + e];
    return rule == POLICY_BAN || rule == POLICY_FORCE ? 0.0 : uintBitsToFloat(rule);
}

// Every score grows with its logit. Where only their order counts, the logits
// themselves are compared: exact, also where scores are all 0 or all 1 in f32.
void fill_keys(uint row, softmax all, uint header)
{
    const bool shifted = (header & POLICY_BIASED) != 0u;
    const bool biased = (p.flags & ROUTER_BIAS) != 0u;
    const bool order_only =
        !biased && !shifted && (p.n_group <= 1u || p.group_top < 2u);
    for (uint e = gl_LocalInvocationIndex; e < EXPERTS; e += gl_WorkGroupSize.x) {
        uint k = KEY_OUT;
        if (e < p.n_expert) {
            const float z = logits[row + e];
            float c = order_only ? z : score(z, all);
            c = biased ? c + bias[e] : c;
            k = to_key(shifted ? c + added(e) : c);
        }
        key[e] = k;
    }
    barrier();
}

// Before the groups are chosen; the slots are cleared, as some may stay empty.
void ban()
{
    for (uint e = gl_LocalInvocationIndex; e < p.n_expert; e += gl_WorkGroupSize.x)
        if (policy[p.policy_off + 1u + e] == POLICY_BAN)
            key[e] = KEY_OUT;
    for (uint k = gl_LocalInvocationIndex; k < p.n_used; k += gl_WorkGroupSize.x)
        chosen[k] = ROUTER_NO_EXPERT;
    barrier();
}

// After they have been.
void force()
{
    for (uint e = gl_LocalInvocationIndex; e < p.n_expert; e += gl_WorkGroupSize.x)
        if (policy[p.policy_off + 1u + e] == POLICY_FORCE)
            key[e] = KEY_FORCED;
    barrier();
}

uint key_of_group(uint g, uint size)
{
    uint first = KEY_OUT, second = KEY_OUT;
    for (uint e = g * size; e < (g + 1u) * size; e++) {
        const uint k = key[e];
        second = max(second, min(first, k));
        first = max(first, k);
    }
    if (p.group_top < 2u || second == KEY_OUT) // one expert, or one that is not banned
        return first;
    return to_key(from_key(first) + from_key(second));
}

// Take the experts of all but the n_group_used best groups out.
void drop_groups()
{
    const uint size = p.n_expert / p.n_group;
    for (uint g = gl_LocalInvocationIndex; g < p.n_group; g += gl_WorkGroupSize.x)
        group_key[g] = key_of_group(g, size);
    barrier();
    for (uint e = gl_LocalInvocationIndex; e < p.n_expert; e += gl_WorkGroupSize.x) {
        const uint g = e / size;
        const uint mine = group_key[g];
        uint n_better = 0u;
        for (uint i = 0u; i < p.n_group; i++)
            n_better += uint(group_key[i] > mine || (group_key[i] == mine && i < g));
        if (n_better >= p.n_group_used)
            key[e] = KEY_OUT;
    }
    barrier();
}

// How many experts come before e; counting stops once that is n_used or more.
uint place_of(uint e)
{
    const uint mine = key[e];
    uint n_better = 0u;
    for (uint from = 0u; from < EXPERTS && n_better < p.n_used; from += 8u)
        for (uint i = from; i < from + 8u; i++)
            n_better += uint(key[i] > mine || (key[i] == mine && i < e));
    return n_better;
}

void choose(uint most)
{
    for (uint e = gl_LocalInvocationIndex; e < p.n_expert; e += gl_WorkGroupSize.x) {
        const uint place = place_of(e);
        if (place < most && key[e] != KEY_OUT)
            chosen[place] = e;
    }
    barrier();
}

uint count_chosen()
{
    uint n = 0u;
    while (n < p.n_used && chosen[n] != ROUTER_NO_EXPERT)
        n++;
    return n;
}

// Weights of the n chosen before the last factor into `key`; what they are divided by.
float weigh(uint row, softmax all, uint n)
{
    const bool logit = p.score == SCORE_LOGIT;
    float best = 0.0;
    if (logit) {
        best = logits[row + chosen[0]];
        for (uint k = 1u; k < n; k++)
            best = max(best, logits[row + chosen[k]]);
    }
    for (uint k = gl_LocalInvocationIndex; k < n; k += gl_WorkGroupSize.x) {
        const float z = logits[row + chosen[k]];
        key[k] = floatBitsToUint(logit ? exp_f32(z - best) : score(z, all));
    }
    barrier();
    if (!logit && (p.flags & ROUTER_NORMALISE) == 0u)
        return 1.0;
    float sum = 0.0;
    for (uint k = 0u; k < n; k++)
        sum += uintBitsToFloat(key[k]);
    return logit ? sum : max(sum, p.norm_eps);
}

void main()
{
    const uint t = gl_WorkGroupID.y;
    const uint row = t * p.x_stride;

    softmax all = softmax(0.0, 1.0);
    if (p.score == SCORE_SOFTMAX)
        all = softmax_of(row);
    const uint header = (p.flags & ROUTER_POLICY) != 0u ? policy[p.policy_off] : 0u;
    fill_keys(row, all, header);
    if (header != 0u)
        ban();
    if (p.n_group > 1u)
        drop_groups();
    if (header != 0u)
        force();
    choose(header != 0u ? min(header & ~POLICY_BIASED, p.n_used) : p.n_used);
    const uint n = header != 0u ? count_chosen() : p.n_used;
    float divisor = weigh(row, all, n);
    if (header != 0u)
        divisor = max(divisor, FLOAT_MIN); // forced experts' scores may all be 0

    for (uint k = gl_LocalInvocationIndex; k < p.n_used; k += gl_WorkGroupSize.x) {
        const uint id = k < n ? chosen[k] : ROUTER_NO_EXPERT;
        const float w = k < n ? uintBitsToFloat(key[k]) / divisor * p.scale : 0.0;
        ids[t * p.n_used + k] = id;
        float out_scale = p.out_scale;
        if ((p.flags & ROUTER_FACTOR) != 0u && k < n)
            out_scale *= factor[id];
        weights[t * p.n_used + k] = w * out_scale;
        if ((p.flags & ROUTER_TAP) != 0u)
            tap[p.tap_off + t * p.tap_stride + k] = uvec2(id, floatBitsToUint(w));
    }
}
