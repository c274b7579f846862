/* kernel_make.c - compiling kernels: all that lists have asked for at once, on all
 * processors, because one of them may take a driver seconds. */
#include "gpu/vk.h"

#include <string.h>

#include "base/log.h"

static VkResult make_pipeline(struct lem_device *d, const struct gpu_kernel *k,
                              VkPipeline *out)
{
    const VkShaderModuleCreateInfo code = {
        .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
        .codeSize = k->shader->size,
        .pCode = k->shader->code,
    };
    VkShaderModule module;
    VkResult r = d->fn.vkCreateShaderModule(d->handle, &code, NULL, &module);
    if (r != VK_SUCCESS)
        return r;

    /* The last two are the same for all kernels of a device. */
    const uint32_t n = k->n_constant;
    uint32_t value[GPU_MAX_CONSTANT + 2];
    VkSpecializationMapEntry entry[GPU_MAX_CONSTANT + 2];
    memcpy(value, k->constant, n * sizeof *value);
    value[n] = gpu_fetches_texels(d);
    value[n + 1] = d->physical.keeps_subnormals;
    for (uint32_t i = 0; i < n + 2; i++)
        entry[i] = (VkSpecializationMapEntry){i < n ? i : GPU_CONSTANT_TEXELS + i - n,
                                              i * (uint32_t)sizeof *value, sizeof *value};
    const VkSpecializationInfo constants = {
        .mapEntryCount = n + 2,
        .pMapEntries = entry,
        .dataSize = (n + 2) * sizeof *value,
        .pData = value,
    };
    const VkComputePipelineCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
        .stage =
            {
                .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                .module = module,
                .pName = "main",
                .pSpecializationInfo = &constants,
            },
        .layout = k->layout,
    };
    r = d->fn.vkCreateComputePipelines(d->handle, d->cache, 1, &info, NULL, out);
    d->fn.vkDestroyShaderModule(d->handle, module, NULL);
    if (r == VK_SUCCESS)
        gpu_name_object(d, VK_OBJECT_TYPE_PIPELINE, (uint64_t)*out, k->name);
    return r;
}

/* ---- all of them -------------------------------------------------------------- */

enum { MAX_WORKER = 16 };

/* What the threads of one gpu_kernels_make() share; `lock` is over the second part. */
struct work {
    struct lem_device *device;
    const struct lem_progress *progress;
    uint32_t n;
    struct mutex lock;
    struct gpu_kernel *next; /* where to go on looking */
    uint32_t n_done;
    const struct gpu_kernel *failed; /* the first one, or NULL */
    VkResult result;                 /* its */
};

static struct gpu_kernel *first_unmade(struct gpu_kernel *k)
{
    while (k && (k->pipeline || k->failed != VK_SUCCESS))
        k = k->next;
    return k;
}

/* Take the next kernel, or NULL when there is none or one has failed. */
static struct gpu_kernel *take(struct work *w)
{
    struct gpu_kernel *k = w->failed ? NULL : first_unmade(w->next);
    if (k)
        w->next = k->next;
    return k;
}

static void work(void *arg)
{
    struct work *w = arg;
    mutex_lock(&w->lock);
    struct gpu_kernel *k;
    while ((k = take(w)) != NULL) {
        mutex_unlock(&w->lock);
        VkPipeline made = VK_NULL_HANDLE;
        const VkResult r = make_pipeline(w->device, k, &made);
        mutex_lock(&w->lock);
        k->pipeline = made; /* under the lock: others look for kernels without one */
        k->failed = r;
        if (r == VK_SUCCESS)
            w->n_done++;
        else if (!w->failed) {
            w->failed = k;
            w->result = r;
        }
        if (w->progress && w->progress->fn)
            w->progress->fn(w->progress->priv, "kernels made", w->n_done, w->n);
    }
    mutex_unlock(&w->lock);
}

enum lem_status gpu_kernels_make(struct lem_device *d,
                                 const struct lem_progress *progress)
{
    mutex_lock(&d->kernel_lock);
    struct work w = {.device = d, .progress = progress, .next = d->kernels};
    for (struct gpu_kernel *k = first_unmade(d->kernels); k; k = first_unmade(k->next))
        w.n++;
    if (w.n) {
        d->cache_dirty = true;
        mutex_init(&w.lock);
        struct thread helper[MAX_WORKER];
        const uint32_t cpus = thread_cpus();
        const uint32_t most = cpus < w.n ? cpus : w.n;
        uint32_t n = 0;
        while (n + 1 < most && n < MAX_WORKER && thread_start(&helper[n], work, &w))
            n++;
        work(&w); /* this thread, too */
        while (n)
            thread_join(&helper[--n]);
        mutex_finish(&w.lock);
        gpu_cache_save(d); /* now, so that no run of a list writes files */
    }
    mutex_unlock(&d->kernel_lock);
    /* Logged here, once, because messages belong on the caller's thread. */
    return w.failed ? gpu_fail(d, w.result, "compiling kernel", w.failed->name) : LEM_OK;
}
