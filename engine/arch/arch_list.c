/* arch_list.c - a file's general.architecture -> descriptor, or what is missing for
 * it. The only place where the name of an architecture is compared. */
#include "arch/families.h"

#include <string.h>

static const struct arch_desc *const families[] = {
    &arch_llama,     &arch_olmoe,       &arch_qwen2moe,
    &arch_qwen3moe,  &arch_granitemoe,  &arch_gptoss,
    &arch_deepseek2, &arch_lfm2moe,     &arch_smallthinker,
    &arch_phimoe,    &arch_ernie4_5moe, &arch_bailingmoe2,
    &arch_glm4moe,   &arch_gemma4,      NULL,
};

/* Families that are known, and what this engine lacks for them. */
static const struct {
    const char *name, *missing;
} later[] = {
    {"granitehybrid", "Mamba-2 layers (tensors blk.N.ssm_*): a state space scan"},
    {"qwen3next", "gated DeltaNet layers (tensors blk.N.ssm_*): a recurrent state of "
                  "every head"},
    {"qwen35moe", "gated DeltaNet layers (tensors blk.N.ssm_*): a recurrent state of "
                  "every head"},
    {"qwen35", "gated DeltaNet layers (tensors blk.N.ssm_*): a recurrent state of every "
               "head"},
    {"jamba", "Mamba layers (tensors blk.N.ssm_*): a state space scan"},
    {"nemotron_h_moe", "Mamba-2 layers (tensors blk.N.ssm_*): a state space scan"},
    {"llama4", "experts whose weights multiply their input, and chunked attention"},
    {"dbrx", "layer norms without biases and a clamped q, k, v (attention.clamp_kqv)"},
    {"deci", "layers whose kinds differ (attention or FFN left out)"},
};

const struct arch_desc *arch_at(uint32_t i)
{
    const struct arch_desc *const *f = families;
    while (i-- && *f)
        f++;
    return *f;
}

static bool is_name(const char *name, const char *text, size_t len)
{
    return strlen(name) == len && memcmp(name, text, len) == 0;
}

const struct arch_desc *arch_find(const char *name, size_t len)
{
    const struct arch_desc *a;
    for (uint32_t i = 0; (a = arch_at(i)) != NULL; i++)
        for (const char *const *n = a->names; *n; n++)
            if (is_name(*n, name, len))
                return a;
    return NULL;
}

const char *arch_missing(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof later / sizeof *later; i++)
        if (is_name(later[i].name, name, len))
            return later[i].missing;
    return NULL;
}
