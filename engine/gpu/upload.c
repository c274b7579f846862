/* upload.c - a ring of staging pieces: the host fills one while the device copies
 * others to where they belong. */
#include "gpu/vk.h"

#include <stdlib.h>

#include "base/log.h"

struct slot {
    struct gpu_buf *buf;
    VkCommandBuffer cmd;
    VkFence fence;
    bool in_flight;
};

struct gpu_upload {
    struct lem_device *device;
    uint64_t slot_bytes;
    VkCommandPool pool;
    struct slot *slot;
    uint32_t n, next;
    bool given; /* slot[next] was handed out and not sent */
    bool quiet;
    VkResult fault; /* the first one while quiet, in ... */
    const char *doing;
};

static const char what[] = "an upload";

/* Log, or keep for gpu_upload_tell(). */
static enum lem_status fail(struct gpu_upload *up, VkResult r, const char *doing)
{
    if (!up->quiet)
        return gpu_fail(up->device, r, doing, what);
    if (up->fault == VK_SUCCESS) {
        up->fault = r;
        up->doing = doing;
    }
    return gpu_status(up->device, r);
}

static enum lem_status make_slot(struct gpu_upload *up, struct slot *s)
{
    struct lem_device *d = up->device;
    enum lem_status st =
        gpu_buf_open(d, GPU_BUF_UPLOAD, up->slot_bytes, "upload ring", &s->buf);
    if (st != LEM_OK)
        return st;
    const VkCommandBufferAllocateInfo cmd = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .commandPool = up->pool,
        .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
        .commandBufferCount = 1,
    };
    const VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    VkResult r = d->fn.vkAllocateCommandBuffers(d->handle, &cmd, &s->cmd);
    if (r == VK_SUCCESS)
        r = d->fn.vkCreateFence(d->handle, &fence, NULL, &s->fence);
    return r == VK_SUCCESS ? LEM_OK : gpu_fail(d, r, "preparing", what);
}

enum lem_status gpu_upload_open(struct lem_device *device, uint64_t slot_bytes,
                                uint32_t n_slot, struct gpu_upload **out)
{
    *out = NULL;
    enum lem_status st = gpu_alive(device);
    if (st != LEM_OK)
        return st;
    if (n_slot == 0)
        return log_fail(&device->log, LEM_ERR_ARGUMENT, "an upload ring of no slots");
    struct gpu_upload *up = calloc(1, sizeof *up);
    if (up)
        up->slot = calloc(n_slot, sizeof *up->slot);
    if (!up || !up->slot) {
        free(up);
        return log_fail(&device->log, LEM_ERR_MEMORY, "no memory for an upload ring");
    }
    up->device = device;
    up->slot_bytes = slot_bytes;
    up->n = n_slot;
    const VkCommandPoolCreateInfo pool = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
        .flags = VK_COMMAND_POOL_CREATE_TRANSIENT_BIT |
                 VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
        .queueFamilyIndex = device->physical.family,
    };
    const VkResult r =
        device->fn.vkCreateCommandPool(device->handle, &pool, NULL, &up->pool);
    if (r != VK_SUCCESS)
        st = gpu_fail(device, r, "preparing", what);
    for (uint32_t i = 0; i < n_slot && st == LEM_OK; i++)
        st = make_slot(up, &up->slot[i]);
    if (st != LEM_OK) {
        gpu_upload_close(&up);
        return st;
    }
    *out = up;
    return LEM_OK;
}

static enum lem_status land(struct gpu_upload *up, struct slot *s)
{
    if (!s->in_flight)
        return LEM_OK;
    s->in_flight = false;
    const VkResult r = gpu_wait_quietly(up->device, s->fence);
    return r == VK_SUCCESS ? LEM_OK : fail(up, r, "running");
}

void gpu_upload_close(struct gpu_upload **upload)
{
    if (!upload || !*upload)
        return;
    struct gpu_upload *up = *upload;
    struct lem_device *d = up->device;
    for (uint32_t i = 0; i < up->n; i++) {
        struct slot *s = &up->slot[i];
        if (s->in_flight) /* a loss is noted; closing goes on */
            (void)gpu_status(d, gpu_wait_quietly(d, s->fence));
        if (s->fence)
            d->fn.vkDestroyFence(d->handle, s->fence, NULL);
        gpu_buf_close(&s->buf);
    }
    if (up->pool)
        d->fn.vkDestroyCommandPool(d->handle, up->pool, NULL);
    free(up->slot);
    free(up);
    *upload = NULL;
}

enum lem_status gpu_upload_slot(struct gpu_upload *up, void **out)
{
    *out = NULL;
    enum lem_status st = up->quiet ? LEM_OK : gpu_alive(up->device);
    if (st == LEM_OK)
        st = land(up, &up->slot[up->next]);
    if (st != LEM_OK)
        return st;
    up->given = true;
    *out = gpu_buf_map(up->slot[up->next].buf);
    return LEM_OK;
}

static VkResult record(struct lem_device *d, struct slot *s, struct gpu_buf *dst,
                       uint64_t offset, uint64_t size)
{
    const VkCommandBufferBeginInfo begin = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
        .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT,
    };
    VkResult r = d->fn.vkBeginCommandBuffer(s->cmd, &begin);
    if (r == VK_SUCCESS) {
        const VkBufferCopy copy = {.dstOffset = offset, .size = size};
        gpu_barrier_all(d, s->cmd);
        d->fn.vkCmdCopyBuffer(s->cmd, s->buf->handle, dst->handle, 1, &copy);
        gpu_barrier_all(d, s->cmd);
        r = d->fn.vkEndCommandBuffer(s->cmd);
    }
    return r;
}

enum lem_status gpu_upload_send(struct gpu_upload *up, struct gpu_buf *dst,
                                uint64_t offset, uint64_t size)
{
    struct lem_device *d = up->device;
    struct slot *s = &up->slot[up->next];
    if (!up->given)
        return log_fail(&d->log, LEM_ERR_ARGUMENT, "%s to %s without a slot", what,
                        dst->name);
    if (size == 0 || size > up->slot_bytes || offset > dst->size ||
        size > dst->size - offset)
        return log_fail(
            &d->log, LEM_ERR_ARGUMENT,
            "%s of %llu bytes (slots have %llu) to byte %llu of %s, which has "
            "%llu",
            what, (unsigned long long)size, (unsigned long long)up->slot_bytes,
            (unsigned long long)offset, dst->name, (unsigned long long)dst->size);
    up->given = false;
    VkResult r = record(d, s, dst, offset, size);
    if (r != VK_SUCCESS)
        return fail(up, r, "recording");
    r = gpu_submit_quietly(d, &s->cmd, 1, s->fence);
    if (r != VK_SUCCESS)
        return fail(up, r, "submitting");
    s->in_flight = true;
    up->next = (up->next + 1) % up->n;
    return LEM_OK;
}

enum lem_status gpu_upload_finish(struct gpu_upload *up)
{
    enum lem_status st = gpu_alive(up->device);
    for (uint32_t i = 0; i < up->n && st == LEM_OK; i++)
        st = land(up, &up->slot[i]);
    return st;
}

void gpu_upload_keep_quiet(struct gpu_upload *up)
{
    up->quiet = true;
}

enum lem_status gpu_upload_tell(struct gpu_upload *up)
{
    const VkResult r = up->fault;
    up->quiet = false;
    up->fault = VK_SUCCESS;
    return r == VK_SUCCESS ? LEM_OK : gpu_fail(up->device, r, up->doing, what);
}
