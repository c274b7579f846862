/* memory.c - device memory: which type for which kind of buffer, and how much of
 * it we may take and have taken. */
#include "gpu/vk.h"

#include "base/log.h"
#include "base/pages.h"

enum {
    VISIBLE = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT,
    LOCAL = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT,
    CACHED = VK_MEMORY_PROPERTY_HOST_CACHED_BIT,
    /* Not for us: they need features, or are slow for other reasons. */
    STRANGE = VK_MEMORY_PROPERTY_LAZILY_ALLOCATED_BIT | VK_MEMORY_PROPERTY_PROTECTED_BIT |
              VK_MEMORY_PROPERTY_DEVICE_COHERENT_BIT_AMD |
              VK_MEMORY_PROPERTY_DEVICE_UNCACHED_BIT_AMD
};

/* How well a memory type suits; 0 = not at all. */
static int suits(const struct lem_device *d, enum gpu_buf_kind kind,
                 VkMemoryPropertyFlags f)
{
    const bool visible = (f & VISIBLE) == VISIBLE;
    const bool local = (f & LOCAL) != 0;
    if (f & STRANGE)
        return 0;
    if (kind == GPU_BUF_DEVICE) {
        /* Never outside of device memory: that would be slow without a word. On a
         * discrete GPU the visible part of it is small and wanted by others. */
        if (!local)
            return 0;
        return d->physical.unified ? 1 + 2 * visible + ((f & CACHED) != 0)
                                   : 1 + !(f & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT);
    }
    if (!visible)
        return 0;
    if (kind == GPU_BUF_READBACK)
        return 1 + 2 * ((f & CACHED) != 0) + !local;
    return 1 + 2 * !local + !(f & CACHED);
}

/* The best memory type among `bits`; -1 = none is left. Equal: the driver's order. */
static int pick_type(const struct lem_device *d, enum gpu_buf_kind kind, uint32_t bits)
{
    int best = -1, best_score = 0;
    for (uint32_t i = 0; i < d->memory.memoryTypeCount; i++) {
        const int score = suits(d, kind, d->memory.memoryTypes[i].propertyFlags);
        if ((bits >> i & 1u) && score > best_score) {
            best = (int)i;
            best_score = score;
        }
    }
    return best;
}

/* Bytes the driver says are left for us in a heap. */
static uint64_t heap_left(const struct lem_device *d, uint32_t heap)
{
    struct gpu_physical now = d->physical;
    gpu_caps_heaps(&d->instance, &now);
    return heap < now.info.n_heap ? now.info.heap[heap].budget : 0;
}

static uint64_t limit_left(const struct lem_device *d)
{
    const uint64_t used = atomic_load(&d->used);
    if (d->max_bytes == 0)
        return UINT64_MAX;
    return d->max_bytes > used ? d->max_bytes - used : 0;
}

/* Take `size` bytes of our own limit, or take nothing and say false. */
static bool reserve(struct lem_device *d, uint64_t size)
{
    uint64_t used = atomic_load(&d->used);
    do {
        if (d->max_bytes && (size > d->max_bytes || used > d->max_bytes - size))
            return false;
    } while (!atomic_compare_exchange_weak(&d->used, &used, used + size));
    return true;
}

/* Once the driver has granted it: memory that was refused is no peak. */
static void note_peak(struct lem_device *d)
{
    const uint64_t used = atomic_load(&d->used);
    uint64_t peak = atomic_load(&d->peak);
    while (peak < used && !atomic_compare_exchange_weak(&d->peak, &peak, used))
        ;
}

static VkResult allocate(struct lem_device *d, uint32_t type, uint64_t size,
                         struct gpu_memory *out)
{
    const uint32_t heap = d->memory.memoryTypes[type].heapIndex;
    const bool counted =
        (d->memory.memoryHeaps[heap].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) != 0;
    /* A driver may grant more than its budget and then swap: refuse instead. */
    if (d->physical.info.caps.memory_budget && size > heap_left(d, heap))
        return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    if (counted && !reserve(d, size))
        return VK_ERROR_OUT_OF_DEVICE_MEMORY;

    const VkMemoryAllocateInfo info = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
        .allocationSize = size,
        .memoryTypeIndex = type,
    };
    const VkResult r = d->fn.vkAllocateMemory(d->handle, &info, NULL, &out->handle);
    if (r != VK_SUCCESS) {
        if (counted)
            atomic_fetch_sub(&d->used, size);
        out->handle = VK_NULL_HANDLE;
        return r;
    }
    out->size = size;
    out->counted = counted;
    if (counted)
        note_peak(d);
    return VK_SUCCESS;
}

static enum lem_status refuse(struct lem_device *d, uint64_t size, uint32_t type,
                              const char *name)
{
    const double mib = 1024.0 * 1024.0;
    const char *device = d->physical.info.name;
    const uint64_t limit = limit_left(d);
    if (size > limit)
        return log_fail(&d->log, LEM_ERR_GPU_MEMORY,
                        "GPU memory ran out for %s: needs %.1f MiB, %.1f MiB free of the "
                        "limit of %.1f MiB set for \"%s\". Raise the limit, or use a "
                        "smaller model, context or batch",
                        name, (double)size / mib, (double)limit / mib,
                        (double)d->max_bytes / mib, device);
    const uint64_t left = heap_left(d, d->memory.memoryTypes[type].heapIndex);
    return log_fail(
        &d->log, LEM_ERR_GPU_MEMORY,
        "GPU memory ran out for %s: needs %.1f MiB, %.1f MiB %s on \"%s\", of "
        "which we use %.1f MiB. Use a smaller model, context or batch",
        name, (double)size / mib, (double)left / mib,
        d->physical.info.caps.memory_budget ? "free" : "in all", device,
        (double)atomic_load(&d->used) / mib);
}

enum lem_status gpu_memory_possible(const struct lem_device *d, uint64_t size,
                                    const char *name)
{
    const double mib = 1024.0 * 1024.0;
    const uint64_t most = d->physical.info.caps.max_alloc_bytes;
    if (size <= most)
        return LEM_OK;
    return log_fail(
        &d->log, LEM_ERR_GPU_MEMORY,
        "%s needs %.1f MiB in one piece, \"%s\" allows %.1f MiB: use a smaller "
        "model, context or batch",
        name, (double)size / mib, d->physical.info.name, (double)most / mib);
}

enum lem_status gpu_memory_open(struct lem_device *d, enum gpu_buf_kind kind,
                                const VkMemoryRequirements *need, const char *name,
                                struct gpu_memory *out)
{
    *out = (struct gpu_memory){0};
    const enum lem_status st = gpu_memory_possible(d, need->size, name);
    if (st != LEM_OK)
        return st;
    uint32_t bits = need->memoryTypeBits;
    int type = pick_type(d, kind, bits);
    if (type < 0)
        return log_fail(&d->log, LEM_ERR_GPU,
                        "\"%s\" has no memory type for %s: its driver breaks Vulkan's "
                        "rules, update it",
                        d->physical.info.name, name);
    const int first = type;
    VkResult r = VK_ERROR_OUT_OF_DEVICE_MEMORY;
    for (; type >= 0; type = pick_type(d, kind, bits)) {
        r = allocate(d, (uint32_t)type, need->size, out);
        if (r != VK_ERROR_OUT_OF_DEVICE_MEMORY)
            break;
        bits &= ~(1u << type);
    }
    if (r == VK_ERROR_OUT_OF_DEVICE_MEMORY)
        return refuse(d, need->size, (uint32_t)first, name);
    if (r != VK_SUCCESS)
        return gpu_fail(d, r, "allocating memory for", name);

    const VkMemoryPropertyFlags flags = d->memory.memoryTypes[type].propertyFlags;
    const bool map =
        (flags & VISIBLE) == VISIBLE && (kind != GPU_BUF_DEVICE || d->physical.unified);
    if (!map)
        return LEM_OK;
    r = d->fn.vkMapMemory(d->handle, out->handle, 0, VK_WHOLE_SIZE, 0, &out->map);
    if (r == VK_SUCCESS) {
        if (kind == GPU_BUF_DEVICE) /* of a driver on the CPU: plain memory of ours */
            pages_prefer_huge(out->map, out->size);
        return LEM_OK;
    }
    gpu_memory_close(d, out);
    return gpu_fail(d, r, "mapping memory of", name);
}

void gpu_memory_close(struct lem_device *d, struct gpu_memory *m)
{
    if (!m->handle)
        return;
    d->fn.vkFreeMemory(d->handle, m->handle, NULL); /* unmaps too */
    if (m->counted)
        atomic_fetch_sub(&d->used, m->size);
    *m = (struct gpu_memory){0};
}
