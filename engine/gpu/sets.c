/* sets.c - descriptor sets of a list: from pools that grow in number, written once
 * when the dispatch is added. */
#include "gpu/list.h"

#include <stdlib.h>

#include "base/log.h"

enum { POOL_SETS = 64, POOL_STORAGE = 64 * 6, POOL_UNIFORM = 64 * 2 };

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
    *p = (struct gpu_pool){p->handle, POOL_SETS, POOL_STORAGE, POOL_UNIFORM, *pools};
    *pools = *out = p;
    return LEM_OK;
}

static void write_set(struct lem_device *device, const struct gpu_dispatch *d,
                      VkDescriptorSet set)
{
    const struct gpu_reflection *info = &d->kernel->info;
    VkDescriptorBufferInfo buffer[GPU_MAX_BINDING];
    VkWriteDescriptorSet write[GPU_MAX_BINDING];
    uint32_t n = 0;
    for (uint32_t i = 0; i < info->n_binding; i++) {
        const struct gpu_slice *s = &d->bind[i];
        if (info->bind[i].kind == GPU_BIND_NONE)
            continue;
        buffer[n] = (VkDescriptorBufferInfo){s->buf->handle, s->offset, s->size};
        write[n] = (VkWriteDescriptorSet){
            .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
            .dstSet = set,
            .dstBinding = i,
            .descriptorCount = 1,
            .descriptorType = info->bind[i].kind == GPU_BIND_UNIFORM
                                  ? VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER
                                  : VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
            .pBufferInfo = &buffer[n],
        };
        n++;
    }
    device->fn.vkUpdateDescriptorSets(device->handle, n, write, 0, NULL);
}

enum lem_status gpu_set_make(struct lem_device *device, struct gpu_pool **pools,
                             const struct gpu_dispatch *d, VkDescriptorSet *out)
{
    const struct gpu_reflection *info = &d->kernel->info;
    uint32_t n_storage = 0, n_uniform = 0;
    for (uint32_t i = 0; i < info->n_binding; i++) {
        n_storage += info->bind[i].kind == GPU_BIND_STORAGE;
        n_uniform += info->bind[i].kind == GPU_BIND_UNIFORM;
    }
    *out = VK_NULL_HANDLE;
    if (n_storage + n_uniform == 0)
        return LEM_OK;

    struct gpu_pool *p = *pools;
    if (!p || p->n_set == 0 || p->n_storage < n_storage || p->n_uniform < n_uniform) {
        const enum lem_status st = add_pool(device, pools, &p);
        if (!p)
            return st;
    }
    const VkDescriptorSetAllocateInfo want = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
        .descriptorPool = p->handle,
        .descriptorSetCount = 1,
        .pSetLayouts = &d->kernel->set_layout,
    };
    const VkResult r = device->fn.vkAllocateDescriptorSets(device->handle, &want, out);
    if (r != VK_SUCCESS)
        return gpu_fail(device, r, "making descriptors of", d->label);
    p->n_set--;
    p->n_storage -= n_storage;
    p->n_uniform -= n_uniform;
    write_set(device, d, *out);
    return LEM_OK;
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
