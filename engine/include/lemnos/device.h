/* lemnos/device.h - list the Vulkan devices, open one, limit its memory.
 * Stability: may change until 1.0; every change is listed in README.md, "Changes". */
#ifndef LEMNOS_DEVICE_H
#define LEMNOS_DEVICE_H

#include "lemnos/common.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Tell drivers how to work best, by variables of the process's environment that are not
 * set: LP_NUM_THREADS, for lavapipe (Vulkan on processors), which then cuts work into two
 * pieces for each of 2 to 8 processors, instead of one. Without this call everything
 * works the same, and slower where other programs use the processors: engine/BENCH.md has
 * figures. Programs that the process starts inherit the variable, and Mesa's OpenGL on
 * processors reads it, too.
 *
 * Threads: to be called before the first device is listed or opened, and while no other
 * thread runs that reads the environment; the first thing in main(), say. The library
 * does not call it by itself.
 */
LEM_API void lem_prepare_drivers(void);

/** Capabilities of a device that Lemnos can make use of. Those beyond Vulkan
 * 1.1 core are all optional. */
struct lem_device_caps {
    bool fp16;                  /* 16-bit float arithmetic in shaders */
    bool int8;                  /* 8-bit integers in shaders */
    bool storage_8bit;          /* 8-bit storage buffers */
    bool storage_16bit;         /* 16-bit storage buffers */
    bool subgroup_arithmetic;   /* subgroupAdd and friends in compute */
    bool subgroup_quad;         /* subgroupQuadBroadcast in compute */
    bool subgroup_size_control; /* VK_EXT_subgroup_size_control */
    bool int_dot;               /* packed 4x8-bit integer dot product */
    bool host_import;           /* VK_EXT_external_memory_host */
    bool memory_budget;         /* VK_EXT_memory_budget */
    bool pipeline_statistics;   /* VK_KHR_pipeline_executable_properties */
    uint32_t subgroup_size;
    uint32_t max_workgroup;        /* invocations in one workgroup */
    uint32_t max_shared_bytes;     /* shared memory of one workgroup */
    uint64_t max_buffer_range;     /* bytes one storage binding may span */
    uint64_t max_alloc_bytes;      /* one memory allocation */
    uint64_t max_texel_elements;   /* elements of a texel buffer */
    uint32_t storage_align;        /* offset alignment of storage bindings */
    uint32_t max_storage_bindings; /* storage buffers one kernel may bind */
};

enum lem_device_type {
    LEM_DEVICE_OTHER,
    LEM_DEVICE_INTEGRATED,
    LEM_DEVICE_DISCRETE,
    LEM_DEVICE_VIRTUAL,
    LEM_DEVICE_CPU
};

struct lem_memory_heap {
    uint64_t size;   /* bytes */
    uint64_t budget; /* bytes we may still use; = size where not known */
    bool device_local;
    bool host_visible; /* some memory type of it can be mapped */
};

enum { LEM_DEVICE_MAX_HEAP = 16 };

struct lem_device_info {
    char name[256];
    char driver[256];     /* name and version, as the driver says */
    uint32_t api_version; /* VK_MAKE_VERSION */
    uint32_t vendor_id, device_id;
    enum lem_device_type type;
    uint32_t index; /* for lem_device_params.selector */
    uint32_t n_heap;
    struct lem_memory_heap heap[LEM_DEVICE_MAX_HEAP];
    struct lem_device_caps caps;
    char missing[256]; /* "" = usable; else why it is not */
};

/**
 * List the devices.
 *
 * @param log    may be NULL
 * @param infos  room for `cap`; may be NULL when cap is 0
 * @param n      receives the number of devices present, also when > cap
 * @return LEM_OK (also for 0 devices), LEM_ERR_NO_DEVICE (no Vulkan loader),
 *         LEM_ERR_GPU, LEM_ERR_MEMORY
 */
LEM_API enum lem_status lem_device_list(const struct lem_log *log,
                                        struct lem_device_info *infos, uint32_t cap,
                                        uint32_t *n);

struct lem_device; /* opaque: fields live in engine/gpu/gpu.h */

struct lem_device_params {
    const char *selector;  /* index, or part of the name in any case; NULL = the
                            * best: discrete, integrated, virtual, CPU */
    const char *caps;      /* name of a forced-caps profile: "minimal" pretends
                            * that the device has the floor only, "unmapped" that
                            * it shares no memory with the host; NULL = all */
    const char *cache_dir; /* folder of the pipeline cache, made if missing;
                            * NULL = none is kept */
    uint64_t max_bytes;    /* hard limit of device memory; 0 = what is there */
    bool validation;       /* ask for the Khronos validation layer (core and
                            * synchronization); its messages become errors */
    struct lem_log log;    /* copied */
};

/**
 * Open a device. `params` may be {0}.
 *
 * @return LEM_OK, LEM_ERR_NO_DEVICE (none, or none fits the selector: the
 *         message lists those present), LEM_ERR_ARGUMENT (unknown caps
 *         profile), LEM_ERR_UNSUPPORTED (below Vulkan 1.1), LEM_ERR_GPU,
 *         LEM_ERR_MEMORY
 * Ownership: the caller, until lem_device_close(); close weights and sessions
 * on it first.
 * Threads: any number of threads may use one device; submissions are ordered
 * by a lock inside.
 */
LEM_API enum lem_status lem_device_open(const struct lem_device_params *params,
                                        struct lem_device **out);
LEM_API void lem_device_close(struct lem_device **device);

/** Facts of an open device; caps are those in force (after the profile). */
LEM_API void lem_device_get_info(const struct lem_device *device,
                                 struct lem_device_info *info);

/** Bytes of device memory in use now and at most so far. Either may be NULL. */
LEM_API void lem_device_memory(const struct lem_device *device, uint64_t *now,
                               uint64_t *peak);

/** Ways to compute products of matrices with many rows at once: in registers, or through
 * tiles in memory that a workgroup shares. The results differ by rounding. */
enum lem_kernels {
    LEM_KERNELS_AUTO,      /* what was fastest when it was measured */
    LEM_KERNELS_RULE,      /* what the type of the device suggests: as after opening */
    LEM_KERNELS_REGISTERS, /* in registers */
    LEM_KERNELS_TILES      /* through tiles, wherever the device can */
};

/** What is taken for one kind of work. */
struct lem_kernel_choice {
    const char *way; /* "registers", "registers, texels", "tiles", "tiles, texels"; "" =
                      * the device does no such work. Lives for ever */
    double gain;     /* its speed over what the type of the device suggests; 1 = that is
                      * it, 0 = not measured, or nothing to choose from */
};

struct lem_device_kernels {
    bool measured;                      /* now or earlier; else by rule or by name */
    struct lem_kernel_choice token;     /* one row of activations */
    struct lem_kernel_choice prompt;    /* many rows, in float */
    struct lem_kernel_choice prompt_i8; /* many rows, as integers (LEM_ACTIVATIONS_INT) */
};

/**
 * Choose how the device computes products, for sessions and layers opened on it from
 * then on.
 *
 * LEM_KERNELS_AUTO tries the ways in turn, each against the results of the first, which
 * takes parts of a second beyond what the driver takes to compile some six kernels, and
 * keeps the outcome in the cache folder; from then on it is found there, for this device,
 * driver, caps, version of Lemnos and the kernels built into it. Another way than the
 * device's type suggests is taken when it is faster by 15 %. Without a cache folder
 * nothing is measured, so that two runs never differ, nor on CPU devices, where tiles are
 * never faster; then, and when measuring fails (a warning), it is LEM_KERNELS_RULE.
 *
 * @param out  what was chosen; may be NULL
 * @return LEM_OK, LEM_ERR_ARGUMENT
 * Threads: any, but no session, layer or lem_device_limit() may be opened or run on the
 * device meanwhile.
 */
LEM_API enum lem_status lem_device_tune(struct lem_device *device,
                                        enum lem_kernels kernels,
                                        struct lem_device_kernels *out);

/** Names of the caps profiles: i from 0 until NULL. */
LEM_API const char *lem_device_caps_profile(uint32_t i);

#ifdef __cplusplus
}
#endif
#endif
