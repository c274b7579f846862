/* families.h - every family's descriptor, each in the file of its name. Only
 * arch_list.c and those files need it. */
#ifndef ARCH_FAMILIES_H
#define ARCH_FAMILIES_H

#include "arch/arch.h"

extern const struct arch_desc arch_llama;
extern const struct arch_desc arch_olmoe;
extern const struct arch_desc arch_qwen3moe;

#endif
