/* vk.h - the Vulkan side of this folder: its structs, and what its files call of
 * each other. Included in gpu/ only. */
#ifndef GPU_VK_H
#define GPU_VK_H

#include "base/thread.h"
#include "gpu/physical.h"
#include "gpu/reflect.h"
#include "gpu/shader_table.h"

/* ---- the device ------------------------------------------------------------- */

struct gpu_kernel {
    const char *name;
    const struct gpu_shader *shader;
    uint32_t constant[GPU_MAX_CONSTANT], n_constant;
    VkDescriptorSetLayout set_layout;
    VkPipelineLayout layout;
    VkPipeline pipeline; /* VK_NULL_HANDLE until gpu_kernels_make() */
    VkResult failed;     /* of the driver, which is not asked again; or VK_SUCCESS */
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
    atomic_bool lost;
    _Atomic uint32_t pretend_lost; /* submissions until one is said to fail; 0 = none */

    _Atomic uint32_t choice[GPU_MAX_CHOICE];
    uint64_t max_bytes;          /* 0 = no limit of ours */
    _Atomic uint64_t used, peak; /* bytes in device-local heaps */

    struct mutex kernel_lock; /* over what follows */
    struct gpu_kernel *kernels;
    const struct gpu_shader *more_shaders;
    VkPipelineCache cache;
    char *cache_dir, *cache_path; /* NULL = none is kept */
    uint64_t shaders_hash;        /* of gpu_shaders, where there is a cache_dir */
    bool cache_dirty;

    struct mutex once_lock; /* over what follows: see submit.c */
    VkCommandPool once_pool;
    VkCommandBuffer once_cmd;
    VkFence once_fence;
};

/* ---- device.c --------------------------------------------------------------- */

/* A second device of the same GPU for a helping thread, in the instance of the first, so
 * it is closed before that one. It keeps no files and says nothing: `of` may be in use
 * by its own thread, which alone writes to the log; so not where there is validation. */
enum lem_status gpu_twin_open(const struct lem_device *of, struct lem_device **out);
/* Safe on pointer to NULL. What was made on it is closed already. */
void gpu_twin_close(struct lem_device **twin);

/* ---- submit.c --------------------------------------------------------------- */

/* Log and translate a VkResult that is not VK_SUCCESS; remembers a loss. `doing`
 * and `what` complete "… failed": "recording", "list \"decode\"". */
enum lem_status gpu_fail(struct lem_device *d, VkResult result, const char *doing,
                         const char *what);
/* The same without a message: the status of any VkResult. */
enum lem_status gpu_status(struct lem_device *d, VkResult result);
/* LEM_OK, or LEM_ERR_DEVICE_LOST (logged) once the device is lost. */
enum lem_status gpu_alive(struct lem_device *d);

/* `fence` must be unsignaled. Returns LEM_OK, LEM_ERR_DEVICE_LOST, LEM_ERR_GPU … */
enum lem_status gpu_submit(struct lem_device *d, const VkCommandBuffer *cmd, uint32_t n,
                           VkFence fence, const char *what);
/* Wait for `fence` and reset it. */
enum lem_status gpu_wait(struct lem_device *d, VkFence fence, const char *what);
/* Both without a message, for threads that must not log; of a device that is known to be
 * lost they say VK_ERROR_DEVICE_LOST. */
VkResult gpu_submit_quietly(struct lem_device *d, const VkCommandBuffer *cmd, uint32_t n,
                            VkFence fence);
VkResult gpu_wait_quietly(struct lem_device *d, VkFence fence);

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

/* ---- memory.c, buffer.c ----------------------------------------------------- */

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

/* ---- pipeline_cache.c: under kernel_lock ------------------------------------ */

enum lem_status gpu_cache_open(struct lem_device *d, const char *dir);
void gpu_cache_save(struct lem_device *d); /* when something is new */
void gpu_cache_close(struct lem_device *d);

/* ---- sets.c ----------------------------------------------------------------- */

VkDescriptorType gpu_descriptor_type(enum gpu_bind_kind kind);

/* ---- kernel.c --------------------------------------------------------------- */

void gpu_kernels_close(struct lem_device *d);

#endif
