/* sets.c - descriptor sets of a list: from pools that grow in number, written once
 * when the dispatch is added. */
#include "gpu/list.h"

#include <stdlib.h>

#include "base/log.h"

enum {
    POOL_SETS = 64,
    POOL_STORAGE = 64 * 6,
    POOL_UNIFORM = 64 * 2,
    POOL_TEXEL = 64 * 2
};

VkDescriptorType gpu_descriptor_type(enum gpu_bind_kind kind)
{
    if (gpu_bind_is_texel(kind))
        return VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER;
    return kind == GPU_BIND_UNIFORM ? VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER
                                    : VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
}

static enum lem_status add_pool(struct lem_device *d, struct gpu_pool **pools,
                                struct gpu_pool **out)
{
    *out = NULL;
    struct gpu_pool *p = calloc(1, sizeof *p);
    if (!p)
        return log_fail(&d->log, LEM_ERR_MEMORY, "no memory for descriptors");
    const VkDescriptorPoolSize size[] = {
        {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, POOL_STORAGE},
        {VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, POOL_UNIFORM},
        {VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER, POOL_TEXEL},
    };
    const VkDescriptorPoolCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
        .maxSets = POOL_SETS,
        .poolSizeCount = sizeof size / sizeof *size,
        .pPoolSizes = size,
    };
    const VkResult r = d->fn.vkCreateDescriptorPool(d->handle, &info, NULL, &p->handle);
    if (r != VK_SUCCESS) {
        free(p);
        return gpu_fail(d, r, "creating", "a descriptor pool");
    }
    *p = (struct gpu_pool){p->handle,    POOL_SETS,  POOL_STORAGE,
                           POOL_UNIFORM, POOL_TEXEL, *pools};
    *pools = *out = p;
    return LEM_OK;
}

static enum lem_status make_views(struct lem_device *device, struct gpu_entry *e)
{
    const struct gpu_reflection *info = &e->d.kernel->info;
    for (uint32_t i = 0; i < info->n_binding; i++) {
        if (!gpu_bind_is_texel(info->bind[i].kind))
            continue;
        const VkBufferViewCreateInfo view = {
            .sType = VK_STRUCTURE_TYPE_BUFFER_VIEW_CREATE_INFO,
            .buffer = e->d.bind[i].buf->handle,
            .format = info->bind[i].kind == GPU_BIND_TEXEL_UINT
                          ? VK_FORMAT_R32G32B32A32_UINT
                          : VK_FORMAT_R32G32B32A32_SFLOAT,
            .offset = e->d.bind[i].offset,
            .range = e->d.bind[i].size / GPU_TEXEL_BYTES * GPU_TEXEL_BYTES,
        };
        const VkResult r =
            device->fn.vkCreateBufferView(device->handle, &view, NULL, &e->view[i]);
        if (r != VK_SUCCESS)
            return gpu_fail(device, r, "making a texel view for", e->d.label);
    }
    return LEM_OK;
}

void gpu_set_close(struct lem_device *device, struct gpu_entry *e)
{
    for (uint32_t i = 0; i < GPU_MAX_BINDING; i++)
        if (e->view[i])
            device->fn.vkDestroyBufferView(device->handle, e->view[i], NULL);
}

static void write_set(struct lem_device *device, const struct gpu_entry *e)
{
    const struct gpu_reflection *info = &e->d.kernel->info;
    VkDescriptorBufferInfo buffer[GPU_MAX_BINDING];
    VkWriteDescriptorSet write[GPU_MAX_BINDING];
    uint32_t n = 0;
    for (uint32_t i = 0; i < info->n_binding; i++) {
        const struct gpu_slice *s = &e->d.bind[i];
        if (info->bind[i].kind == GPU_BIND_NONE)
            continue;
        buffer[n] = (VkDescriptorBufferInfo){s->buf->handle, s->offset, s->size};
        write[n] = (VkWriteDescriptorSet){
            .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
            .dstSet = e->set,
            .dstBinding = i,
            .descriptorCount = 1,
            .descriptorType = gpu_descriptor_type(info->bind[i].kind),
            .pBufferInfo = &buffer[n],
            .pTexelBufferView = &e->view[i],
        };
        n++;
    }
    device->fn.vkUpdateDescriptorSets(device->handle, n, write, 0, NULL);
}

enum lem_status gpu_set_make(struct lem_device *device, struct gpu_pool **pools,
                             struct gpu_entry *e)
{
    const struct gpu_reflection *info = &e->d.kernel->info;
    uint32_t n_storage = 0, n_uniform = 0, n_texel = 0;
    for (uint32_t i = 0; i < info->n_binding; i++) {
        n_storage += info->bind[i].kind == GPU_BIND_STORAGE;
        n_uniform += info->bind[i].kind == GPU_BIND_UNIFORM;
        n_texel += gpu_bind_is_texel(info->bind[i].kind);
    }
    e->set = VK_NULL_HANDLE;
    if (n_storage + n_uniform + n_texel == 0)
        return LEM_OK;

    struct gpu_pool *p = *pools;
    if (!p || p->n_set == 0 || p->n_storage < n_storage || p->n_uniform < n_uniform ||
        p->n_texel < n_texel) {
        const enum lem_status st = add_pool(device, pools, &p);
        if (!p)
            return st;
    }
    const VkDescriptorSetAllocateInfo want = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
        .descriptorPool = p->handle,
        .descriptorSetCount = 1,
        .pSetLayouts = &e->d.kernel->set_layout,
    };
    const VkResult r =
        device->fn.vkAllocateDescriptorSets(device->handle, &want, &e->set);
    if (r != VK_SUCCESS)
        return gpu_fail(device, r, "making descriptors of", e->d.label);
    p->n_set--;
    p->n_storage -= n_storage;
    p->n_uniform -= n_uniform;
    p->n_texel -= n_texel;
    const enum lem_status st = make_views(device, e);
    if (st == LEM_OK)
        write_set(device, e);
    return st;
}

void gpu_pools_close(struct lem_device *device, struct gpu_pool **pools)
{
    while (*pools) {
        struct gpu_pool *p = *pools;
        *pools = p->next;
        device->fn.vkDestroyDescriptorPool(device->handle, p->handle, NULL);
        free(p);
    }
}
