/* buffer.c - buffers of three kinds, each with memory of its own. */
#include "gpu/vk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"

static enum lem_status make_handle(struct gpu_buf *b)
{
    struct lem_device *d = b->device;
    uint64_t size; /* vkCmdFillBuffer works on whole words */
    if (!check_round_up(b->size, 16, &size))
        return log_fail(&d->log, LEM_ERR_GPU_MEMORY, "%s: a size of %llu bytes", b->name,
                        (unsigned long long)b->size);
    /* Before the driver is asked: its answer would not say how much is allowed. */
    const enum lem_status st = gpu_memory_possible(d, size, b->name);
    if (st != LEM_OK)
        return st;
    const VkBufferCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
        .size = size,
        .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT |
                 VK_BUFFER_USAGE_UNIFORM_TEXEL_BUFFER_BIT |
                 VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
                 VK_BUFFER_USAGE_TRANSFER_DST_BIT,
        .sharingMode = VK_SHARING_MODE_EXCLUSIVE,
    };
    const VkResult r = d->fn.vkCreateBuffer(d->handle, &info, NULL, &b->handle);
    if (r == VK_SUCCESS)
        gpu_name_object(d, VK_OBJECT_TYPE_BUFFER, (uint64_t)b->handle, b->name);
    return r == VK_SUCCESS ? LEM_OK : gpu_fail(d, r, "creating buffer", b->name);
}

static enum lem_status give_memory(struct gpu_buf *b)
{
    struct lem_device *d = b->device;
    VkMemoryRequirements need;
    d->fn.vkGetBufferMemoryRequirements(d->handle, b->handle, &need);
    const enum lem_status st = gpu_memory_open(d, b->kind, &need, b->name, &b->memory);
    if (st != LEM_OK)
        return st;
    const VkResult r =
        d->fn.vkBindBufferMemory(d->handle, b->handle, b->memory.handle, 0);
    return r == VK_SUCCESS ? LEM_OK : gpu_fail(d, r, "giving memory to", b->name);
}

static enum lem_status fill_with_zeros(struct gpu_buf *b)
{
    if (b->memory.map) {
        memset(b->memory.map, 0, b->size);
        return LEM_OK;
    }
    VkCommandBuffer cmd;
    const enum lem_status st = gpu_once_begin(b->device, &cmd);
    if (st != LEM_OK)
        return st;
    b->device->fn.vkCmdFillBuffer(cmd, b->handle, 0, VK_WHOLE_SIZE, 0);
    return gpu_once_end(b->device, b->name);
}

static enum lem_status open_buffer(struct lem_device *device, enum gpu_buf_kind kind,
                                   uint64_t size, bool zeros, const char *name,
                                   struct gpu_buf **out)
{
    *out = NULL;
    enum lem_status st = gpu_alive(device);
    if (st != LEM_OK)
        return st;
    if (size == 0)
        return log_fail(&device->log, LEM_ERR_ARGUMENT, "buffer %s: a size of 0 bytes",
                        name);
    struct gpu_buf *b = calloc(1, sizeof *b);
    if (!b)
        return log_fail(&device->log, LEM_ERR_MEMORY, "no memory for buffer %s", name);
    b->device = device;
    b->kind = kind;
    b->size = size;
    snprintf(b->name, sizeof b->name, "%s", name);

    st = make_handle(b);
    if (st == LEM_OK)
        st = give_memory(b);
    if (st == LEM_OK && zeros)
        st = fill_with_zeros(b);
    if (st != LEM_OK) {
        gpu_buf_close(&b);
        return st;
    }
    *out = b;
    return LEM_OK;
}

enum lem_status gpu_buf_open(struct lem_device *device, enum gpu_buf_kind kind,
                             uint64_t size, const char *name, struct gpu_buf **out)
{
    return open_buffer(device, kind, size, true, name, out);
}

enum lem_status gpu_buf_open_blank(struct lem_device *device, enum gpu_buf_kind kind,
                                   uint64_t size, const char *name, struct gpu_buf **out)
{
    return open_buffer(device, kind, size, false, name, out);
}

void gpu_buf_close(struct gpu_buf **buf)
{
    if (!buf || !*buf)
        return;
    struct gpu_buf *b = *buf;
    struct lem_device *d = b->device;
    if (b->handle)
        d->fn.vkDestroyBuffer(d->handle, b->handle, NULL);
    gpu_memory_close(d, &b->memory);
    free(b);
    *buf = NULL;
}

void *gpu_buf_map(const struct gpu_buf *buf)
{
    return buf->memory.map;
}

uint64_t gpu_buf_size(const struct gpu_buf *buf)
{
    return buf->size;
}

struct gpu_slice gpu_slice_all(struct gpu_buf *buf)
{
    return (struct gpu_slice){buf, 0, buf->size};
}

static enum lem_status copy(struct gpu_buf *to, struct gpu_buf *from, uint64_t offset,
                            uint64_t size)
{
    struct lem_device *d = from->device;
    const VkBufferCopy region = {.srcOffset = offset, .size = size};
    VkCommandBuffer cmd;
    const enum lem_status st = gpu_once_begin(d, &cmd);
    if (st != LEM_OK)
        return st;
    d->fn.vkCmdCopyBuffer(cmd, from->handle, to->handle, 1, &region);
    return gpu_once_end(d, from->name);
}

enum lem_status gpu_buf_copy(struct gpu_buf *to, struct gpu_buf *from, uint64_t size)
{
    if (size == 0 || size > to->size || size > from->size || to == from ||
        to->device != from->device)
        return log_fail(&from->device->log, LEM_ERR_ARGUMENT,
                        "%llu bytes of %s (%llu) to %s (%llu)", (unsigned long long)size,
                        from->name, (unsigned long long)from->size, to->name,
                        (unsigned long long)to->size);
    return copy(to, from, 0, size);
}

enum lem_status gpu_buf_read(struct gpu_buf *buf, uint64_t offset, uint64_t size,
                             void *out)
{
    struct lem_device *d = buf->device;
    enum lem_status st = gpu_alive(d);
    if (st != LEM_OK)
        return st;
    if (offset > buf->size || size > buf->size - offset)
        return log_fail(&d->log, LEM_ERR_ARGUMENT,
                        "%s: bytes %llu + %llu of a buffer of %llu", buf->name,
                        (unsigned long long)offset, (unsigned long long)size,
                        (unsigned long long)buf->size);
    if (size == 0)
        return LEM_OK;
    if (buf->memory.map) {
        memcpy(out, (const char *)buf->memory.map + offset, size);
        return LEM_OK;
    }
    struct gpu_buf *host;
    st = gpu_buf_open(d, GPU_BUF_READBACK, size, buf->name, &host);
    if (!host)
        return st;
    st = copy(host, buf, offset, size);
    if (st == LEM_OK)
        memcpy(out, host->memory.map, size);
    gpu_buf_close(&host);
    return st;
}
