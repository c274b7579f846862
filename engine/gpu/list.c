/* list.c - lists of dispatches: made, checked as they grow, asked about. How they
 * run is in record.c. */
#include "gpu/list.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

static enum lem_status make_commands(struct gpu_list *l)
{
    struct lem_device *d = l->device;
    const VkCommandPoolCreateInfo pool = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
        .queueFamilyIndex = d->physical.family,
    };
    VkResult r = d->fn.vkCreateCommandPool(d->handle, &pool, NULL, &l->cmd_pool);
    if (r != VK_SUCCESS)
        return gpu_fail(d, r, "making commands of list", l->name);
    const VkCommandBufferAllocateInfo cmd = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .commandPool = l->cmd_pool,
        .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
        .commandBufferCount = 1,
    };
    r = d->fn.vkAllocateCommandBuffers(d->handle, &cmd, &l->cmd);
    if (r != VK_SUCCESS)
        return gpu_fail(d, r, "making commands of list", l->name);
    gpu_name_object(d, VK_OBJECT_TYPE_COMMAND_BUFFER, (uint64_t)(uintptr_t)l->cmd,
                    l->name);
    const VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    r = d->fn.vkCreateFence(d->handle, &fence, NULL, &l->fence);
    return r == VK_SUCCESS ? LEM_OK : gpu_fail(d, r, "making a fence of list", l->name);
}

enum lem_status gpu_list_open(struct lem_device *device, const char *name, bool timed,
                              struct gpu_list **out)
{
    *out = NULL;
    enum lem_status st = gpu_alive(device);
    if (st != LEM_OK)
        return st;
    struct gpu_list *l = calloc(1, sizeof *l);
    if (!l)
        return log_fail(&device->log, LEM_ERR_MEMORY, "no memory for list %s", name);
    l->device = device;
    l->timed = timed;
    l->name = arena_str(&l->arena, name, strlen(name));
    st = l->name ? make_commands(l)
                 : log_fail(&device->log, LEM_ERR_MEMORY, "no memory for list %s", name);
    if (st != LEM_OK) {
        gpu_list_close(&l);
        return st;
    }
    *out = l;
    return LEM_OK;
}

void gpu_list_close(struct gpu_list **list)
{
    if (!list || !*list)
        return;
    struct gpu_list *l = *list;
    struct lem_device *d = l->device;
    gpu_timer_close(d, &l->timer);
    if (l->fence)
        d->fn.vkDestroyFence(d->handle, l->fence, NULL);
    if (l->cmd_pool)
        d->fn.vkDestroyCommandPool(d->handle, l->cmd_pool, NULL);
    for (uint32_t i = 0; i < l->n; i++)
        gpu_set_close(d, &l->entry[i]);
    gpu_pools_close(d, &l->pools);
    gpu_hazards_close(&l->hazards);
    arena_free(&l->arena);
    free(l->entry);
    free(l);
    *list = NULL;
}

struct lem_device *gpu_list_device(const struct gpu_list *list)
{
    return list->device;
}

/* ---- adding: every mistake of a caller is caught here ----------------------- */

/* Where a message points to. */
struct place {
    const struct lem_device *device;
    const char *list, *label, *kernel;
};

static enum lem_status check_slice(const struct place *at, const struct gpu_slice *s,
                                   uint32_t binding, uint32_t align, uint64_t most)
{
    const struct lem_log *log = &at->device->log;
    const unsigned long long offset = s->offset, size = s->size;
    if (s->size == 0 || s->offset > s->buf->size || s->size > s->buf->size - s->offset)
        return log_fail(
            log, LEM_ERR_ARGUMENT,
            "%s, \"%s\" (%s): binding %u is bytes %llu + %llu of %s, which has "
            "%llu",
            at->list, at->label, at->kernel, binding, offset, size, s->buf->name,
            (unsigned long long)s->buf->size);
    if (align && s->offset % align != 0)
        return log_fail(log, LEM_ERR_ARGUMENT,
                        "%s, \"%s\" (%s): binding %u starts at byte %llu of %s, which is "
                        "no multiple of %u",
                        at->list, at->label, at->kernel, binding, offset, s->buf->name,
                        align);
    if (s->size > most)
        return log_fail(
            log, LEM_ERR_UNSUPPORTED,
            "%s, \"%s\" (%s): binding %u spans %llu bytes of %s, \"%s\" allows "
            "%llu in one binding",
            at->list, at->label, at->kernel, binding, size, s->buf->name,
            at->device->physical.info.name, (unsigned long long)most);
    return LEM_OK;
}

static enum lem_status check_bindings(const struct place *at,
                                      const struct gpu_dispatch *d)
{
    const struct gpu_reflection *info = &d->kernel->info;
    const struct gpu_physical *p = &at->device->physical;
    enum lem_status st = LEM_OK;
    for (uint32_t i = 0; i < GPU_MAX_BINDING && st == LEM_OK; i++) {
        const struct gpu_slice *s = &d->bind[i];
        const bool wanted = i < info->n_binding && info->bind[i].kind != GPU_BIND_NONE;
        if (wanted != (s->buf != NULL) && (wanted || i >= info->n_binding))
            return log_fail(&at->device->log, LEM_ERR_ARGUMENT,
                            "%s, \"%s\" (%s): binding %u %s", at->list, at->label,
                            at->kernel, i,
                            wanted ? "is not given" : "is given, the kernel has none");
        if (wanted && s->buf->device != at->device)
            return log_fail(&at->device->log, LEM_ERR_ARGUMENT,
                            "%s, \"%s\" (%s): binding %u is a buffer of another device",
                            at->list, at->label, at->kernel, i);
        if (wanted && info->bind[i].kind == GPU_BIND_STORAGE)
            st = check_slice(at, s, i, p->info.caps.storage_align,
                             p->info.caps.max_buffer_range);
        else if (wanted && gpu_bind_is_texel(info->bind[i].kind))
            st = check_slice(at, s, i, p->texel_align,
                             p->info.caps.max_texel_elements * GPU_TEXEL_BYTES);
        else if (wanted)
            st = check_slice(at, s, i, p->uniform_align, p->max_uniform_range);
    }
    return st;
}

static enum lem_status check_groups(const struct place *at, const struct gpu_dispatch *d)
{
    const struct lem_log *log = &at->device->log;
    if (d->indirect.buf) {
        if (d->indirect.offset % 4 != 0 || d->indirect.offset > d->indirect.buf->size ||
            d->indirect.buf->size - d->indirect.offset < 3 * sizeof(uint32_t))
            return log_fail(
                log, LEM_ERR_ARGUMENT,
                "%s, \"%s\" (%s): no three aligned u32 at byte %llu of %s for "
                "the indirect size",
                at->list, at->label, at->kernel, (unsigned long long)d->indirect.offset,
                d->indirect.buf->name);
        return LEM_OK;
    }
    for (uint32_t i = 0; i < 3; i++) {
        const bool from_rows = i == 1 && d->rows_per_group != 0;
        const uint32_t most = at->device->physical.max_group[i];
        if (!from_rows && d->group[i] == 0)
            return log_fail(log, LEM_ERR_ARGUMENT,
                            "%s, \"%s\" (%s): no workgroups in axis %u", at->list,
                            at->label, at->kernel, i);
        if (!from_rows && d->group[i] > most)
            return log_fail(log, LEM_ERR_UNSUPPORTED,
                            "%s, \"%s\" (%s): %u workgroups in axis %u, \"%s\" allows %u",
                            at->list, at->label, at->kernel, d->group[i], i,
                            at->device->physical.info.name, most);
    }
    return LEM_OK;
}

static enum lem_status check(const struct gpu_list *l, const struct gpu_dispatch *d)
{
    const struct place at = {l->device, l->name, d->label, d->kernel->name};
    if (d->push_size != d->kernel->info.push_size || (d->push_size && !d->push))
        return log_fail(&l->device->log, LEM_ERR_ARGUMENT,
                        "%s, \"%s\" (%s): %u bytes of push constants, the kernel has %u",
                        at.list, at.label, at.kernel, d->push_size,
                        d->kernel->info.push_size);
    const enum lem_status st = check_bindings(&at, d);
    return st == LEM_OK ? check_groups(&at, d) : st;
}

static bool make_room(struct gpu_list *l)
{
    if (l->n < l->cap)
        return true;
    const uint32_t cap = l->cap ? 2 * l->cap : 32;
    struct gpu_entry *bigger = realloc(l->entry, cap * sizeof *bigger);
    if (!bigger)
        return false;
    l->entry = bigger;
    l->cap = cap;
    return true;
}

enum lem_status gpu_list_add(struct gpu_list *list, const struct gpu_dispatch *d)
{
    struct lem_device *device = list->device;
    enum lem_status st = gpu_alive(device);
    if (st == LEM_OK)
        st = check(list, d);
    if (st != LEM_OK)
        return st;
    struct gpu_entry e = {.d = *d};
    e.d.label = arena_str(&list->arena, d->label, strlen(d->label));
    if (!e.d.label || !make_room(list))
        return log_fail(&device->log, LEM_ERR_MEMORY, "no memory for \"%s\" in list %s",
                        d->label, list->name);
    if (d->push_size)
        memcpy(e.push, d->push, d->push_size);
    e.d.push = NULL;

    st = gpu_set_make(device, &list->pools, &e);
    if (st == LEM_OK && !gpu_hazards_add(&list->hazards, &e.d, &e.barrier))
        st = log_fail(&device->log, LEM_ERR_MEMORY, "no memory for \"%s\" in list %s",
                      d->label, list->name);
    if (st != LEM_OK) {
        gpu_set_close(device, &e);
        return st;
    }
    list->entry[list->n++] = e;
    list->recorded = false;
    list->uses_rows = list->uses_rows || d->rows_per_group != 0;
    return LEM_OK;
}

/* ---- asking ----------------------------------------------------------------- */

uint32_t gpu_list_length(const struct gpu_list *list)
{
    return list->n;
}

void gpu_list_row(const struct gpu_list *list, uint32_t i, struct gpu_list_row *row)
{
    const struct gpu_entry *e = &list->entry[i];
    *row = (struct gpu_list_row){
        .label = e->d.label,
        .kernel = e->d.kernel->name,
        .stage = e->d.stage,
        .group = {e->d.group[0], e->d.group[1], e->d.group[2]},
        .rows_per_group = e->d.rows_per_group,
        .indirect = e->d.indirect.buf != NULL,
        .barrier = e->barrier,
        .cost = e->d.cost,
        .ns = e->ns,
    };
}
