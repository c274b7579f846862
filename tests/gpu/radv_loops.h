/* radv_loops.h - the kernels of test_radv.c without their main loop, made at build time:
 * what they cost is taken off, and the loop's cost is left. */
#ifndef GPU_RADV_LOOPS_H
#define GPU_RADV_LOOPS_H

#include "gpu/shader_table.h"

/* By the names of the kernels; ends with a row of zeros. */
extern const struct gpu_shader radv_loops[];

#endif
