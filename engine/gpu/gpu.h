/* gpu.h - all Vulkan of the engine behind a few plain calls: buffers, kernels,
 * and lists of dispatches that are made once and replayed. Knows no model word
 * and shows no Vulkan type; those are in gpu/vk.h, for this folder alone.
 *
 * Threads: a device may be used by any number of threads; a buffer, list or
 * upload by one at a time. */
#ifndef GPU_GPU_H
#define GPU_GPU_H

#include "lemnos/common.h"
#include "lemnos/device.h"

/* ---- buffers ---------------------------------------------------------------- */

enum gpu_buf_kind {
    GPU_BUF_DEVICE,  /* fastest for kernels; mapped only where that costs nothing */
    GPU_BUF_UPLOAD,  /* host writes, device reads; always mapped, coherent */
    GPU_BUF_READBACK /* device writes, host reads; always mapped, cached where possible */
};

struct gpu_buf;

/*
 * Make a buffer of `size` bytes (> 0), filled with zeros. `name` is copied and
 * shows in messages and captures.
 * Returns LEM_OK, LEM_ERR_MEMORY, LEM_ERR_GPU_MEMORY (over the budget of the
 * device or refused by the driver; logged with what is free), LEM_ERR_GPU.
 */
enum lem_status gpu_buf_open(struct lem_device *device, enum gpu_buf_kind kind,
                             uint64_t size, const char *name, struct gpu_buf **out);
/* The same without the zeros: nobody may rely on a byte that was not written since.
 * For large buffers that their owner fills, which need not be written twice. */
enum lem_status gpu_buf_open_blank(struct lem_device *device, enum gpu_buf_kind kind,
                                   uint64_t size, const char *name, struct gpu_buf **out);
/* Safe on NULL and pointer to NULL. No submission may be using it. */
void gpu_buf_close(struct gpu_buf **buf);

/* Host address, or NULL where a GPU_BUF_DEVICE cannot be mapped. */
void *gpu_buf_map(const struct gpu_buf *buf);
uint64_t gpu_buf_size(const struct gpu_buf *buf);

/*
 * Copy bytes of a buffer to the host, mapped or not. Slow: for tests and dumps.
 * No submission may be writing it.
 * Returns LEM_OK, LEM_ERR_ARGUMENT (not all inside the buffer), LEM_ERR_MEMORY,
 * LEM_ERR_GPU_MEMORY, LEM_ERR_GPU, LEM_ERR_DEVICE_LOST.
 */
enum lem_status gpu_buf_read(struct gpu_buf *buf, uint64_t offset, uint64_t size,
                             void *out);
/*
 * Copy the first `size` bytes of a buffer to another of the device: one submission, and
 * the wait for it. Takes no memory. No other submission may be using either.
 * Returns LEM_OK, LEM_ERR_ARGUMENT (nothing, more than one of them has, or not two
 * buffers of one device; logged), LEM_ERR_GPU, LEM_ERR_DEVICE_LOST.
 */
enum lem_status gpu_buf_copy(struct gpu_buf *to, struct gpu_buf *from, uint64_t size);

/* Part of a buffer, as a kernel binds it. `offset` is a multiple of
 * caps.storage_align, `size` at most caps.max_buffer_range; where the shader declares
 * a texel buffer, at most caps.max_texel_elements of GPU_TEXEL_BYTES. */
enum { GPU_TEXEL_BYTES = 16 };
struct gpu_slice {
    struct gpu_buf *buf;
    uint64_t offset, size; /* bytes */
};

struct gpu_slice gpu_slice_all(struct gpu_buf *buf);

/* ---- kernels ---------------------------------------------------------------- */

/* Constants that tell every kernel that asks for them: does the device fetch texels, does
 * it keep subnormal f16? */
enum { GPU_CONSTANT_TEXELS = 100, GPU_CONSTANT_SUBNORMALS = 101 };
enum { GPU_MAX_BINDING = 8, GPU_MAX_PUSH = 128, GPU_MAX_CONSTANT = 8 };

struct gpu_kernel;

/*
 * The kernel of shader `name` (see gpu/shader_table.h) with specialization
 * constants 0 … n_constant-1; constant 0 is the workgroup size, everywhere.
 * Checked at the first call, then found again: kernels live as long as the device.
 * The driver compiles it in gpu_kernels_make(), or when a list of it first runs.
 * Bindings (set 0), their access and the push size are read from the SPIR-V.
 * Returns LEM_OK, LEM_ERR_ARGUMENT (no such shader), LEM_ERR_UNSUPPORTED (more
 * invocations, shared memory or bindings than the device has; logged),
 * LEM_ERR_MEMORY, LEM_ERR_GPU. Threads: any.
 */
enum lem_status gpu_kernel_get(struct lem_device *device, const char *name,
                               const uint32_t *constant, uint32_t n_constant,
                               const struct gpu_kernel **out);

/* Is there a shader of this name? */
bool gpu_has_shader(const struct lem_device *device, const char *name);

/*
 * Have the driver compile all kernels got so far, with as many threads as there are
 * processors, which end with the call. `progress` may be NULL; it is called on those
 * threads, one at a time. Returns LEM_OK, LEM_ERR_GPU … (logged); what was made stays.
 * Threads: any.
 */
enum lem_status gpu_kernels_make(struct lem_device *device,
                                 const struct lem_progress *progress);

/* ---- lists: dispatches made once and replayed ------------------------------- */

struct gpu_list;

/* What a dispatch is expected to do, for whoever asks the list. */
struct gpu_cost {
    uint32_t size[3];     /* extents of the work, outermost first; 0 = not said */
    uint64_t const_bytes; /* read of data that does not change between runs */
    uint64_t bytes;       /* read and written in all, each byte once */
    uint64_t flops;       /* multiplications and additions */
};

struct gpu_dispatch {
    const struct gpu_kernel *kernel;
    const char *label; /* copied: "blk.3 router"; shows in timings and messages */
    uint32_t stage;    /* caller's number for grouping of timings */
    struct gpu_slice bind[GPU_MAX_BINDING]; /* binding order; as many as the kernel has */
    const void *push;                       /* push_size bytes, copied; size is checked */
    uint32_t push_size;
    uint32_t group[3]; /* workgroups */
    /* When not 0, group[1] is ceil(rows of the run / rows_per_group). */
    uint32_t rows_per_group;
    /* When buf is set, three u32 at its offset give the workgroups instead. */
    struct gpu_slice indirect;
    struct gpu_cost cost; /* may be {0} */
};

/* `timed` keeps timestamps around every dispatch (where the device has them:
 * gpu_has_timestamps()). */
enum lem_status gpu_list_open(struct lem_device *device, const char *name, bool timed,
                              struct gpu_list **out);
void gpu_list_close(struct gpu_list **list);
struct lem_device *gpu_list_device(const struct gpu_list *list);

/* Add a dispatch. Checks binding count, alignment, ranges and push size (bugs:
 * LEM_ERR_ARGUMENT, logged); group counts and slices beyond the device's limits
 * are LEM_ERR_UNSUPPORTED. Where two dispatches touch the same bytes and one of them
 * writes, the barrier between them is found from the slices: callers write none. */
enum lem_status gpu_list_add(struct gpu_list *list, const struct gpu_dispatch *d);

uint32_t gpu_list_length(const struct gpu_list *list);
/* The i-th dispatch's label, kernel name, stage and (after a timed run) duration. */
struct gpu_list_row {
    const char *label, *kernel;
    uint32_t stage;
    uint32_t group[3];
    uint32_t rows_per_group;
    bool indirect; /* `group` says nothing */
    bool barrier;  /* waits for earlier ones */
    struct gpu_cost cost;
    uint64_t ns;
};
void gpu_list_row(const struct gpu_list *list, uint32_t i, struct gpu_list_row *row);

enum { GPU_MAX_LISTS = 64 }; /* in one submission */

/*
 * Submit `n` different lists of one device, in order, as one submission, and wait
 * until done. `rows` is
 * what rows_per_group refers to. Commands are recorded at the first run and again
 * only when `rows` changes. Everything before sees host writes to mapped buffers;
 * the host sees all device writes afterwards. Allocates nothing.
 * `wait_ns`, if not NULL, is increased by the time spent waiting.
 * Returns LEM_OK, LEM_ERR_ARGUMENT, LEM_ERR_UNSUPPORTED (`rows` needs more
 * workgroups than the device has), LEM_ERR_DEVICE_LOST, LEM_ERR_GPU,
 * LEM_ERR_MEMORY.
 */
enum lem_status gpu_list_run(struct gpu_list *const *lists, uint32_t n, uint32_t rows,
                             uint64_t *wait_ns);

/*
 * Where the driver compiles a kernel only when it first runs, have it do so now for those
 * of `n` lists of one device (the first is not NULL, others may be), with a second thread
 * and device if it takes long. Nothing is run. Elsewhere it does nothing. `progress` may
 * be NULL. Returns LEM_OK, LEM_ERR_MEMORY, LEM_ERR_GPU … (logged).
 */
enum lem_status gpu_lists_compile(struct gpu_list *const *lists, uint32_t n,
                                  const struct lem_progress *progress);

/* ---- upload: host bytes into buffers that are not mapped -------------------- */

struct gpu_upload;

/* A ring of `n_slot` staging pieces of `slot_bytes`. */
enum lem_status gpu_upload_open(struct lem_device *device, uint64_t slot_bytes,
                                uint32_t n_slot, struct gpu_upload **out);
/* Waits for what is under way and says nothing of how that went: gpu_upload_finish()
 * does. Safe on NULL and pointer to NULL. */
void gpu_upload_close(struct gpu_upload **up);
/* Staging memory of slot_bytes to fill; waits while all slots are in flight. */
enum lem_status gpu_upload_slot(struct gpu_upload *up, void **out);
/* Start copying the first `size` bytes of the slot last given to dst. */
enum lem_status gpu_upload_send(struct gpu_upload *up, struct gpu_buf *dst,
                                uint64_t offset, uint64_t size);
/* Wait until all has arrived. */
enum lem_status gpu_upload_finish(struct gpu_upload *up);
/* For a ring that other threads than the caller's fill: from here on its first failure
 * in the driver is kept ... */
void gpu_upload_keep_quiet(struct gpu_upload *up);
/* ... and here it is logged and its status returned, and later ones are logged at once
 * again; LEM_OK when there was none. */
enum lem_status gpu_upload_tell(struct gpu_upload *up);

/* ---- for callers' choices --------------------------------------------------- */

const struct lem_device_caps *gpu_caps(const struct lem_device *device);
/* Most workgroups of one dispatch along axis 0, 1 or 2. gpu_list_add() checks direct
 * dispatches itself; who lets a kernel write indirect counts checks them by this. */
uint32_t gpu_max_groups(const struct lem_device *device, int axis);
bool gpu_has_timestamps(const struct lem_device *device);
enum lem_device_type gpu_type(const struct lem_device *device);
/* CPU devices load buffer elements lane by lane, but fetch texels as fast as memory gives
 * them: is this one, do its texel buffers hold as much as others do, and can lanes share
 * what they fetched? */
bool gpu_fetches_texels(const struct lem_device *device);
/* Do host and device share their memory? Then a GPU_BUF_DEVICE is mapped. */
bool gpu_is_unified(const struct lem_device *device);
const struct lem_log *gpu_log(const struct lem_device *device);
/* Numbers that callers keep with the device; gpu/ makes nothing of them. 0 at first.
 * Threads: any. */
enum { GPU_MAX_CHOICE = 4 };
uint32_t gpu_choice(const struct lem_device *device, uint32_t i);
void gpu_choose(struct lem_device *device, uint32_t i, uint32_t value);

/* Texts that are kept in the cache folder under a short name, for this device with its
 * driver, its caps in force and this version of Lemnos with its kernels. Read: true when
 * there is one, of less than `cap` bytes. What is damaged or foreign is ignored with a
 * warning. Write: false, after a warning, when the folder takes none. Threads: any, of
 * one name one at a time. */
bool gpu_note_read(const struct lem_device *device, const char *name, char *out,
                   size_t cap);
bool gpu_note_write(const struct lem_device *device, const char *name, const char *text);
/* Is there a cache folder? */
bool gpu_keeps_notes(const struct lem_device *device);
const char *gpu_name(const struct lem_device *device);

/* ---- for tests -------------------------------------------------------------- */

/* After `n_before` more submissions the next one behaves as if the device had been lost,
 * and so does waiting from then on. */
void gpu_pretend_lost(struct lem_device *device, uint32_t n_before);

/* What gpu_lists_compile() does where it does something; after `patience_ns` with
 * the second thread and device; `helper_alone`: they do it all, at once. *n_helped:
 * kernels that they compiled. */
enum lem_status gpu_lists_compile_with(struct gpu_list *const *lists, uint32_t n,
                                       bool helper_alone, uint64_t patience_ns,
                                       const struct lem_progress *progress,
                                       uint32_t *n_helped);

/* Warnings and errors of the validation layer so far. */
uint32_t gpu_validation_count(const struct lem_device *device);

#endif
