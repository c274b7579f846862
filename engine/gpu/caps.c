/* caps.c - what a device can do, and the features to enable for what is left of it after
 * caps_force.c. */
#include "gpu/physical.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum { FLOOR_BINDINGS = GPU_MAX_BINDING };

static const char *const ext_name[GPU_EXT_COUNT] = {
    [GPU_EXT_8BIT] = VK_KHR_8BIT_STORAGE_EXTENSION_NAME,
    [GPU_EXT_FLOAT16_INT8] = VK_KHR_SHADER_FLOAT16_INT8_EXTENSION_NAME,
    [GPU_EXT_SIZE_CONTROL] = VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME,
    [GPU_EXT_INT_DOT] = VK_KHR_SHADER_INTEGER_DOT_PRODUCT_EXTENSION_NAME,
    [GPU_EXT_EXECUTABLE] = VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME,
    [GPU_EXT_HOST_IMPORT] = VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME,
    [GPU_EXT_BUDGET] = VK_EXT_MEMORY_BUDGET_EXTENSION_NAME,
    [GPU_EXT_DRIVER] = VK_KHR_DRIVER_PROPERTIES_EXTENSION_NAME,
    [GPU_EXT_FLOAT_CONTROLS] = VK_KHR_SHADER_FLOAT_CONTROLS_EXTENSION_NAME,
    /* its name is behind VK_ENABLE_BETA_EXTENSIONS in the headers */
    [GPU_EXT_PORTABILITY] = "VK_KHR_portability_subset",
};

static bool has(const struct gpu_physical *p, enum gpu_ext ext)
{
    return (p->ext >> ext & 1u) != 0;
}

/* Put `link` behind the last struct of the chain. */
static void append(void *chain, void *link)
{
    VkBaseOutStructure *s = chain;
    while (s->pNext)
        s = s->pNext;
    s->pNext = link;
}

static void chain_features(const struct gpu_physical *p, struct gpu_features *f)
{
    *f = (struct gpu_features){
        .core.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
        .storage16.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES,
        .storage8.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_8BIT_STORAGE_FEATURES,
        .small.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES,
        .size_control.sType =
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES,
        .int_dot.sType =
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_FEATURES,
        .executable.sType =
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR,
    };
    append(&f->core, &f->storage16);
    if (has(p, GPU_EXT_8BIT))
        append(&f->core, &f->storage8);
    if (has(p, GPU_EXT_FLOAT16_INT8))
        append(&f->core, &f->small);
    if (has(p, GPU_EXT_SIZE_CONTROL))
        append(&f->core, &f->size_control);
    if (has(p, GPU_EXT_INT_DOT))
        append(&f->core, &f->int_dot);
    if (has(p, GPU_EXT_EXECUTABLE))
        append(&f->core, &f->executable);
}

static enum lem_status read_extensions(const struct gpu_instance *in,
                                       struct gpu_physical *p, const struct lem_log *log)
{
    uint32_t n = 0;
    VkResult r = in->EnumerateDeviceExtensionProperties(p->handle, NULL, &n, NULL);
    VkExtensionProperties *list = calloc(n ? n : 1, sizeof *list);
    if (!list)
        return log_fail(log, LEM_ERR_MEMORY, "no memory to list extensions of \"%s\"",
                        p->info.name);
    if (r == VK_SUCCESS)
        r = in->EnumerateDeviceExtensionProperties(p->handle, NULL, &n, list);
    for (uint32_t i = 0; r == VK_SUCCESS && i < n; i++)
        for (int e = 0; e < GPU_EXT_COUNT; e++)
            if (strcmp(list[i].extensionName, ext_name[e]) == 0)
                p->ext |= 1u << e;
    free(list);
    if (r != VK_SUCCESS)
        return log_fail(
            log, LEM_ERR_GPU,
            "the driver of \"%s\" does not list its extensions (VkResult %d): "
            "update it",
            p->info.name, (int)r);
    return LEM_OK;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void read_limits(struct gpu_physical *p, const VkPhysicalDeviceLimits *l)
{
    struct lem_device_caps *c = &p->info.caps;
    c->max_workgroup = l->maxComputeWorkGroupInvocations;
    c->max_shared_bytes = l->maxComputeSharedMemorySize;
    c->max_buffer_range = l->maxStorageBufferRange;
    c->max_texel_elements = l->maxTexelBufferElements;
    c->storage_align = (uint32_t)l->minStorageBufferOffsetAlignment;
    c->max_storage_bindings = (uint32_t)least(l->maxPerStageDescriptorStorageBuffers,
                                              l->maxDescriptorSetStorageBuffers);
    p->uniform_align = (uint32_t)l->minUniformBufferOffsetAlignment;
    p->texel_align = (uint32_t)l->minTexelBufferOffsetAlignment;
    p->max_uniform_range = l->maxUniformBufferRange;
    p->timestamp_ns = l->timestampPeriod;
    for (int i = 0; i < 3; i++) {
        p->max_group[i] = l->maxComputeWorkGroupCount[i];
        p->max_local[i] = l->maxComputeWorkGroupSize[i];
    }
}

static void read_properties(const struct gpu_instance *in, struct gpu_physical *p)
{
    VkPhysicalDeviceDriverProperties driver = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES};
    VkPhysicalDeviceFloatControlsProperties floats = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FLOAT_CONTROLS_PROPERTIES};
    VkPhysicalDeviceSubgroupProperties subgroup = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES};
    VkPhysicalDeviceMaintenance3Properties alloc = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES};
    VkPhysicalDeviceProperties2 all = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2};
    append(&all, &subgroup);
    append(&all, &alloc);
    if (has(p, GPU_EXT_DRIVER))
        append(&all, &driver);
    if (has(p, GPU_EXT_FLOAT_CONTROLS))
        append(&all, &floats);
    in->GetPhysicalDeviceProperties2(p->handle, &all);

    if (driver.driverName[0]) {
        snprintf(p->info.driver, sizeof p->info.driver, "%.120s %.120s",
                 driver.driverName, driver.driverInfo);
        p->driver_id = driver.driverID;
    }
    /* CPUs convert them as they are, whatever drivers promise. */
    p->keeps_subnormals =
        floats.shaderDenormPreserveFloat16 || p->info.type == LEM_DEVICE_CPU;
    struct lem_device_caps *c = &p->info.caps;
    c->max_alloc_bytes = alloc.maxMemoryAllocationSize;
    c->subgroup_size = subgroup.subgroupSize;
    c->subgroup_arithmetic =
        (subgroup.supportedStages & VK_SHADER_STAGE_COMPUTE_BIT) != 0 &&
        (subgroup.supportedOperations & VK_SUBGROUP_FEATURE_ARITHMETIC_BIT) != 0;
    c->subgroup_quad = (subgroup.supportedStages & VK_SHADER_STAGE_COMPUTE_BIT) != 0 &&
                       (subgroup.supportedOperations & VK_SUBGROUP_FEATURE_QUAD_BIT) != 0;
}

static void read_features(const struct gpu_instance *in, struct gpu_physical *p)
{
    struct gpu_features f;
    chain_features(p, &f);
    in->GetPhysicalDeviceFeatures2(p->handle, &f.core);
    struct lem_device_caps *c = &p->info.caps;
    c->fp16 = f.small.shaderFloat16;
    c->int8 = f.small.shaderInt8;
    c->storage_8bit = f.storage8.storageBuffer8BitAccess;
    c->storage_16bit = f.storage16.storageBuffer16BitAccess;
    c->subgroup_size_control = f.size_control.subgroupSizeControl;
    c->int_dot = f.int_dot.shaderIntegerDotProduct;
    c->pipeline_statistics = f.executable.pipelineExecutableInfo;
    c->host_import = has(p, GPU_EXT_HOST_IMPORT);
    c->memory_budget = has(p, GPU_EXT_BUDGET);
}

static bool read_queue(const struct gpu_instance *in, struct gpu_physical *p)
{
    enum { MOST = 32 };
    VkQueueFamilyProperties list[MOST];
    uint32_t n = MOST;
    in->GetPhysicalDeviceQueueFamilyProperties(p->handle, &n, list);
    for (uint32_t i = 0; i < n; i++) {
        if ((list[i].queueFlags & VK_QUEUE_COMPUTE_BIT) && list[i].queueCount > 0) {
            p->family = i;
            p->timestamp_bits = list[i].timestampValidBits;
            return true;
        }
    }
    return false;
}

static enum lem_device_type type_of(VkPhysicalDeviceType type)
{
    switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
        return LEM_DEVICE_INTEGRATED;
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
        return LEM_DEVICE_DISCRETE;
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
        return LEM_DEVICE_VIRTUAL;
    case VK_PHYSICAL_DEVICE_TYPE_CPU:
        return LEM_DEVICE_CPU;
    default:
        return LEM_DEVICE_OTHER;
    }
}

static void read_identity(struct gpu_physical *p, const VkPhysicalDeviceProperties *v)
{
    struct lem_device_info *info = &p->info;
    snprintf(info->name, sizeof info->name, "%.255s", v->deviceName);
    snprintf(info->driver, sizeof info->driver, "version 0x%08x", v->driverVersion);
    info->api_version = v->apiVersion;
    info->vendor_id = v->vendorID;
    info->device_id = v->deviceID;
    info->type = type_of(v->deviceType);
    p->driver_version = v->driverVersion;
    memcpy(p->cache_uuid, v->pipelineCacheUUID, sizeof p->cache_uuid);
    p->unified = info->type == LEM_DEVICE_CPU || info->type == LEM_DEVICE_INTEGRATED;
}

void gpu_caps_heaps(const struct gpu_instance *in, struct gpu_physical *p)
{
    VkPhysicalDeviceMemoryBudgetPropertiesEXT budget = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT};
    VkPhysicalDeviceMemoryProperties2 all = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2};
    if (p->info.caps.memory_budget)
        append(&all, &budget);
    in->GetPhysicalDeviceMemoryProperties2(p->handle, &all);

    const VkPhysicalDeviceMemoryProperties *m = &all.memoryProperties;
    p->info.n_heap = (uint32_t)least(m->memoryHeapCount, LEM_DEVICE_MAX_HEAP);
    for (uint32_t i = 0; i < p->info.n_heap; i++) {
        struct lem_memory_heap *h = &p->info.heap[i];
        *h = (struct lem_memory_heap){
            .size = m->memoryHeaps[i].size,
            .budget = m->memoryHeaps[i].size,
            .device_local =
                (m->memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) != 0,
        };
        const uint64_t all_of_us = budget.heapBudget[i], used = budget.heapUsage[i];
        if (all_of_us) /* 0: the driver knows the extension but no number */
            h->budget = all_of_us > used ? all_of_us - used : 0;
        for (uint32_t t = 0; t < m->memoryTypeCount; t++)
            if (m->memoryTypes[t].heapIndex == i &&
                (m->memoryTypes[t].propertyFlags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT))
                h->host_visible = true;
    }
}

static void find_missing(struct gpu_physical *p, bool compute)
{
    struct lem_device_info *info = &p->info;
    const size_t cap = sizeof info->missing;
    if (!compute)
        snprintf(info->missing, cap, "has no queue for compute");
    else if (info->caps.max_storage_bindings < FLOOR_BINDINGS)
        snprintf(info->missing, cap, "binds %u storage buffers, needed are %d",
                 info->caps.max_storage_bindings, FLOOR_BINDINGS);
}

enum lem_status gpu_caps_read(const struct gpu_instance *in, VkPhysicalDevice handle,
                              struct gpu_physical *out, const struct lem_log *log)
{
    *out = (struct gpu_physical){.handle = handle};
    VkPhysicalDeviceProperties v;
    in->GetPhysicalDeviceProperties(handle, &v);
    read_identity(out, &v);
    read_limits(out, &v.limits);
    /* The calls below exist from 1.1 on. */
    if (v.apiVersion < VK_API_VERSION_1_1) {
        snprintf(out->info.missing, sizeof out->info.missing,
                 "speaks Vulkan %u.%u, needed is 1.1", VK_API_VERSION_MAJOR(v.apiVersion),
                 VK_API_VERSION_MINOR(v.apiVersion));
        return LEM_OK;
    }
    const enum lem_status st = read_extensions(in, out, log);
    if (st != LEM_OK)
        return st;
    read_properties(in, out);
    read_features(in, out);
    gpu_caps_heaps(in, out);
    find_missing(out, read_queue(in, out));
    return LEM_OK;
}

void gpu_caps_features(const struct gpu_physical *p, struct gpu_features *out)
{
    const struct lem_device_caps *c = &p->info.caps;
    const bool wanted[GPU_EXT_COUNT] = {
        [GPU_EXT_8BIT] = c->storage_8bit,
        [GPU_EXT_FLOAT16_INT8] = c->fp16 || c->int8,
        [GPU_EXT_SIZE_CONTROL] = c->subgroup_size_control,
        [GPU_EXT_INT_DOT] = c->int_dot,
        [GPU_EXT_EXECUTABLE] = c->pipeline_statistics,
        [GPU_EXT_HOST_IMPORT] = c->host_import,
        [GPU_EXT_BUDGET] = c->memory_budget,
        [GPU_EXT_PORTABILITY] = true, /* must be enabled where it is there */
    };
    struct gpu_physical in_force = *p;
    for (int e = 0; e < GPU_EXT_COUNT; e++)
        if (!wanted[e])
            in_force.ext &= ~(1u << e);

    chain_features(&in_force, out);
    for (int e = 0; e < GPU_EXT_COUNT; e++)
        if (has(&in_force, e))
            out->name[out->n_name++] = ext_name[e];
    out->storage16.storageBuffer16BitAccess = c->storage_16bit;
    out->storage8.storageBuffer8BitAccess = c->storage_8bit;
    out->small.shaderFloat16 = c->fp16;
    out->small.shaderInt8 = c->int8;
    out->size_control.subgroupSizeControl = c->subgroup_size_control;
    out->int_dot.shaderIntegerDotProduct = c->int_dot;
    out->executable.pipelineExecutableInfo = c->pipeline_statistics;
}
