/* device.c - list the Vulkan devices, choose one, open and close it. */
#include "gpu/vk.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* All devices of an instance, in the driver's order. */
struct found {
    struct gpu_physical *list;
    uint32_t n;
};

static enum lem_status find_devices(const struct gpu_instance *in, struct found *out,
                                    const struct lem_log *log)
{
    *out = (struct found){0};
    if (!in->handle)
        return LEM_OK;
    uint32_t n = 0;
    VkResult r = in->EnumeratePhysicalDevices(in->handle, &n, NULL);
    if (r == VK_ERROR_INITIALIZATION_FAILED || n == 0) /* how loaders say "none" */
        return LEM_OK;
    VkPhysicalDevice *handle = calloc(n, sizeof(VkPhysicalDevice));
    struct gpu_physical *list = calloc(n, sizeof *list);
    if (!handle || !list) {
        free(handle);
        free(list);
        return log_fail(log, LEM_ERR_MEMORY, "no memory to list %u Vulkan devices", n);
    }
    enum lem_status st = LEM_OK;
    r = in->EnumeratePhysicalDevices(in->handle, &n, handle);
    if (r < 0)
        st = log_fail(log, LEM_ERR_GPU,
                      "the Vulkan devices cannot be listed (VkResult %d): check the "
                      "drivers of this machine with vulkaninfo",
                      (int)r);
    for (uint32_t i = 0; st == LEM_OK && i < n; i++) {
        st = gpu_caps_read(in, handle[i], &list[i], log);
        list[i].info.index = i;
    }
    free(handle);
    if (st == LEM_OK)
        *out = (struct found){list, n};
    else
        free(list);
    return st;
}

enum lem_status lem_device_list(const struct lem_log *log, struct lem_device_info *infos,
                                uint32_t cap, uint32_t *n)
{
    *n = 0;
    struct gpu_instance in;
    enum lem_status st = gpu_instance_open(&in, false, log);
    if (st != LEM_OK)
        return st;
    struct found found;
    st = find_devices(&in, &found, log);
    for (uint32_t i = 0; i < found.n; i++) {
        gpu_quirks_apply(&found.list[i], NULL);
        if (i < cap)
            infos[i] = found.list[i].info;
    }
    *n = found.n;
    free(found.list);
    gpu_instance_close(&in);
    return st;
}

/* ---- choosing --------------------------------------------------------------- */

static int rank(const struct gpu_physical *p)
{
    static const int of_type[] = {
        [LEM_DEVICE_DISCRETE] = 5, [LEM_DEVICE_INTEGRATED] = 4, [LEM_DEVICE_VIRTUAL] = 3,
        [LEM_DEVICE_CPU] = 2,      [LEM_DEVICE_OTHER] = 1,
    };
    /* What cannot be used comes last, but is found: the message then says why. */
    return of_type[p->info.type] - (p->info.missing[0] ? 10 : 0);
}

static bool contains(const char *text, const char *part)
{
    const size_t n = strlen(part);
    for (; *text; text++) {
        size_t i = 0;
        while (i < n && text[i] &&
               tolower((unsigned char)text[i]) == tolower((unsigned char)part[i]))
            i++;
        if (i == n)
            return true;
    }
    return false;
}

/* The index that a selector is, or part of the name: of digits, as "3080", where there is
 * no such index. */
static bool fits(const struct gpu_physical *p, uint32_t n, const char *selector)
{
    if (!selector || !*selector)
        return true;
    char index[16];
    for (uint32_t i = 0; i < n; i++) {
        snprintf(index, sizeof index, "%u", i);
        if (strcmp(index, selector) == 0)
            return p->info.index == i;
    }
    return contains(p->info.name, selector);
}

static enum lem_status choose(const struct found *found, const char *selector,
                              struct gpu_physical *out, const struct lem_log *log)
{
    if (!found->list)
        return log_fail(log, LEM_ERR_NO_DEVICE,
                        "no Vulkan device: install the Vulkan driver of your GPU "
                        "(Debian: mesa-vulkan-drivers, which also has one for the CPU)");
    const struct gpu_physical *best = NULL;
    char present[768] = "";
    for (uint32_t i = 0; i < found->n; i++) {
        const struct gpu_physical *p = &found->list[i];
        if (fits(p, found->n, selector) && (!best || rank(p) > rank(best)))
            best = p;
        const size_t at = strlen(present);
        snprintf(present + at, sizeof present - at, "%s%u \"%.80s\"", i ? ", " : "", i,
                 p->info.name);
    }
    if (!best)
        return log_fail(
            log, LEM_ERR_NO_DEVICE,
            "no device fits \"%.60s\" (an index, or part of a name). Present: "
            "%s",
            selector, present);
    if (best->info.missing[0])
        return log_fail(log, LEM_ERR_UNSUPPORTED, "device %u, \"%s\", %s",
                        best->info.index, best->info.name, best->info.missing);
    *out = *best;
    return LEM_OK;
}

/* ---- opening ---------------------------------------------------------------- */

static enum lem_status make_device(struct lem_device *d)
{
    struct gpu_features features;
    gpu_caps_features(&d->physical, &features);
    const float priority = 1.0f;
    const VkDeviceQueueCreateInfo queue = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
        .queueFamilyIndex = d->physical.family,
        .queueCount = 1,
        .pQueuePriorities = &priority,
    };
    const VkDeviceCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
        .pNext = &features.core,
        .queueCreateInfoCount = 1,
        .pQueueCreateInfos = &queue,
        .enabledExtensionCount = features.n_name,
        .ppEnabledExtensionNames = features.name,
    };
    const VkResult r =
        d->instance.CreateDevice(d->physical.handle, &info, NULL, &d->handle);
    if (r != VK_SUCCESS) {
        d->handle = VK_NULL_HANDLE;
        return gpu_fail(d, r, "opening", "the device");
    }
    gpu_instance_device_calls(&d->instance, d->handle, &d->fn);
    d->fn.vkGetDeviceQueue(d->handle, d->physical.family, 0, &d->queue);
    d->instance.GetPhysicalDeviceMemoryProperties(d->physical.handle, &d->memory);
    return LEM_OK;
}

static enum lem_status choose_device(struct lem_device *d,
                                     const struct lem_device_params *params)
{
    struct found found;
    enum lem_status st = find_devices(&d->instance, &found, &d->log);
    for (uint32_t i = 0; i < found.n; i++)
        gpu_quirks_apply(&found.list[i], NULL);
    if (st == LEM_OK)
        st = choose(&found, params->selector, &d->physical, &d->log);
    free(found.list);
    if (st != LEM_OK)
        return st;
    gpu_quirks_apply(&d->physical, &d->log); /* again, to tell */
    if (params->caps && *params->caps)
        st = gpu_caps_force(&d->physical, params->caps, &d->log);
    return st;
}

static void init_locks(struct lem_device *d)
{
    mutex_init(&d->queue_lock);
    mutex_init(&d->kernel_lock);
    mutex_init(&d->once_lock);
}

enum lem_status lem_device_open(const struct lem_device_params *params,
                                struct lem_device **out)
{
    *out = NULL;
    struct lem_device *d = calloc(1, sizeof *d);
    if (!d)
        return log_fail(&params->log, LEM_ERR_MEMORY, "no memory for a device");
    d->log = params->log;
    d->max_bytes = params->max_bytes;
    init_locks(d);

    enum lem_status st = gpu_instance_open(&d->instance, params->validation, &d->log);
    if (st == LEM_OK)
        st = choose_device(d, params);
    if (st == LEM_OK)
        st = make_device(d);
    if (st == LEM_OK)
        st = gpu_once_open(d);
    if (st == LEM_OK)
        st = gpu_cache_open(d, params->cache_dir);
    if (st != LEM_OK) {
        lem_device_close(&d);
        return st;
    }
    log_msg(&d->log, LEM_LOG_INFO, "device %u: %s, driver %s%s%s", d->physical.info.index,
            d->physical.info.name, d->physical.info.driver,
            params->caps && *params->caps ? ", caps " : "",
            params->caps ? params->caps : "");
    *out = d;
    return LEM_OK;
}

/* All but the instance. */
static void close_handle(struct lem_device *d)
{
    if (d->handle) {
        /* A lost device answers so here too; closing goes on all the same. */
        (void)d->fn.vkDeviceWaitIdle(d->handle);
        gpu_kernels_close(d);
        gpu_cache_close(d);
        gpu_once_close(d);
        d->fn.vkDestroyDevice(d->handle, NULL);
    }
    mutex_finish(&d->once_lock);
    mutex_finish(&d->kernel_lock);
    mutex_finish(&d->queue_lock);
}

void lem_device_close(struct lem_device **device)
{
    if (!device || !*device)
        return;
    struct lem_device *d = *device;
    close_handle(d);
    gpu_instance_close(&d->instance);
    free(d);
    *device = NULL;
}

enum lem_status gpu_twin_open(const struct lem_device *of, struct lem_device **out)
{
    *out = NULL;
    struct lem_device *d = calloc(1, sizeof *d);
    if (!d)
        return LEM_ERR_MEMORY;
    d->instance = of->instance;
    d->physical = of->physical;
    d->more_shaders = of->more_shaders;
    const uint64_t used = atomic_load(&of->used);
    if (of->max_bytes) /* what is left; 0 would be no limit */
        d->max_bytes = of->max_bytes > used ? of->max_bytes - used : 1;
    init_locks(d);
    enum lem_status st = make_device(d);
    if (st == LEM_OK)
        st = gpu_once_open(d);
    if (st == LEM_OK)
        st = gpu_cache_open(d, NULL);
    *out = d;
    if (st != LEM_OK)
        gpu_twin_close(out);
    return st;
}

void gpu_twin_close(struct lem_device **twin)
{
    if (!*twin)
        return;
    close_handle(*twin);
    free(*twin);
    *twin = NULL;
}

/* ---- facts ------------------------------------------------------------------ */

void lem_device_get_info(const struct lem_device *device, struct lem_device_info *info)
{
    struct gpu_physical now = device->physical;
    gpu_caps_heaps(&device->instance, &now);
    *info = now.info;
    if (device->max_bytes == 0)
        return;
    const uint64_t used = atomic_load(&device->used);
    const uint64_t left = device->max_bytes > used ? device->max_bytes - used : 0;
    for (uint32_t i = 0; i < info->n_heap; i++)
        if (info->heap[i].device_local && info->heap[i].budget > left)
            info->heap[i].budget = left;
}

void lem_device_memory(const struct lem_device *device, uint64_t *now, uint64_t *peak)
{
    if (now)
        *now = atomic_load(&device->used);
    if (peak)
        *peak = atomic_load(&device->peak);
}

const struct lem_device_caps *gpu_caps(const struct lem_device *device)
{
    return &device->physical.info.caps;
}

uint32_t gpu_max_groups(const struct lem_device *device, int axis)
{
    return device->physical.max_group[axis];
}

bool gpu_has_timestamps(const struct lem_device *device)
{
    return device->physical.timestamp_bits != 0;
}

enum lem_device_type gpu_type(const struct lem_device *device)
{
    return device->physical.info.type;
}

bool gpu_fetches_texels(const struct lem_device *device)
{
    const struct lem_device_caps *caps = gpu_caps(device);
    return gpu_type(device) == LEM_DEVICE_CPU && caps->subgroup_quad &&
           caps->max_texel_elements >= caps->max_buffer_range / GPU_TEXEL_BYTES;
}

bool gpu_is_unified(const struct lem_device *device)
{
    return device->physical.unified;
}

const struct lem_log *gpu_log(const struct lem_device *device)
{
    return &device->log;
}

uint32_t gpu_choice(const struct lem_device *device, uint32_t i)
{
    return atomic_load(&device->choice[i]);
}

void gpu_choose(struct lem_device *device, uint32_t i, uint32_t value)
{
    atomic_store(&device->choice[i], value);
}

const char *gpu_name(const struct lem_device *device)
{
    return device->physical.info.name;
}

void gpu_pretend_lost(struct lem_device *device, uint32_t n_before)
{
    atomic_store(&device->pretend_lost, n_before + 1);
}

uint32_t gpu_validation_count(const struct lem_device *device)
{
    return atomic_load(&device->instance.n_message);
}
