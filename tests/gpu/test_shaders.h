/* test_shaders.h - the shaders in tests/gpu/shaders, for gpu_shaders_add(). */
#ifndef GPU_TEST_SHADERS_H
#define GPU_TEST_SHADERS_H

#include "gpu/shader_table.h"

/* "test.chain", "test.groups", "test.args", "test.shared", "test.subgroup". */
extern const struct gpu_shader test_shaders[];

#endif
