/* notes.c - small texts about the device, kept beside the pipeline cache:
 *
 *   lemnos note 1 <FNV-1a of all that follows, 16 digits>
 *   <the device, its driver, its capabilities in force, the version of Lemnos, its
 * kernels> <the text>
 *
 * A file that is damaged or of another device is ignored and written anew. */
#include "gpu/vk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/path.h"

enum { MAX_KEY = 1024, MAX_NOTE = 4096, HEAD = 31 };
static const char head[] = "lemnos note 1 ";

#define FNV_START UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

static uint64_t hash(const char *data, size_t n)
{
    uint64_t h = FNV_START;
    for (size_t i = 0; i < n; i++)
        h = (h ^ (uint8_t)data[i]) * FNV_PRIME;
    return h;
}

uint64_t gpu_shaders_hash(const struct gpu_shader *table)
{
    uint64_t h = FNV_START;
    for (const struct gpu_shader *s = table; s->name; s++) {
        for (const char *p = s->name; *p; p++)
            h = (h ^ (uint8_t)*p) * FNV_PRIME;
        h = (h ^ s->size) * FNV_PRIME;
        for (size_t i = 0; i < s->size / sizeof *s->code; i++)
            h = (h ^ s->code[i]) * FNV_PRIME;
    }
    return h;
}

/* One line; what names and drivers say must not break it. */
static void make_key(const struct lem_device *d, char *out)
{
    const struct lem_device_info *info = &d->physical.info;
    const struct lem_device_caps *c = &info->caps;
    char uuid[2 * VK_UUID_SIZE + 1];
    for (size_t i = 0; i < VK_UUID_SIZE; i++)
        snprintf(uuid + 2 * i, 3, "%02x", d->physical.cache_uuid[i]);
    snprintf(out, MAX_KEY,
             "%.200s | %.200s %08x %s | %d%d%d%d%d%d%d%d %u %u %u %" PRIu64 " %" PRIu64
             " %u | %s %016" PRIx64,
             info->name, info->driver, d->physical.driver_version, uuid, c->fp16, c->int8,
             c->storage_8bit, c->storage_16bit, c->subgroup_arithmetic, c->subgroup_quad,
             c->subgroup_size_control, c->int_dot, c->subgroup_size, c->max_workgroup,
             c->max_shared_bytes, c->max_buffer_range, c->max_texel_elements,
             c->storage_align, lem_version(), d->shaders_hash);
    for (char *p = out; *p; p++)
        if ((unsigned char)*p < ' ')
            *p = ' ';
}

/* Into `path`, of `cap` bytes. */
static bool make_path(const struct lem_device *d, const char *name, const char *key,
                      char *path, size_t cap)
{
    char file[64];
    const int n = snprintf(file, sizeof file, "%.24s-%016" PRIx64 ".txt", name,
                           hash(key, strlen(key)));
    return d->cache_dir && n > 0 && path_join(path, cap, d->cache_dir, file);
}

/* NULL, or what is wrong; the text is then in `out`. */
static const char *check(const char *data, size_t n, const char *key, char *out,
                         size_t cap)
{
    const size_t n_key = strlen(key);
    char want[HEAD + 1];
    if (n < HEAD || n > MAX_KEY + MAX_NOTE || memcmp(data, head, sizeof head - 1) != 0)
        return "no note of this version of Lemnos";
    snprintf(want, sizeof want, "%s%016" PRIx64 "\n", head, hash(data + HEAD, n - HEAD));
    if (memcmp(data, want, HEAD) != 0)
        return "damaged";
    const char *text = data + HEAD;
    n -= HEAD;
    if (n <= n_key || memcmp(text, key, n_key) != 0 || text[n_key] != '\n')
        return "of another device or driver";
    n -= n_key + 1;
    if (n >= cap || memchr(text, '\0', n + n_key + 1))
        return "too long";
    memcpy(out, text + n_key + 1, n);
    out[n] = '\0';
    return NULL;
}

bool gpu_note_read(const struct lem_device *device, const char *name, char *out,
                   size_t cap)
{
    char key[MAX_KEY], path[4096];
    make_key(device, key);
    if (!make_path(device, name, key, path, sizeof path) ||
        file_kind(path) != FILE_REGULAR)
        return false;
    struct file_map map = {0};
    const char *problem =
        file_map_open(&map, path, NULL) == LEM_OK
            ? check((const char *)map.data, (size_t)map.size, key, out, cap)
            : "not readable";
    file_map_close(&map);
    if (problem)
        log_msg(&device->log, LEM_LOG_WARN,
                "%s: ignored, it is %s; what it says is found out again and it is "
                "written anew",
                path, problem);
    return !problem;
}

static bool write_note(const char *path, const char *text, size_t n)
{
    struct file_out out;
    if (file_out_open(&out, path, NULL) != LEM_OK)
        return false;
    if (fprintf(out.stream, "%s%016" PRIx64 "\n", head, hash(text, n)) == HEAD &&
        fwrite(text, 1, n, out.stream) == n)
        return file_out_commit(&out, NULL) == LEM_OK;
    file_out_discard(&out);
    return false;
}

bool gpu_note_write(const struct lem_device *device, const char *name, const char *text)
{
    char key[MAX_KEY], path[4096], all[MAX_KEY + MAX_NOTE];
    make_key(device, key);
    if (!make_path(device, name, key, path, sizeof path))
        return false;
    const int n = snprintf(all, sizeof all, "%s\n%s", key, text);
    if (n >= 0 && (size_t)n < sizeof all && file_kind(path) != FILE_OTHER &&
        path_make_dir(device->cache_dir) && write_note(path, all, (size_t)n))
        return true;
    log_msg(&device->log, LEM_LOG_WARN,
            "%s: could not be written; nothing is known of the device without it", path);
    return false;
}

bool gpu_keeps_notes(const struct lem_device *device)
{
    return device->cache_dir != NULL;
}
