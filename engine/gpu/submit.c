/* submit.c - handing commands to the queue, waiting for them, and what it means
 * when either fails. */
#include "gpu/vk.h"

#include "base/log.h"

static const char *result_text(VkResult r)
{
    switch (r) {
    case VK_ERROR_OUT_OF_HOST_MEMORY:
        return "out of host memory";
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
        return "out of device memory";
    case VK_ERROR_INITIALIZATION_FAILED:
        return "initialization failed";
    case VK_ERROR_DEVICE_LOST:
        return "device lost";
    case VK_ERROR_MEMORY_MAP_FAILED:
        return "memory cannot be mapped";
    case VK_ERROR_EXTENSION_NOT_PRESENT:
        return "extension not present";
    case VK_ERROR_FEATURE_NOT_PRESENT:
        return "feature not present";
    case VK_ERROR_TOO_MANY_OBJECTS:
        return "too many objects";
    case VK_ERROR_FRAGMENTED_POOL:
    case VK_ERROR_OUT_OF_POOL_MEMORY:
        return "descriptor pool exhausted";
    case VK_ERROR_INVALID_SHADER_NV:
        return "shader refused";
    default:
        return "failed";
    }
}

enum lem_status gpu_status(struct lem_device *d, VkResult result)
{
    switch (result) {
    case VK_SUCCESS:
        return LEM_OK;
    case VK_ERROR_DEVICE_LOST:
        atomic_store(&d->lost, true);
        return LEM_ERR_DEVICE_LOST;
    case VK_ERROR_OUT_OF_HOST_MEMORY:
        return LEM_ERR_MEMORY;
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
        return LEM_ERR_GPU_MEMORY;
    default:
        return LEM_ERR_GPU;
    }
}

enum lem_status gpu_fail(struct lem_device *d, VkResult result, const char *doing,
                         const char *what)
{
    const char *name = d->physical.info.name;
    const enum lem_status st = gpu_status(d, result);
    if (st == LEM_ERR_DEVICE_LOST)
        return log_fail(&d->log, st,
                        "the GPU \"%s\" stopped responding while %s %s (device lost): "
                        "close what was made on it and open it again; if it happens "
                        "again, update its driver or use another --device",
                        name, doing, what);
    return log_fail(&d->log, st, "%s %s: %s (VkResult %d) on \"%s\", driver %s", doing,
                    what, result_text(result), (int)result, name,
                    d->physical.info.driver);
}

enum lem_status gpu_alive(struct lem_device *d)
{
    if (!atomic_load(&d->lost))
        return LEM_OK;
    return log_fail(&d->log, LEM_ERR_DEVICE_LOST,
                    "the GPU \"%s\" was lost earlier: close what was made on it and open "
                    "it again",
                    d->physical.info.name);
}

/* Counts the submissions until gpu_pretend_lost()'s. */
static bool pretends_now(struct lem_device *d)
{
    uint32_t left = atomic_load(&d->pretend_lost);
    while (left && !atomic_compare_exchange_weak(&d->pretend_lost, &left, left - 1))
        ;
    return left == 1;
}

VkResult gpu_submit_quietly(struct lem_device *d, const VkCommandBuffer *cmd, uint32_t n,
                            VkFence fence)
{
    if (atomic_load(&d->lost) || pretends_now(d))
        return VK_ERROR_DEVICE_LOST;
    const VkSubmitInfo info = {
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
        .commandBufferCount = n,
        .pCommandBuffers = cmd,
    };
    mutex_lock(&d->queue_lock);
    const VkResult r = d->fn.vkQueueSubmit(d->queue, 1, &info, fence);
    mutex_unlock(&d->queue_lock);
    return r;
}

enum lem_status gpu_submit(struct lem_device *d, const VkCommandBuffer *cmd, uint32_t n,
                           VkFence fence, const char *what)
{
    const enum lem_status st = gpu_alive(d);
    if (st != LEM_OK)
        return st;
    const VkResult r = gpu_submit_quietly(d, cmd, n, fence);
    return r == VK_SUCCESS ? LEM_OK : gpu_fail(d, r, "submitting", what);
}

VkResult gpu_wait_quietly(struct lem_device *d, VkFence fence)
{
    VkResult r = d->fn.vkWaitForFences(d->handle, 1, &fence, VK_TRUE, UINT64_MAX);
    if (r == VK_SUCCESS)
        r = d->fn.vkResetFences(d->handle, 1, &fence);
    /* Fences of a lost device may be signaled; the work need not be done. */
    return r == VK_SUCCESS && atomic_load(&d->lost) ? VK_ERROR_DEVICE_LOST : r;
}

enum lem_status gpu_wait(struct lem_device *d, VkFence fence, const char *what)
{
    const VkResult r = gpu_wait_quietly(d, fence);
    return r == VK_SUCCESS ? LEM_OK : gpu_fail(d, r, "running", what);
}

void gpu_barrier_all(struct lem_device *d, VkCommandBuffer cmd)
{
    const VkPipelineStageFlags device = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT |
                                        VK_PIPELINE_STAGE_DRAW_INDIRECT_BIT |
                                        VK_PIPELINE_STAGE_TRANSFER_BIT;
    const VkMemoryBarrier all = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
        .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT |
                         VK_ACCESS_HOST_WRITE_BIT,
        .dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT |
                         VK_ACCESS_UNIFORM_READ_BIT |
                         VK_ACCESS_INDIRECT_COMMAND_READ_BIT |
                         VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT |
                         VK_ACCESS_HOST_READ_BIT,
    };
    const VkPipelineStageFlags stages = device | VK_PIPELINE_STAGE_HOST_BIT;
    d->fn.vkCmdPipelineBarrier(cmd, stages, stages, 0, 1, &all, 0, NULL, 0, NULL);
}

/* ---- commands that run once ------------------------------------------------- */

enum lem_status gpu_once_open(struct lem_device *d)
{
    const VkCommandPoolCreateInfo pool = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
        .flags = VK_COMMAND_POOL_CREATE_TRANSIENT_BIT,
        .queueFamilyIndex = d->physical.family,
    };
    VkResult r = d->fn.vkCreateCommandPool(d->handle, &pool, NULL, &d->once_pool);
    if (r != VK_SUCCESS)
        return gpu_fail(d, r, "creating", "a command pool");
    const VkCommandBufferAllocateInfo cmd = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .commandPool = d->once_pool,
        .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
        .commandBufferCount = 1,
    };
    r = d->fn.vkAllocateCommandBuffers(d->handle, &cmd, &d->once_cmd);
    if (r != VK_SUCCESS)
        return gpu_fail(d, r, "creating", "a command buffer");
    const VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    r = d->fn.vkCreateFence(d->handle, &fence, NULL, &d->once_fence);
    return r == VK_SUCCESS ? LEM_OK : gpu_fail(d, r, "creating", "a fence");
}

void gpu_once_close(struct lem_device *d)
{
    d->fn.vkDestroyFence(d->handle, d->once_fence, NULL);
    d->fn.vkDestroyCommandPool(d->handle, d->once_pool, NULL);
}

enum lem_status gpu_once_begin(struct lem_device *d, VkCommandBuffer *cmd)
{
    enum lem_status st = gpu_alive(d);
    if (st != LEM_OK)
        return st;
    mutex_lock(&d->once_lock);
    const VkCommandBufferBeginInfo begin = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
        .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT,
    };
    VkResult r = d->fn.vkResetCommandPool(d->handle, d->once_pool, 0);
    if (r == VK_SUCCESS)
        r = d->fn.vkBeginCommandBuffer(d->once_cmd, &begin);
    if (r != VK_SUCCESS) {
        mutex_unlock(&d->once_lock);
        return gpu_fail(d, r, "recording", "a copy");
    }
    gpu_barrier_all(d, d->once_cmd);
    *cmd = d->once_cmd;
    return LEM_OK;
}

enum lem_status gpu_once_end(struct lem_device *d, const char *what)
{
    gpu_barrier_all(d, d->once_cmd);
    const VkResult r = d->fn.vkEndCommandBuffer(d->once_cmd);
    enum lem_status st = r == VK_SUCCESS ? LEM_OK : gpu_fail(d, r, "recording", what);
    if (st == LEM_OK)
        st = gpu_submit(d, &d->once_cmd, 1, d->once_fence, what);
    if (st == LEM_OK)
        st = gpu_wait(d, d->once_fence, what);
    mutex_unlock(&d->once_lock);
    return st;
}

void gpu_name_object(struct lem_device *d, VkObjectType type, uint64_t handle,
                     const char *name)
{
    if (!d->instance.SetDebugUtilsObjectNameEXT)
        return;
    const VkDebugUtilsObjectNameInfoEXT info = {
        .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_OBJECT_NAME_INFO_EXT,
        .objectType = type,
        .objectHandle = handle,
        .pObjectName = name,
    };
    /* Only a capture tool misses a name that could not be set. */
    (void)d->instance.SetDebugUtilsObjectNameEXT(d->handle, &info);
}
