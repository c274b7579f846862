/* rope_table.c - how fast each rotary pair turns: plain, linear, YaRN, and with
 * divisors of the file's own.
 *
 *   plain   f[i] = base^(-2i / n_rot)             Su et al., arXiv 2104.09864, 3.2.2
 *   linear  f[i] / s                              Chen et al., arXiv 2306.15595
 *   YaRN    (1 - r) f[i] / s + r f[i]             Peng et al., arXiv 2309.00071, 3.2
 *           r falls from 1 to 0 between the pair that turns beta_fast times in the
 *           original context and the one that turns beta_slow times; cos and sin
 *           grow by 0.1 ln s + 1 (section 3.4)
 *   rope_freqs.weight divides f[i] before all that (Llama 3.1 and later) */
#include <inttypes.h>
#include <math.h>

#include "base/log.h"
#include "model/parts.h"

enum { MAX_PAIRS = 512 }; /* half of the widest head that hparams.c lets through */

static const double pi = 3.14159265358979323846;

/* The pair, as a fraction, that turns `turns` times in the original context. */
static double pair_of_turns(const struct hparams *hp, double turns)
{
    return hp->n_rot * log(hp->rope_ctx_orig / (turns * 2 * pi)) /
           (2 * log((double)hp->rope_base));
}

/* How much of the unscaled frequency pair i keeps: 1 … 0. */
static double yarn_keeps(const struct hparams *hp, uint32_t i)
{
    const double last = hp->n_rot - 1;
    const double low = fmax(0, floor(pair_of_turns(hp, (double)hp->rope_beta_fast)));
    const double high = fmin(last, ceil(pair_of_turns(hp, (double)hp->rope_beta_slow)));
    const double ramp = (i - low) / fmax(0.001, high - low);
    return 1 - fmin(1, fmax(0, ramp));
}

static double scaled(const struct hparams *hp, uint32_t i, double f)
{
    const double s = (double)hp->rope_scale_factor;
    switch (hp->rope_scaling) {
    case ROPE_SCALING_NONE:
        return f;
    case ROPE_SCALING_LINEAR:
        return f / s;
    case ROPE_SCALING_YARN: {
        const double keeps = yarn_keeps(hp, i);
        return f / s * (1 - keeps) + f * keeps;
    }
    }
    return f;
}

void model_rope_freqs(const struct lem_model *m, float *freq, float *mscale)
{
    const struct hparams *hp = &m->hp;
    const struct tensor *own = &m->global[SLOT_ROPE_FREQS];
    float divisor[MAX_PAIRS];
    if (own->file)
        tensor_decode(own, divisor);

    for (uint32_t i = 0; i < hp->n_rot / 2; i++) {
        double f = pow((double)hp->rope_base, -2.0 * i / hp->n_rot);
        if (own->file)
            f /= (double)divisor[i];
        freq[i] = (float)scaled(hp, i, f);
    }
    double grow = (double)hp->rope_attn_factor;
    if (hp->rope_scaling == ROPE_SCALING_YARN)
        grow *= 1 + 0.1 * log(fmax(1, (double)hp->rope_scale_factor));
    *mscale = (float)grow;
}

enum lem_status rope_check(const struct lem_model *m)
{
    const struct tensor *own = &m->global[SLOT_ROPE_FREQS];
    float divisor[MAX_PAIRS];
    if (!own->file)
        return LEM_OK;
    tensor_decode(own, divisor);
    for (uint32_t i = 0; i < own->n_col; i++)
        if (!(divisor[i] >= 1e-6f && isfinite(divisor[i])))
            return log_fail(&m->file->log, LEM_ERR_FORMAT,
                            "%s: rope_freqs.weight: value %" PRIu32
                            " is %g, expected a number above 0. The file is damaged: "
                            "download or convert it again.",
                            m->file->path, i, (double)divisor[i]);
    return LEM_OK;
}
