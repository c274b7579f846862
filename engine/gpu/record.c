/* record.c - turning a list into commands, once, and running it. */
#include "gpu/list.h"

#include "base/check.h"
#include "base/log.h"

/* The barrier between dispatches that touch the same bytes. */
static void order(struct lem_device *d, VkCommandBuffer cmd)
{
    const VkPipelineStageFlags stages =
        VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_DRAW_INDIRECT_BIT;
    const VkMemoryBarrier memory = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
        .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT,
        .dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT |
                         VK_ACCESS_UNIFORM_READ_BIT | VK_ACCESS_INDIRECT_COMMAND_READ_BIT,
    };
    d->fn.vkCmdPipelineBarrier(cmd, stages, stages, 0, 1, &memory, 0, NULL, 0, NULL);
}

static void dispatch(struct gpu_list *l, const struct gpu_entry *e, bool new_kernel)
{
    const struct VolkDeviceTable *fn = &l->device->fn;
    const struct gpu_kernel *k = e->d.kernel;
    if (e->barrier)
        order(l->device, l->cmd);
    if (new_kernel)
        fn->vkCmdBindPipeline(l->cmd, VK_PIPELINE_BIND_POINT_COMPUTE, k->pipeline);
    if (e->set)
        fn->vkCmdBindDescriptorSets(l->cmd, VK_PIPELINE_BIND_POINT_COMPUTE, k->layout, 0,
                                    1, &e->set, 0, NULL);
    if (e->d.push_size)
        fn->vkCmdPushConstants(l->cmd, k->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                               e->d.push_size, e->push);
    if (e->d.indirect.buf)
        fn->vkCmdDispatchIndirect(l->cmd, e->d.indirect.buf->handle,
                                  e->d.indirect.offset);
    else
        fn->vkCmdDispatch(l->cmd, e->d.group[0], e->d.group[1], e->d.group[2]);
}

/* Workgroups that follow from the rows of the run. */
static enum lem_status set_rows(struct gpu_list *l, uint32_t rows)
{
    const struct lem_device *d = l->device;
    for (uint32_t i = 0; i < l->n && l->uses_rows; i++) {
        struct gpu_dispatch *e = &l->entry[i].d;
        if (e->rows_per_group == 0)
            continue;
        const uint32_t n = ceil_div(rows, e->rows_per_group);
        if (n > d->physical.max_group[1])
            return log_fail(&d->log, LEM_ERR_UNSUPPORTED,
                            "%s, \"%s\" (%s): %u rows need %u workgroups, \"%s\" allows "
                            "%u: use a smaller batch",
                            l->name, e->label, e->kernel->name, rows, n,
                            d->physical.info.name, d->physical.max_group[1]);
        e->group[1] = n;
    }
    return LEM_OK;
}

static enum lem_status begin(struct gpu_list *l)
{
    struct lem_device *d = l->device;
    if (l->timed && l->timer.n < l->n + 1) {
        gpu_timer_close(d, &l->timer);
        const enum lem_status st = gpu_timer_open(d, &l->timer, l->n + 1);
        if (st != LEM_OK)
            return st;
    }
    const VkCommandBufferBeginInfo info = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    VkResult r = d->fn.vkResetCommandPool(d->handle, l->cmd_pool, 0);
    if (r == VK_SUCCESS)
        r = d->fn.vkBeginCommandBuffer(l->cmd, &info);
    return r == VK_SUCCESS ? LEM_OK : gpu_fail(d, r, "recording list", l->name);
}

static enum lem_status record(struct gpu_list *l, uint32_t rows)
{
    struct lem_device *d = l->device;
    if (l->recorded && (!l->uses_rows || l->rows == rows))
        return LEM_OK;
    l->recorded = false;
    enum lem_status st = gpu_kernels_make(d, NULL); /* those that nobody made so far */
    for (uint32_t i = 0; i < l->n && st == LEM_OK; i++) {
        const struct gpu_kernel *k = l->entry[i].d.kernel;
        if (!k->pipeline)
            st = gpu_fail(d, k->failed, "compiling kernel", k->name);
    }
    if (st == LEM_OK)
        st = set_rows(l, rows);
    if (st == LEM_OK)
        st = begin(l);
    if (st != LEM_OK)
        return st;

    gpu_barrier_all(d, l->cmd);
    gpu_timer_reset(d, &l->timer, l->cmd);
    gpu_timer_stamp(d, &l->timer, l->cmd, 0);
    for (uint32_t i = 0; i < l->n; i++) {
        dispatch(l, &l->entry[i],
                 i == 0 || l->entry[i].d.kernel != l->entry[i - 1].d.kernel);
        gpu_timer_stamp(d, &l->timer, l->cmd, i + 1);
    }
    gpu_barrier_all(d, l->cmd);
    const VkResult r = d->fn.vkEndCommandBuffer(l->cmd);
    if (r != VK_SUCCESS)
        return gpu_fail(d, r, "recording list", l->name);
    l->recorded = true;
    l->rows = rows;
    return LEM_OK;
}

static enum lem_status check(struct gpu_list *const *lists, uint32_t n)
{
    const struct lem_log *log = &lists[0]->device->log;
    if (n > GPU_MAX_LISTS)
        return log_fail(log, LEM_ERR_ARGUMENT,
                        "%u lists in one submission, the most are "
                        "%d",
                        n, GPU_MAX_LISTS);
    for (uint32_t i = 1; i < n; i++) {
        if (lists[i]->device != lists[0]->device)
            return log_fail(log, LEM_ERR_ARGUMENT, "list %s is of another device",
                            lists[i]->name);
        for (uint32_t j = 0; j < i; j++)
            if (lists[i] == lists[j])
                return log_fail(log, LEM_ERR_ARGUMENT,
                                "list %s is twice in one submission", lists[i]->name);
    }
    return LEM_OK;
}

enum lem_status gpu_list_run(struct gpu_list *const *lists, uint32_t n, uint32_t rows,
                             uint64_t *wait_ns)
{
    if (n == 0)
        return LEM_OK;
    struct gpu_list *first = lists[0];
    struct lem_device *d = first->device;
    enum lem_status st = gpu_alive(d);
    if (st == LEM_OK)
        st = check(lists, n);
    VkCommandBuffer cmd[GPU_MAX_LISTS];
    for (uint32_t i = 0; i < n && st == LEM_OK; i++) {
        st = record(lists[i], rows);
        cmd[i] = lists[i]->cmd;
    }
    if (st == LEM_OK)
        st = gpu_submit(d, cmd, n, first->fence, first->name);
    if (st != LEM_OK)
        return st;

    const uint64_t start = clock_ns();
    st = gpu_wait(d, first->fence, first->name);
    if (wait_ns)
        *wait_ns += clock_ns() - start;
    for (uint32_t i = 0; i < n && st == LEM_OK; i++)
        st = gpu_timer_read(d, &lists[i]->timer, lists[i]->entry, lists[i]->n);
    return st;
}
