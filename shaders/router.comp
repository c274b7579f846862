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
//   SELECT, with no groups: ROUTER_SELECT_ABOVE leaves those experts out whose s is not
//     above the threshold. ROUTER_SELECT_DRAW chooses by rising race, c = -E / s with E
//     exponentially distributed: the same as drawing one expert after the other, without
//     replacement, each time in proportion to s. An expert whose s is 0 is never drawn;
//     biases and forced experts have no part. Slots may be left over as with a policy.
// Sources: Mixtral, arXiv 2401.04088, section 2.1; OLMoE, arXiv 2409.02060, section
// 2; DeepSeek-V3, arXiv 2412.19437, section 2.1.2; Efraimidis and Spirakis, "Weighted
// random sampling with a reservoir", 2006 (the race). Meaning on the CPU: ref_router().
//
//   binding 0  logits   f32 [n_token][x_stride]   read
//   binding 1  bias     f32 [n_expert]            read, with ROUTER_BIAS
//   binding 2  ids      u32 [n_token][n_used]     write
//   binding 3  weights  f32 [n_token][n_used]     write
//   binding 4  tap      {id, bits of the weight}  write, with ROUTER_TAP; with
//                       ROUTER_MARGIN also, after a token's n_used, {id, bits of m}
//   binding 5  policy   u32 [1 + n_expert] a layer  read, with ROUTER_POLICY
//   binding 6  factor   f32 [n_expert]            read, with ROUTER_FACTOR
//   binding 7  draw_params                        read, with ROUTER_SELECT_DRAW
//
// What leaves in `weights` is also times out_scale and factor[expert]; the tap is not.
//
//   m: c of the last chosen minus c of the first left out, and the id of that one;
//   infinity and ROUTER_NO_EXPERT where none is left out, infinity also where the last
//   is there by force. Experts of groups that are out and banned ones do not count.
//
// Workgroup (0, t) does token t. An expert's place in the result is the number of
// experts that beat it: no order of events can change it, there is no limit on
// n_used, and keys are integers, so that a NaN comes last instead of anywhere.
#extension GL_GOOGLE_include_directive : require

#include "common/params.h"
#include "common/math.glsl"
#include "common/random.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint EXPERTS = 8; // n_expert up to a multiple of 8
layout(constant_id = 2) const uint USED = 1;    // n_used
layout(constant_id = 3) const uint GROUPS = 1;  // n_group, at least 1
layout(constant_id = 4) const uint SELECT = ROUTER_SELECT_TOP;
layout(push_constant) uniform Push { router_params p; };

layout(std430, binding = 0) readonly buffer Logits { float logits[]; };
layout(std430, binding = 1) readonly buffer Bias { float bias[]; };
layout(std430, binding = 2) writeonly buffer Ids { uint ids[]; };
layout(std430, binding = 3) writeonly buffer Weights { float weights[]; };
layout(std430, binding = 4) writeonly buffer Tap { uvec2 tap[]; };
layout(std430, binding = 5) readonly buffer Policy { uint policy[]; };
layout(std430, binding = 6) readonly buffer Factor { float factor[]; };
layout(std140, binding = 7) uniform Draw { draw_params draw; };

#include "common/reduce.glsl"

// enum router_score of engine/arch/arch.h
#define SCORE_SOFTMAX 0u
#define SCORE_SIGMOID 1u
#define SCORE_LOGIT 2u
#define SCORE_GIVEN 3u // s = z

shared uint key[EXPERTS];      // selection keys; later the weights' bits
shared uint chosen[USED];      // expert ids, best first
shared uint group_key[GROUPS];
shared uint last_key;          // of the last chosen, of the first left out, and its id
shared uint next_key;
shared uint next_id;

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

// Selection key of an expert that may be drawn with probability in proportion to s.
uint key_drawn(uint e, float s)
{
    const uint row_lo = draw.row_lo + gl_WorkGroupID.y;
    const uint row_hi = draw.row_hi + uint(row_lo < draw.row_lo);
    const uvec4 bits = philox(uvec4(row_lo, row_hi, e, p.stream),
                              uvec2(draw.seed_lo, draw.seed_hi));
    const float race = -log_one_minus(unit_f32(bits.x));
    return s > 0.0 ? to_key(-(race / s)) : KEY_OUT;
}

// Every score grows with its logit. Where only their order counts, the logits
// themselves are compared: exact, also where scores are all 0 or all 1 in f32.
bool only_order_counts(uint header)
{
    return (p.flags & ROUTER_BIAS) == 0u && (header & POLICY_BIASED) == 0u &&
           (p.n_group <= 1u || p.group_top < 2u);
}

void fill_keys(uint row, softmax all, uint header)
{
    const bool shifted = (header & POLICY_BIASED) != 0u;
    const bool biased = (p.flags & ROUTER_BIAS) != 0u;
    const bool order_only = only_order_counts(header);
    if (gl_LocalInvocationIndex == 0u) {
        last_key = next_key = KEY_OUT;
        next_id = ROUTER_NO_EXPERT;
    }
    for (uint e = gl_LocalInvocationIndex; e < EXPERTS; e += gl_WorkGroupSize.x) {
        uint k = KEY_OUT;
        if (e < p.n_expert) {
            const float z = logits[row + e];
            float c = order_only ? z : score(z, all);
            c = biased ? c + bias[e] : c;
            k = to_key(shifted ? c + added(e) : c);
            if (SELECT == ROUTER_SELECT_DRAW)
                k = key_drawn(e, score(z, all));
            else if (SELECT == ROUTER_SELECT_ABOVE && !(score(z, all) > p.threshold))
                k = KEY_OUT;
        }
        key[e] = k;
    }
    barrier();
}

// Before the groups are chosen.
void ban()
{
    for (uint e = gl_LocalInvocationIndex; e < p.n_expert; e += gl_WorkGroupSize.x)
        if (policy[p.policy_off + 1u + e] == POLICY_BAN)
            key[e] = KEY_OUT;
    barrier();
}

// Where some may stay empty.
void clear_slots()
{
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

// How many experts come before e; counting stops once it is known to be `enough`.
uint place_of(uint e, uint enough)
{
    const uint mine = key[e];
    uint n_better = 0u;
    for (uint from = 0u; from < EXPERTS && n_better < enough; from += 8u)
        for (uint i = from; i < from + 8u; i++)
            n_better += uint(key[i] > mine || (key[i] == mine && i < e));
    return n_better;
}

void choose(uint most)
{
    const bool margin = (p.flags & ROUTER_MARGIN) != 0u;
    const uint enough = margin ? p.n_used + 1u : p.n_used;
    for (uint e = gl_LocalInvocationIndex; e < p.n_expert; e += gl_WorkGroupSize.x) {
        const uint place = place_of(e, enough);
        if (place > most || key[e] == KEY_OUT)
            continue;
        if (place < most)
            chosen[place] = e;
        if (margin && place + 1u == most)
            last_key = key[e];
        if (margin && place == most) {
            next_key = key[e];
            next_id = e;
        }
    }
    barrier();
}

float margin_of(softmax all, uint header)
{
    if (last_key == KEY_FORCED || next_key == KEY_OUT)
        return uintBitsToFloat(0x7f800000u);
    float last = from_key(last_key), next = from_key(next_key);
    if (only_order_counts(header)) {
        last = score(last, all);
        next = score(next, all);
    }
    return last == next ? 0.0 : last - next; // infinities of a bias may be equal
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
    if (logit && n > 0u) {
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
    const bool partial = header != 0u || SELECT != ROUTER_SELECT_TOP;
    if (header != 0u)
        ban();
    if (partial)
        clear_slots();
    if (p.n_group > 1u)
        drop_groups();
    if (header != 0u)
        force();
    choose(header != 0u ? min(header & ~POLICY_BIASED, p.n_used) : p.n_used);
    const uint n = partial ? count_chosen() : p.n_used;
    float divisor = weigh(row, all, n);
    if (partial)
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
    if ((p.flags & ROUTER_MARGIN) != 0u && gl_LocalInvocationIndex == 0u)
        tap[p.tap_off + t * p.tap_stride + p.n_used] =
            uvec2(next_id, floatBitsToUint(margin_of(all, header)));
}
