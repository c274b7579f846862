/* physical.h - what comes before an open device: the instance, and what is known of
 * each device from its driver. Included in gpu/ only. */
#ifndef GPU_PHYSICAL_H
#define GPU_PHYSICAL_H

#include <stdatomic.h>

#include <volk.h>

#include "gpu/gpu.h"

/* ---- instance.c ------------------------------------------------------------- */

#define GPU_INSTANCE_CALLS(X)                                                            \
    X(DestroyInstance)                                                                   \
    X(EnumeratePhysicalDevices)                                                          \
    X(EnumerateDeviceExtensionProperties)                                                \
    X(GetPhysicalDeviceProperties)                                                       \
    X(GetPhysicalDeviceProperties2)                                                      \
    X(GetPhysicalDeviceFeatures2)                                                        \
    X(GetPhysicalDeviceMemoryProperties)                                                 \
    X(GetPhysicalDeviceMemoryProperties2)                                                \
    X(GetPhysicalDeviceQueueFamilyProperties)                                            \
    X(CreateDevice)
#define GPU_DEBUG_CALLS(X)                                                               \
    X(CreateDebugUtilsMessengerEXT)                                                      \
    X(DestroyDebugUtilsMessengerEXT)                                                     \
    X(SetDebugUtilsObjectNameEXT)

/* Must stay where it is while open: the messenger points to it. */
struct gpu_instance {
    VkInstance handle;
#define GPU_MEMBER(name) PFN_vk##name name;
    GPU_INSTANCE_CALLS(GPU_MEMBER)
    GPU_DEBUG_CALLS(GPU_MEMBER) /* NULL without VK_EXT_debug_utils */
#undef GPU_MEMBER
    VkDebugUtilsMessengerEXT messenger;
    atomic_uint n_message; /* warnings and errors of the validation layer */
    struct lem_log log;
};

/* LEM_ERR_NO_DEVICE without a loader. A loader without any driver may leave
 * in->handle VK_NULL_HANDLE with LEM_OK: there are no devices. */
enum lem_status gpu_instance_open(struct gpu_instance *in, bool validation,
                                  const struct lem_log *log);
void gpu_instance_close(struct gpu_instance *in);
void gpu_instance_device_calls(const struct gpu_instance *in, VkDevice device,
                               struct VolkDeviceTable *out);

/* ---- caps.c, caps_force.c, quirks.c ----------------------------------------- */

enum gpu_ext {
    GPU_EXT_8BIT,
    GPU_EXT_FLOAT16_INT8,
    GPU_EXT_SIZE_CONTROL,
    GPU_EXT_INT_DOT,
    GPU_EXT_EXECUTABLE,
    GPU_EXT_HOST_IMPORT,
    GPU_EXT_BUDGET,
    GPU_EXT_DRIVER,
    GPU_EXT_FLOAT_CONTROLS, /* only asked */
    GPU_EXT_PORTABILITY,
    GPU_EXT_COUNT
};

/* What is known of a device before it is opened. */
struct gpu_physical {
    VkPhysicalDevice handle;
    struct lem_device_info info;
    uint32_t ext; /* bit per enum gpu_ext */
    uint32_t family, timestamp_bits;
    float timestamp_ns; /* nanoseconds of one tick */
    VkDriverId driver_id;
    uint32_t driver_version;
    uint8_t cache_uuid[VK_UUID_SIZE];
    uint32_t max_group[3], max_local[3];
    uint32_t uniform_align, max_uniform_range, texel_align;
    /* f16 numbers below the normal ones are not taken for 0. */
    bool keeps_subnormals;
    /* Device memory is mapped: host and device share it. */
    bool unified;
    /* Kernels are compiled when they first run (quirks.c): see compile.c. */
    bool compiles_late;
};

/* Structs for vkCreateDevice; `core` leads the chain. */
struct gpu_features {
    VkPhysicalDeviceFeatures2 core;
    VkPhysicalDevice16BitStorageFeatures storage16;
    VkPhysicalDevice8BitStorageFeatures storage8;
    VkPhysicalDeviceShaderFloat16Int8Features small;
    VkPhysicalDeviceSubgroupSizeControlFeatures size_control;
    VkPhysicalDeviceShaderIntegerDotProductFeatures int_dot;
    VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR executable;
    const char *name[GPU_EXT_COUNT]; /* extensions to enable */
    uint32_t n_name;
};

enum lem_status gpu_caps_read(const struct gpu_instance *in, VkPhysicalDevice handle,
                              struct gpu_physical *out, const struct lem_log *log);
/* Refresh info.heap. */
void gpu_caps_heaps(const struct gpu_instance *in, struct gpu_physical *p);
/* Reduce to the profile; LEM_ERR_ARGUMENT when there is none of that name. */
enum lem_status gpu_caps_force(struct gpu_physical *p, const char *profile,
                               const struct lem_log *log);
/* What to enable for the caps in force. */
void gpu_caps_features(const struct gpu_physical *p, struct gpu_features *out);

/* Apply the exceptions that fit the device; each is told at info level. */
void gpu_quirks_apply(struct gpu_physical *p, const struct lem_log *log);

#endif
