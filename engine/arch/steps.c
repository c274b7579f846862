/* steps.c - the steps of a layer that several families share. A family's own file
 * picks from these lists and adds its own. */
#include "arch/arch.h"

/* Pre-norm transformer block: attention, then the FFN, each added to x. */
const enum arch_step arch_steps_moe[] = {
    STEP_ATTN_NORM, STEP_QKV,    STEP_ROPE,    STEP_ATTN, STEP_ATTN_OUT,
    STEP_FFN_NORM,  STEP_ROUTER, STEP_EXPERTS, STEP_END,
};

const enum arch_step arch_steps_moe_shared[] = {
    STEP_ATTN_NORM, STEP_QKV,    STEP_ROPE,    STEP_ATTN,   STEP_ATTN_OUT,
    STEP_FFN_NORM,  STEP_ROUTER, STEP_EXPERTS, STEP_SHARED, STEP_END,
};

const enum arch_step arch_steps_dense[] = {
    STEP_ATTN_NORM, STEP_QKV,      STEP_ROPE, STEP_ATTN,
    STEP_ATTN_OUT,  STEP_FFN_NORM, STEP_FFN,  STEP_END,
};

bool arch_has_step(const enum arch_step *steps, enum arch_step step)
{
    for (; steps && *steps != STEP_END; steps++)
        if (*steps == step)
            return true;
    return false;
}
