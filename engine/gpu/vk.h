/* vk.h - the Vulkan side of this folder: its structs, and what its files call of
 * each other. Included in gpu/ only. */
#ifndef GPU_VK_H
#define GPU_VK_H

#include <stdatomic.h>

#include <volk.h>

#include "base/thread.h"
#include "gpu/gpu.h"
#include "gpu/reflect.h"
#include "gpu/shader_table.h"

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

/* ---- caps.c, quirks.c -------------------------------------------------------- */

enum gpu_ext {
    GPU_EXT_8BIT,
    GPU_EXT_FLOAT16_INT8,
    GPU_EXT_SIZE_CONTROL,
    GPU_EXT_INT_DOT,
    GPU_EXT_EXECUTABLE,
    GPU_EXT_HOST_IMPORT,
    GPU_EXT_BUDGET,
    GPU_EXT_DRIVER,
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
    uint32_t uniform_align, max_uniform_range;
    /* Device memory is mapped: host and device share it. */
    bool unified;
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

/* ---- the device -------------------------------------------------------------- */

struct gpu_kernel {
    const char *name;
    uint32_t constant[GPU_MAX_CONSTANT], n_constant;
    VkDescriptorSetLayout set_layout;
    VkPipelineLayout layout;
    VkPipeline pipeline;
    struct gpu_reflection info;
    struct gpu_kernel *next;
};

struct lem_device {
    struct lem_log log;
    struct gpu_instance instance;
    struct gpu_physical physical;
    VkPhysicalDeviceMemoryProperties memory;
    VkDevice handle;
    struct VolkDeviceTable fn;
    VkQueue queue;
    struct mutex queue_lock;
    atomic_bool lost, pretend_lost;

    uint64_t max_bytes;          /* 0 = no limit of ours */
    _Atomic uint64_t used, peak; /* bytes in device-local heaps */

    struct mutex kernel_lock; /* over what follows */
    struct gpu_kernel *kernels;
    const struct gpu_shader *more_shaders;
    VkPipelineCache cache;
    char *cache_dir, *cache_path; /* NULL = none is kept */
    bool cache_dirty;

    struct mutex once_lock; /* over what follows: see submit.c */
    VkCommandPool once_pool;
    VkCommandBuffer once_cmd;
    VkFence once_fence;
};

/* ---- submit.c ------------------------------------------------------------------ */

/* Log and translate a VkResult that is not VK_SUCCESS; remembers a loss. `doing`
 * and `what` complete "… failed": "recording", "list \"decode\"". */
enum lem_status gpu_fail(struct lem_device *d, VkResult result, const char *doing,
                         const char *what);
/* LEM_OK, or LEM_ERR_DEVICE_LOST (logged) once the device is lost. */
enum lem_status gpu_alive(struct lem_device *d);

/* `fence` must be unsignaled. Returns LEM_OK, LEM_ERR_DEVICE_LOST, LEM_ERR_GPU … */
enum lem_status gpu_submit(struct lem_device *d, const VkCommandBuffer *cmd, uint32_t n,
                           VkFence fence, const char *what);
/* Wait for `fence` and reset it. */
enum lem_status gpu_wait(struct lem_device *d, VkFence fence, const char *what);

/* Commands that run once, at once: record into *cmd between begin and end; other
 * threads wait meanwhile. After a failed begin there is no end. */
enum lem_status gpu_once_open(struct lem_device *d);
void gpu_once_close(struct lem_device *d);
enum lem_status gpu_once_begin(struct lem_device *d, VkCommandBuffer *cmd);
enum lem_status gpu_once_end(struct lem_device *d, const char *what);

/* A global barrier between all earlier and all later work of the kinds we do. */
void gpu_barrier_all(struct lem_device *d, VkCommandBuffer cmd);

/* Show `name` in captures and validation messages. */
void gpu_name_object(struct lem_device *d, VkObjectType type, uint64_t handle,
                     const char *name);

/* ---- memory.c, buffer.c ---------------------------------------------------------- */

struct gpu_memory {
    VkDeviceMemory handle;
    uint64_t size;
    void *map;    /* NULL when not mapped */
    bool counted; /* in device.used */
};

/* LEM_ERR_GPU_MEMORY, logged, when no device of this kind gives so much at once. */
enum lem_status gpu_memory_possible(const struct lem_device *d, uint64_t size,
                                    const char *name);
enum lem_status gpu_memory_open(struct lem_device *d, enum gpu_buf_kind kind,
                                const VkMemoryRequirements *need, const char *name,
                                struct gpu_memory *out);
void gpu_memory_close(struct lem_device *d, struct gpu_memory *m);

struct gpu_buf {
    struct lem_device *device;
    enum gpu_buf_kind kind;
    uint64_t size;
    VkBuffer handle;
    struct gpu_memory memory;
    char name[64];
};

/* ---- pipeline_cache.c: under kernel_lock ---------------------------------------- */

enum lem_status gpu_cache_open(struct lem_device *d, const char *dir);
void gpu_cache_save(struct lem_device *d); /* when something is new */
void gpu_cache_close(struct lem_device *d);

/* ---- kernel.c --------------------------------------------------------------------- */

void gpu_kernels_close(struct lem_device *d);

#endif
