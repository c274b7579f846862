/* families.h - every family's descriptor, each in the file of its name. Only
 * arch_list.c and those files need it. */
#ifndef ARCH_FAMILIES_H
#define ARCH_FAMILIES_H

#include "arch/arch.h"

extern const struct arch_desc arch_bailingmoe2;
extern const struct arch_desc arch_deepseek2;
extern const struct arch_desc arch_ernie4_5moe;
extern const struct arch_desc arch_gemma4;
extern const struct arch_desc arch_glm4moe;
extern const struct arch_desc arch_gptoss;
extern const struct arch_desc arch_granitemoe;
extern const struct arch_desc arch_lfm2moe;
extern const struct arch_desc arch_llama;
extern const struct arch_desc arch_olmoe;
extern const struct arch_desc arch_phimoe;
extern const struct arch_desc arch_qwen2moe;
extern const struct arch_desc arch_qwen3moe;
extern const struct arch_desc arch_smallthinker;

#endif
