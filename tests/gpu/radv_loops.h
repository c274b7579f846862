/* radv_loops.h - other code for the kernels of test_radv.c, made at build time. By the
 * names of the kernels; each table ends with a row of zeros. */
#ifndef GPU_RADV_LOOPS_H
#define GPU_RADV_LOOPS_H

#include "gpu/shader_table.h"

/* Without the main loop: what they cost is taken off, and the loop's cost is left. */
extern const struct gpu_shader radv_loops[];
/* Of products of one token that have no loop over experts: straight but for the main
 * loop, as if each condition were met. */
extern const struct gpu_shader radv_once[];

#endif
