/* test_shaders.c - the table of the shaders in tests/gpu/shaders. */
#include "test_shaders.h"

#include "args.h"
#include "chain.h"
#include "groups.h"
#include "shared.h"
#include "subgroup.h"

const struct gpu_shader test_shaders[] = {
    {"test.args", spv_args, sizeof spv_args},
    {"test.chain", spv_chain, sizeof spv_chain},
    {"test.groups", spv_groups, sizeof spv_groups},
    {"test.shared", spv_shared, sizeof spv_shared},
    {"test.subgroup", spv_subgroup, sizeof spv_subgroup},
    {0, 0, 0},
};
