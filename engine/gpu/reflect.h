/* reflect.h - what a compute shader's SPIR-V says of itself: bindings and their
 * access, push constants, workgroup, shared memory, capabilities. Knows the file
 * format only, no Vulkan call. */
#ifndef GPU_REFLECT_H
#define GPU_REFLECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gpu/gpu.h"

enum gpu_bind_kind {
    GPU_BIND_NONE, /* number not used by the shader */
    GPU_BIND_STORAGE,
    GPU_BIND_UNIFORM,
    GPU_BIND_TEXEL_UINT, /* texel buffers: elements of four u32, or four f32 */
    GPU_BIND_TEXEL_FLOAT
};

static inline bool gpu_bind_is_texel(enum gpu_bind_kind kind)
{
    return kind == GPU_BIND_TEXEL_UINT || kind == GPU_BIND_TEXEL_FLOAT;
}

struct gpu_binding {
    enum gpu_bind_kind kind;
    bool read, write;
};

enum { GPU_MAX_CAPABILITY = 16 };

struct gpu_reflection {
    struct gpu_binding bind[GPU_MAX_BINDING]; /* set 0 */
    uint32_t n_binding;                       /* highest number + 1 */
    uint32_t push_size;                       /* bytes */
    uint32_t local[3];                        /* workgroup, constants applied */
    uint32_t shared_bytes;
    uint32_t capability[GPU_MAX_CAPABILITY], n_capability; /* SPIR-V numbers */
};

/*
 * Read `code` (`size` bytes) with specialization constants 0 … n_constant-1 set to
 * `constant`. Returns NULL, or what is wrong with it in a few words (static text).
 */
const char *gpu_reflect(const uint32_t *code, size_t size, const uint32_t *constant,
                        uint32_t n_constant, struct gpu_reflection *out);

#endif
