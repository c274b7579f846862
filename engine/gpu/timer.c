/* timer.c - timestamps around the dispatches of a list. */
#include "gpu/list.h"

#include <stdlib.h>

#include "base/log.h"

enum lem_status gpu_timer_open(struct lem_device *d, struct gpu_timer *t, uint32_t n)
{
    *t = (struct gpu_timer){0};
    if (d->physical.timestamp_bits == 0)
        return LEM_OK;
    t->tick = calloc(n, sizeof *t->tick);
    if (!t->tick)
        return log_fail(&d->log, LEM_ERR_MEMORY, "no memory for %u timestamps", n);
    const VkQueryPoolCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
        .queryType = VK_QUERY_TYPE_TIMESTAMP,
        .queryCount = n,
    };
    const VkResult r = d->fn.vkCreateQueryPool(d->handle, &info, NULL, &t->pool);
    if (r == VK_SUCCESS) {
        t->n = n;
        return LEM_OK;
    }
    t->pool = VK_NULL_HANDLE;
    gpu_timer_close(d, t);
    return gpu_fail(d, r, "creating", "timestamps");
}

void gpu_timer_close(struct lem_device *d, struct gpu_timer *t)
{
    if (t->pool)
        d->fn.vkDestroyQueryPool(d->handle, t->pool, NULL);
    free(t->tick);
    *t = (struct gpu_timer){0};
}

void gpu_timer_reset(struct lem_device *d, struct gpu_timer *t, VkCommandBuffer cmd)
{
    if (t->pool)
        d->fn.vkCmdResetQueryPool(cmd, t->pool, 0, t->n);
}

void gpu_timer_stamp(struct lem_device *d, struct gpu_timer *t, VkCommandBuffer cmd,
                     uint32_t i)
{
    /* The bottom of the pipe: when all before is done. Dispatches that overlap are
     * so charged to the one that ends last, and the sum is the whole. */
    if (t->pool)
        d->fn.vkCmdWriteTimestamp(cmd, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, t->pool, i);
}

enum lem_status gpu_timer_read(struct lem_device *d, struct gpu_timer *t,
                               struct gpu_entry *entry, uint32_t n)
{
    if (!t->pool)
        return LEM_OK;
    const VkResult r = d->fn.vkGetQueryPoolResults(
        d->handle, t->pool, 0, n + 1, (n + 1) * sizeof *t->tick, t->tick, sizeof *t->tick,
        VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT);
    if (r != VK_SUCCESS)
        return gpu_fail(d, r, "reading", "timestamps");
    const uint32_t bits = d->physical.timestamp_bits;
    const uint64_t mask = bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
    for (uint32_t i = 0; i < n; i++)
        entry[i].ns = (uint64_t)((double)((t->tick[i + 1] - t->tick[i]) & mask) *
                                 (double)d->physical.timestamp_ns);
    return LEM_OK;
}
