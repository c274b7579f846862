/* kernel.c - kernels: a shader with specialization constants, checked against the device
 * at the first question and kept as long as the device. kernel_make.c compiles them. */
#include "gpu/vk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

void gpu_shaders_add(struct lem_device *device, const struct gpu_shader *table)
{
    device->more_shaders = table;
}

static const struct gpu_shader *find_in(const struct gpu_shader *table, const char *name)
{
    for (const struct gpu_shader *s = table; s && s->name; s++)
        if (strcmp(s->name, name) == 0)
            return s;
    return NULL;
}

static const struct gpu_shader *find_shader(const struct lem_device *d, const char *name)
{
    const struct gpu_shader *s = find_in(d->more_shaders, name);
    return s ? s : find_in(gpu_shaders, name);
}

bool gpu_has_shader(const struct lem_device *device, const char *name)
{
    return find_shader(device, name) != NULL;
}

static const struct gpu_kernel *find_made(const struct lem_device *d, const char *name,
                                          const uint32_t *constant, uint32_t n)
{
    for (const struct gpu_kernel *k = d->kernels; k; k = k->next)
        if (k->n_constant == n && strcmp(k->name, name) == 0 &&
            (n == 0 || memcmp(k->constant, constant, n * sizeof *constant) == 0))
            return k;
    return NULL;
}

/* ---- does it fit the device? ------------------------------------------------ */

/* NULL, or the name of what the device (as far as we may use it) lacks for a
 * SPIR-V capability. Numbers: SPIR-V Specification 1.6, section 3.31. */
static const char *lacks(const struct lem_device_caps *c, uint32_t capability)
{
    switch (capability) {
    case 0:  /* Matrix */
    case 1:  /* Shader */
    case 46: /* SampledBuffer */
    case 61: /* GroupNonUniform: subgroup ids alone are in every 1.1 device */
        return NULL;
    case 9: /* Float16 */
        return c->fp16 ? NULL : "fp16";
    case 39: /* Int8 */
        return c->int8 ? NULL : "int8";
    case 62: /* GroupNonUniformVote */
    case 63: /* …Arithmetic */
    case 64: /* …Ballot */
    case 65: /* …Shuffle */
    case 66: /* …ShuffleRelative */
    case 67: /* …Clustered */
        return c->subgroup_arithmetic ? NULL : "subgroup_arithmetic";
    case 68: /* GroupNonUniformQuad */
        return c->subgroup_quad ? NULL : "subgroup_quad";
    case 4433: /* StorageBuffer16BitAccess */
        return c->storage_16bit ? NULL : "storage_16bit";
    case 4448: /* StorageBuffer8BitAccess */
        return c->storage_8bit ? NULL : "storage_8bit";
    case 6016: /* DotProductInputAll */
    case 6017: /* DotProductInput4x8Bit */
    case 6018: /* DotProductInput4x8BitPacked */
    case 6019: /* DotProduct */
        return c->int_dot ? NULL : "int_dot";
    default:
        return "a SPIR-V capability that Lemnos never enables";
    }
}

static enum lem_status check_fit(const struct lem_device *d, const struct gpu_kernel *k)
{
    const struct lem_device_caps *c = &d->physical.info.caps;
    const struct gpu_reflection *r = &k->info;
    const struct lem_log *log = &d->log;
    const char *device = d->physical.info.name;

    for (uint32_t i = 0; i < r->n_capability; i++) {
        const char *missing = lacks(c, r->capability[i]);
        if (missing)
            return log_fail(log, LEM_ERR_UNSUPPORTED,
                            "kernel %s needs %s (%u), which \"%s\" "
                            "has not, or not with these caps",
                            k->name, missing, r->capability[i], device);
    }
    const uint64_t n = (uint64_t)r->local[0] * r->local[1] * r->local[2];
    if (n == 0 || n > c->max_workgroup)
        return log_fail(
            log, LEM_ERR_UNSUPPORTED,
            "kernel %s wants %llu invocations in a workgroup, \"%s\" allows 1 "
            "to %u",
            k->name, (unsigned long long)n, device, c->max_workgroup);
    for (int i = 0; i < 3; i++)
        if (r->local[i] > d->physical.max_local[i])
            return log_fail(
                log, LEM_ERR_UNSUPPORTED,
                "kernel %s wants a workgroup %u wide in axis %d, \"%s\" allows "
                "%u",
                k->name, r->local[i], i, device, d->physical.max_local[i]);
    if (r->shared_bytes > c->max_shared_bytes)
        return log_fail(log, LEM_ERR_UNSUPPORTED,
                        "kernel %s wants %u bytes of shared memory, \"%s\" has %u",
                        k->name, r->shared_bytes, device, c->max_shared_bytes);
    uint32_t n_storage = 0;
    for (uint32_t i = 0; i < r->n_binding; i++)
        n_storage += r->bind[i].kind == GPU_BIND_STORAGE;
    if (n_storage > c->max_storage_bindings)
        return log_fail(log, LEM_ERR_UNSUPPORTED,
                        "kernel %s binds %u storage buffers, \"%s\" allows %u", k->name,
                        n_storage, device, c->max_storage_bindings);
    if (r->push_size > GPU_MAX_PUSH)
        return log_fail(log, LEM_ERR_UNSUPPORTED,
                        "kernel %s has %u bytes of push constants, the most are %d",
                        k->name, r->push_size, GPU_MAX_PUSH);
    return LEM_OK;
}

/* ---- making ----------------------------------------------------------------- */

static enum lem_status make_layout(struct lem_device *d, struct gpu_kernel *k)
{
    VkDescriptorSetLayoutBinding binding[GPU_MAX_BINDING];
    uint32_t n = 0;
    for (uint32_t i = 0; i < k->info.n_binding; i++) {
        if (k->info.bind[i].kind == GPU_BIND_NONE)
            continue;
        binding[n++] = (VkDescriptorSetLayoutBinding){
            .binding = i,
            .descriptorType = gpu_descriptor_type(k->info.bind[i].kind),
            .descriptorCount = 1,
            .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
        };
    }
    const VkDescriptorSetLayoutCreateInfo set = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
        .bindingCount = n,
        .pBindings = binding,
    };
    VkResult r = d->fn.vkCreateDescriptorSetLayout(d->handle, &set, NULL, &k->set_layout);
    if (r != VK_SUCCESS)
        return gpu_fail(d, r, "laying out the bindings of", k->name);

    const VkPushConstantRange push = {
        .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
        .size = (k->info.push_size + 3) / 4 * 4,
    };
    const VkPipelineLayoutCreateInfo layout = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
        .setLayoutCount = 1,
        .pSetLayouts = &k->set_layout,
        .pushConstantRangeCount = push.size ? 1 : 0,
        .pPushConstantRanges = &push,
    };
    r = d->fn.vkCreatePipelineLayout(d->handle, &layout, NULL, &k->layout);
    return r == VK_SUCCESS ? LEM_OK : gpu_fail(d, r, "laying out", k->name);
}

static void close_kernel(struct lem_device *d, struct gpu_kernel *k)
{
    d->fn.vkDestroyPipeline(d->handle, k->pipeline, NULL);
    d->fn.vkDestroyPipelineLayout(d->handle, k->layout, NULL);
    d->fn.vkDestroyDescriptorSetLayout(d->handle, k->set_layout, NULL);
    free(k);
}

static enum lem_status make_kernel(struct lem_device *d, const struct gpu_shader *s,
                                   const uint32_t *constant, uint32_t n,
                                   const struct gpu_kernel **out)
{
    struct gpu_kernel *k = calloc(1, sizeof *k);
    if (!k)
        return log_fail(&d->log, LEM_ERR_MEMORY, "no memory for kernel %s", s->name);
    k->name = s->name;
    k->shader = s;
    k->n_constant = n;
    if (n)
        memcpy(k->constant, constant, n * sizeof *constant);

    const char *problem = gpu_reflect(s->code, s->size, k->constant, n, &k->info);
    enum lem_status st = LEM_OK;
    if (problem)
        st = log_fail(&d->log, LEM_ERR_GPU, "shader %s cannot be used: it has %s",
                      s->name, problem);
    if (st == LEM_OK)
        st = check_fit(d, k);
    if (st == LEM_OK)
        st = make_layout(d, k);
    if (st != LEM_OK) {
        close_kernel(d, k);
        return st;
    }
    k->next = d->kernels;
    d->kernels = k;
    *out = k;
    return LEM_OK;
}

enum lem_status gpu_kernel_get(struct lem_device *device, const char *name,
                               const uint32_t *constant, uint32_t n_constant,
                               const struct gpu_kernel **out)
{
    *out = NULL;
    enum lem_status st = gpu_alive(device);
    if (st != LEM_OK)
        return st;
    if (n_constant > GPU_MAX_CONSTANT)
        return log_fail(&device->log, LEM_ERR_ARGUMENT,
                        "kernel %s: %u constants, the most are %d", name, n_constant,
                        GPU_MAX_CONSTANT);
    mutex_lock(&device->kernel_lock);
    *out = find_made(device, name, constant, n_constant);
    if (!*out) {
        const struct gpu_shader *s = find_shader(device, name);
        st = s ? make_kernel(device, s, constant, n_constant, out)
               : log_fail(&device->log, LEM_ERR_ARGUMENT,
                          "there is no shader \"%s\" (see shaders/shaders.cmake)", name);
    }
    mutex_unlock(&device->kernel_lock);
    return st;
}

void gpu_kernels_close(struct lem_device *d)
{
    while (d->kernels) {
        struct gpu_kernel *next = d->kernels->next;
        close_kernel(d, d->kernels);
        d->kernels = next;
    }
}
