/* rope_table.c - how fast each rotary pair turns: plain, linear, YaRN, and with
 * divisors of the file's own.
 *
 *   plain   f[i] = base^(-2i / n_rot)             Su et al., arXiv 2104.09864, 3.2.2
 *   linear  f[i] / s                              Chen et al., arXiv 2306.15595
 *   YaRN    (1 - r) f[i] / s + r f[i]             Peng et al., arXiv 2309.00071, 3.2
 *           r falls from 1 to 0 between the pair that turns beta_fast times in the
 *           original context and the one that turns beta_slow times; cos and sin
 *           grow by 0.1 ln s + 1 (section 3.4)
 *   rope_freqs.weight divides f[i] before all that (Llama 3.1 and later), and so do
 *   the factors of LongRoPE (Ding et al., arXiv 2402.13753), which has two sets: for
 *   contexts up to the original one, and beyond
 *   DeepSeek's YaRN leaves cos and sin alone (arXiv 2405.04434, appendix) */
#include <inttypes.h>
#include <math.h>

#include "base/log.h"
#include "model/parts.h"

enum { MAX_PAIRS = 512 }; /* half of the widest head that hparams.c lets through */

static const double pi = 3.14159265358979323846;

/* One table in the making. */
struct table {
    const struct hparams *hp;
    const struct tensor *divisors; /* `file` is NULL: none */
    double base;
    uint32_t n_rot;
    bool scaled;
};

/* The pair, as a fraction, that turns `turns` times in the original context. */
static double pair_of_turns(const struct table *t, double turns)
{
    return t->n_rot * log(t->hp->rope_ctx_orig / (turns * 2 * pi)) / (2 * log(t->base));
}

/* How much of the unscaled frequency pair i keeps: 1 … 0. */
static double yarn_keeps(const struct table *t, uint32_t i)
{
    const double fast = (double)t->hp->rope_beta_fast;
    const double slow = (double)t->hp->rope_beta_slow;
    const double low = fmax(0, floor(pair_of_turns(t, fast)));
    const double high = fmin(t->n_rot - 1, ceil(pair_of_turns(t, slow)));
    const double ramp = (i - low) / fmax(0.001, high - low);
    return 1 - fmin(1, fmax(0, ramp));
}

static double scaled(const struct table *t, uint32_t i, double f)
{
    const double s = (double)t->hp->rope_scale_factor;
    switch (t->scaled ? t->hp->rope_scaling : ROPE_SCALING_NONE) {
    case ROPE_SCALING_NONE:
        return f;
    case ROPE_SCALING_LINEAR:
        return f / s;
    case ROPE_SCALING_YARN: {
        const double keeps = yarn_keeps(t, i);
        return f / s * (1 - keeps) + f * keeps;
    }
    }
    return f;
}

uint32_t model_rope_n_rot(const struct lem_model *m, enum rope_table table)
{
    if (table == ROPE_WINDOW)
        return m->hp.n_rot_window;
    if (table == ROPE_LONG && !m->global[SLOT_ROPE_LONG].file)
        return 0;
    return m->hp.n_rot;
}

enum rope_table model_rope_table(const struct lem_model *m, uint32_t layer,
                                 uint32_t n_ctx)
{
    const enum rope_table table = m->hp.layer[layer].rope;
    const bool is_long = n_ctx > m->hp.rope_ctx_orig && m->global[SLOT_ROPE_LONG].file;
    return table == ROPE_MAIN && is_long ? ROPE_LONG : table;
}

static struct table table_of(const struct lem_model *m, enum rope_table table)
{
    static const struct tensor none;
    const struct hparams *hp = &m->hp;
    struct table t = {.hp = hp, .n_rot = model_rope_n_rot(m, table)};
    t.scaled = table != ROPE_WINDOW || hp->rope_base_window == hp->rope_base;
    t.base = (double)(table == ROPE_WINDOW ? hp->rope_base_window : hp->rope_base);
    t.divisors = &none;
    if (table != ROPE_WINDOW)
        t.divisors = &m->global[table == ROPE_LONG ? SLOT_ROPE_LONG : SLOT_ROPE_FREQS];
    return t;
}

void model_rope_freqs(const struct lem_model *m, enum rope_table table, float *freq,
                      float *mscale)
{
    const struct table t = table_of(m, table);
    float divisor[MAX_PAIRS];
    if (t.divisors->file)
        tensor_decode(t.divisors, divisor);

    for (uint32_t i = 0; i < t.n_rot / 2; i++) {
        double f = pow(t.base, -2.0 * i / t.n_rot);
        if (t.divisors->file)
            f /= (double)divisor[i];
        freq[i] = (float)scaled(&t, i, f);
    }
    const struct hparams *hp = t.hp;
    double grow = (double)hp->rope_attn_factor;
    if (t.scaled && hp->rope_scaling == ROPE_SCALING_YARN && hp->rope_grows)
        grow *= 1 + 0.1 * log(fmax(1, (double)hp->rope_scale_factor));
    *mscale = (float)grow;
}

static enum lem_status check_divisors(const struct lem_model *m, const struct tensor *own)
{
    float divisor[MAX_PAIRS];
    if (!own->file)
        return LEM_OK;
    tensor_decode(own, divisor);
    for (uint32_t i = 0; i < own->n_col; i++)
        if (!(divisor[i] >= 1e-6f && isfinite(divisor[i])))
            return log_fail(&m->file->log, LEM_ERR_FORMAT,
                            "%s: %s: value %" PRIu32
                            " is %g, expected a number above 0. The file is damaged: "
                            "download or convert it again.",
                            m->file->path, own->file->name, i, (double)divisor[i]);
    return LEM_OK;
}

enum lem_status rope_check(const struct lem_model *m)
{
    const enum lem_status st = check_divisors(m, &m->global[SLOT_ROPE_FREQS]);
    return st == LEM_OK ? check_divisors(m, &m->global[SLOT_ROPE_LONG]) : st;
}
