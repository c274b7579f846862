/* pipeline_cache.c - the driver's compiled kernels, kept in a file between runs.
 *
 *   "LEMPIPE1"  8 bytes
 *   size        u64, bytes of data
 *   checksum    u64, FNV-1a of data
 *   data        what vkGetPipelineCacheData gave
 *
 * Drivers trust their data, so a file that is not whole must not reach them. */
#include "gpu/vk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/path.h"

static const char magic[8] = {'L', 'E', 'M', 'P', 'I', 'P', 'E', '1'};
/* Larger files are not ours: all our kernels take a few MiB. */
static const uint64_t max_size = UINT64_C(256) << 20;

static uint64_t checksum(const uint8_t *data, size_t size)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < size; i++)
        h = (h ^ data[i]) * UINT64_C(0x100000001b3);
    return h;
}

static enum lem_status name_file(struct lem_device *d, const char *dir)
{
    char uuid[2 * VK_UUID_SIZE + 1], file[128];
    for (size_t i = 0; i < VK_UUID_SIZE; i++)
        snprintf(uuid + 2 * i, 3, "%02x", d->physical.cache_uuid[i]);
    const struct lem_device_info *info = &d->physical.info;
    snprintf(file, sizeof file, "pipelines-%04x-%04x-%08x-%s.bin", info->vendor_id,
             info->device_id, d->physical.driver_version, uuid);

    const size_t cap = strlen(dir) + sizeof file + 2;
    d->cache_dir = malloc(strlen(dir) + 1);
    d->cache_path = malloc(cap);
    if (!d->cache_dir || !d->cache_path || !path_join(d->cache_path, cap, dir, file))
        return log_fail(&d->log, LEM_ERR_MEMORY,
                        "no memory for the path of the pipeline "
                        "cache");
    memcpy(d->cache_dir, dir, strlen(dir) + 1);
    d->shaders_hash = gpu_shaders_hash(gpu_shaders); /* once: ten megabytes */
    return LEM_OK;
}

/* NULL, or why the file cannot be used; the cached data is then *data, *size. */
static const char *check_file(const struct lem_device *d, const struct file_map *map,
                              const uint8_t **data, size_t *size)
{
    struct cursor c = cursor_over(map->data, map->size);
    const uint8_t *mark = cursor_take(&c, sizeof magic);
    const uint64_t n = cursor_u64(&c);
    const uint64_t sum = cursor_u64(&c);
    if (!mark || memcmp(mark, magic, sizeof magic) != 0)
        return "not a pipeline cache of this version of Lemnos";
    if (c.failed || n > max_size || n != cursor_left(&c))
        return "cut short or longer than it says";
    const uint8_t *all = cursor_take(&c, n);
    if (!all || checksum(all, (size_t)n) != sum)
        return "damaged";

    /* The driver's own header: VkPipelineCacheHeaderVersionOne. */
    struct cursor h = cursor_over(all, n);
    cursor_u32(&h);
    const uint32_t version = cursor_u32(&h);
    const uint32_t vendor = cursor_u32(&h);
    const uint32_t device = cursor_u32(&h);
    const uint8_t *uuid = cursor_take(&h, VK_UUID_SIZE);
    const struct lem_device_info *info = &d->physical.info;
    if (!uuid || version != VK_PIPELINE_CACHE_HEADER_VERSION_ONE ||
        vendor != info->vendor_id || device != info->device_id ||
        memcmp(uuid, d->physical.cache_uuid, VK_UUID_SIZE) != 0)
        return "of another device or driver";
    *data = all;
    *size = (size_t)n;
    return NULL;
}

static VkResult make_cache(struct lem_device *d, const void *data, size_t size)
{
    const VkPipelineCacheCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO,
        .initialDataSize = size,
        .pInitialData = data,
    };
    return d->fn.vkCreatePipelineCache(d->handle, &info, NULL, &d->cache);
}

enum lem_status gpu_cache_open(struct lem_device *d, const char *dir)
{
    struct file_map map = {0};
    const uint8_t *data = NULL;
    size_t size = 0;
    if (dir && *dir) {
        const enum lem_status st = name_file(d, dir);
        if (st != LEM_OK)
            return st;
        const enum file_kind kind = file_kind(d->cache_path);
        if (kind == FILE_OTHER) {
            log_msg(&d->log, LEM_LOG_WARN,
                    "%s: is no regular file, so no pipeline cache is kept; remove it",
                    d->cache_path);
            free(d->cache_path);
            d->cache_path = NULL;
        } else if (kind == FILE_REGULAR) {
            const char *problem = file_map_open(&map, d->cache_path, NULL) == LEM_OK
                                      ? check_file(d, &map, &data, &size)
                                      : "not readable";
            if (problem)
                log_msg(&d->log, LEM_LOG_WARN,
                        "%s: pipeline cache ignored, it is %s; kernels are compiled "
                        "again and it is written anew",
                        d->cache_path, problem);
        }
    }
    VkResult r = make_cache(d, data, size);
    if (r != VK_SUCCESS && size)
        r = make_cache(d, NULL, 0); /* the driver dislikes its own data: go without */
    file_map_close(&map);
    return r == VK_SUCCESS ? LEM_OK : gpu_fail(d, r, "creating", "a pipeline cache");
}

static bool put_u64(FILE *f, uint64_t v)
{
    uint8_t b[8];
    for (int i = 0; i < 8; i++)
        b[i] = (uint8_t)(v >> (8 * i));
    return fwrite(b, 1, sizeof b, f) == sizeof b;
}

static bool write_file(struct lem_device *d, const uint8_t *data, size_t size)
{
    struct file_out out;
    if (!path_make_dir(d->cache_dir) ||
        file_out_open(&out, d->cache_path, NULL) != LEM_OK)
        return false;
    const bool ok = fwrite(magic, 1, sizeof magic, out.stream) == sizeof magic &&
                    put_u64(out.stream, size) &&
                    put_u64(out.stream, checksum(data, size)) &&
                    fwrite(data, 1, size, out.stream) == size;
    if (!ok) {
        file_out_discard(&out);
        return false;
    }
    return file_out_commit(&out, NULL) == LEM_OK;
}

void gpu_cache_save(struct lem_device *d)
{
    if (!d->cache_path || !d->cache_dirty || atomic_load(&d->lost))
        return;
    d->cache_dirty = false; /* also when it fails: once is enough */
    size_t size = 0;
    uint8_t *data = NULL;
    if (d->fn.vkGetPipelineCacheData(d->handle, d->cache, &size, NULL) == VK_SUCCESS)
        data = malloc(size ? size : 1);
    const bool ok =
        data &&
        d->fn.vkGetPipelineCacheData(d->handle, d->cache, &size, data) == VK_SUCCESS &&
        write_file(d, data, size);
    free(data);
    if (!ok)
        log_msg(&d->log, LEM_LOG_WARN,
                "%s: the pipeline cache could not be written; the next start compiles "
                "its kernels again",
                d->cache_path);
}

void gpu_cache_close(struct lem_device *d)
{
    if (d->cache) {
        gpu_cache_save(d);
        d->fn.vkDestroyPipelineCache(d->handle, d->cache, NULL);
        d->cache = VK_NULL_HANDLE;
    }
    free(d->cache_dir);
    free(d->cache_path);
    d->cache_dir = d->cache_path = NULL;
}
