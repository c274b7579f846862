/* list.h - inside of a list of dispatches, shared by the files that check it, order
 * it, record it and time it. */
#ifndef GPU_LIST_H
#define GPU_LIST_H

#include "base/arena.h"
#include "gpu/vk.h"

struct gpu_entry {
    struct gpu_dispatch d; /* label: our copy; push: use the one below */
    uint8_t push[GPU_MAX_PUSH];
    VkDescriptorSet set;
    VkBufferView view[GPU_MAX_BINDING]; /* of texel buffers; else VK_NULL_HANDLE */
    bool barrier;                       /* before it */
    uint64_t ns;
};

/* ---- hazard.c: what was touched since the last barrier ---------------------- */

struct gpu_touch {
    const struct gpu_buf *buf;
    uint64_t begin, end; /* bytes */
    bool write;
};

struct gpu_hazards {
    struct gpu_touch *touch;
    uint32_t n, cap;
};

/* Note what `d` touches. *barrier: it must wait for what came before. False when
 * memory ran out. */
bool gpu_hazards_add(struct gpu_hazards *h, const struct gpu_dispatch *d, bool *barrier);
void gpu_hazards_close(struct gpu_hazards *h);

/* ---- sets.c: descriptor sets ------------------------------------------------ */

struct gpu_pool {
    VkDescriptorPool handle;
    uint32_t n_set, n_storage, n_uniform, n_texel; /* still free */
    struct gpu_pool *next;
};

/* A set with the slices of entry->d, written once; VK_NULL_HANDLE for none. */
enum lem_status gpu_set_make(struct lem_device *device, struct gpu_pool **pools,
                             struct gpu_entry *entry);
/* The views of its texel buffers; the set goes with its pool. */
void gpu_set_close(struct lem_device *device, struct gpu_entry *entry);
void gpu_pools_close(struct lem_device *device, struct gpu_pool **pools);

/* ---- timer.c: a timestamp after every dispatch ------------------------------ */

struct gpu_timer {
    VkQueryPool pool; /* VK_NULL_HANDLE: nothing is timed */
    uint32_t n;       /* timestamps */
    uint64_t *tick;
};

/* Room for `n` timestamps. Without timestamps in the device nothing is timed. */
enum lem_status gpu_timer_open(struct lem_device *d, struct gpu_timer *t, uint32_t n);
void gpu_timer_close(struct lem_device *d, struct gpu_timer *t);
void gpu_timer_reset(struct lem_device *d, struct gpu_timer *t, VkCommandBuffer cmd);
void gpu_timer_stamp(struct lem_device *d, struct gpu_timer *t, VkCommandBuffer cmd,
                     uint32_t i);
/* After the commands ran: nanoseconds from stamp i to i+1, into each entry. */
enum lem_status gpu_timer_read(struct lem_device *d, struct gpu_timer *t,
                               struct gpu_entry *entry, uint32_t n);

/* ---- list.c, record.c ------------------------------------------------------- */

struct gpu_list {
    struct lem_device *device;
    struct arena arena; /* name, labels */
    const char *name;
    bool timed;
    struct gpu_entry *entry;
    uint32_t n, cap;
    struct gpu_hazards hazards;
    struct gpu_pool *pools;
    VkCommandPool cmd_pool;
    VkCommandBuffer cmd;
    VkFence fence;
    struct gpu_timer timer;
    bool recorded, uses_rows;
    uint32_t rows; /* what it was recorded for */
};

#endif
