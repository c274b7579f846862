/* shader_table.h - the SPIR-V that the build embedded, searched by name. */
#ifndef GPU_SHADER_TABLE_H
#define GPU_SHADER_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct gpu_shader {
    const char *name; /* "matmul.q8_0": file, and weight type where it has one */
    const uint32_t *code;
    size_t size; /* bytes */
};

/* Ends with a row of zeros. Generated: shaders/CMakeLists.txt. */
extern const struct gpu_shader gpu_shaders[];

/* Of all names, sizes and code of a table: tells one build's kernels from another's. */
uint64_t gpu_shaders_hash(const struct gpu_shader *table);

struct lem_device;

/* For tests: search `table` (ends with a row of zeros) first. It must outlive the
 * device; call before the first gpu_kernel_get(). */
void gpu_shaders_add(struct lem_device *device, const struct gpu_shader *table);

#endif
