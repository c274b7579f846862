/* file.c - a read-only mapping, a cursor that knows its end, and files that
 * appear whole or not at all. */
#include "base/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"

enum { TEMPORARY_TRIES = 100 };

#ifdef _WIN32
#include <io.h>
#include <process.h>
#include <windows.h>
#define getpid _getpid

enum lem_status file_map_open(struct file_map *map, const char *path,
                              const struct lem_log *log)
{
    *map = (struct file_map){0};
    wchar_t wide[32768];
    if (!MultiByteToWideChar(CP_UTF8, 0, path, -1, wide, 32768))
        return log_fail(log, LEM_ERR_IO, "%s: not a usable path", path);
    HANDLE f =
        CreateFileW(wide, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    LARGE_INTEGER size;
    if (f == INVALID_HANDLE_VALUE || !GetFileSizeEx(f, &size)) {
        if (f != INVALID_HANDLE_VALUE)
            CloseHandle(f);
        return log_fail(log, LEM_ERR_IO, "%s: cannot be opened (Windows error %lu)", path,
                        GetLastError());
    }
    map->size = (uint64_t)size.QuadPart;
    if (map->size) {
        map->os = CreateFileMappingW(f, NULL, PAGE_READONLY, 0, 0, NULL);
        map->data = map->os ? MapViewOfFile(map->os, FILE_MAP_READ, 0, 0, 0) : NULL;
    }
    CloseHandle(f);
    if (map->size && !map->data) {
        file_map_close(map);
        return log_fail(log, LEM_ERR_IO, "%s: cannot be mapped (Windows error %lu)", path,
                        GetLastError());
    }
    return LEM_OK;
}

void file_map_expect(const struct file_map *map, const uint8_t *data, uint64_t size)
{
    (void)map; /* a view is read ahead as far as the system thinks best */
    (void)data;
    (void)size;
}

void file_map_forget(const struct file_map *map, const uint8_t *data, uint64_t size)
{
    (void)map; /* pages of a view go by themselves when memory is short */
    (void)data;
    (void)size;
}

void file_map_close(struct file_map *map)
{
    if (map->data)
        UnmapViewOfFile(map->data);
    if (map->os)
        CloseHandle(map->os);
    *map = (struct file_map){0};
}

#else
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

enum lem_status file_map_open(struct file_map *map, const char *path,
                              const struct lem_log *log)
{
    *map = (struct file_map){0};
    /* Not to wait for a writer where `path` is a pipe: that is refused below. */
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return log_fail(log, LEM_ERR_IO, "%s: cannot be opened: %s", path,
                        strerror(errno));
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return log_fail(log, LEM_ERR_IO, "%s: not a regular file", path);
    }
    map->size = (uint64_t)st.st_size;
    map->device = (uint64_t)st.st_dev;
    map->inode = (uint64_t)st.st_ino;
    if (map->size > SIZE_MAX) {
        close(fd);
        return log_fail(log, LEM_ERR_IO, "%s: too large to map on this machine", path);
    }
    if (map->size) {
        void *p = mmap(NULL, (size_t)map->size, PROT_READ, MAP_PRIVATE, fd, 0);
        map->data = p == MAP_FAILED ? NULL : p;
    }
    const int saved = errno;
    close(fd);
    if (map->size && !map->data) {
        *map = (struct file_map){0};
        return log_fail(log, LEM_ERR_IO, "%s: cannot be mapped: %s", path,
                        strerror(saved));
    }
    return LEM_OK;
}

void file_map_expect(const struct file_map *map, const uint8_t *data, uint64_t size)
{
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    const uint64_t from = (uint64_t)(data - map->data) / page * page;
    const uint64_t to = (uint64_t)(data - map->data) + size;
    if (to > from)
        (void)madvise((void *)(uintptr_t)(map->data + from), (size_t)(to - from),
                      MADV_WILLNEED);
}

void file_map_forget(const struct file_map *map, const uint8_t *data, uint64_t size)
{
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    const uint64_t from = ((uint64_t)(data - map->data) + page - 1) / page * page;
    const uint64_t to = ((uint64_t)(data - map->data) + size) / page * page;
    if (to > from) /* nobody has written to it: the pages are the file's */
        (void)madvise((void *)(uintptr_t)(map->data + from), (size_t)(to - from),
                      MADV_DONTNEED);
}

void file_map_close(struct file_map *map)
{
    if (map->data)
        munmap((void *)(uintptr_t)map->data, (size_t)map->size);
    *map = (struct file_map){0};
}
#endif

struct cursor cursor_over(const uint8_t *data, uint64_t size)
{
    return (struct cursor){.start = data, .at = data, .end = data ? data + size : data};
}

uint64_t cursor_offset(const struct cursor *c)
{
    return (uint64_t)(c->at - c->start);
}

uint64_t cursor_left(const struct cursor *c)
{
    return (uint64_t)(c->end - c->at);
}

const uint8_t *cursor_take(struct cursor *c, uint64_t n)
{
    if (c->failed || n > cursor_left(c)) {
        c->failed = true;
        return NULL;
    }
    const uint8_t *p = c->at;
    c->at += n;
    return p;
}

static uint64_t take_le(struct cursor *c, unsigned n)
{
    const uint8_t *p = cursor_take(c, n);
    uint64_t v = 0;
    for (unsigned i = 0; p && i < n; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

uint8_t cursor_u8(struct cursor *c)
{
    return (uint8_t)take_le(c, 1);
}

uint16_t cursor_u16(struct cursor *c)
{
    return (uint16_t)take_le(c, 2);
}

uint32_t cursor_u32(struct cursor *c)
{
    return (uint32_t)take_le(c, 4);
}

uint64_t cursor_u64(struct cursor *c)
{
    return take_le(c, 8);
}

enum file_kind file_kind(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return FILE_NONE;
    return (st.st_mode & S_IFMT) == S_IFREG ? FILE_REGULAR : FILE_OTHER;
}

bool file_map_is(const struct file_map *map, const char *path)
{
    struct stat st;
    return map->inode && stat(path, &st) == 0 && (uint64_t)st.st_dev == map->device &&
           (uint64_t)st.st_ino == map->inode;
}

/* Devices and pipes (/dev/null, /dev/stdout) stay what they are: a rename would put a
 * file in their place. */
static bool must_write_directly(const char *path)
{
    return file_kind(path) == FILE_OTHER || strncmp(path, "/dev/", 5) == 0;
}

/* The file that a path leads to, through links, to free(); a new one's own. */
static char *target_of(const char *path)
{
    const size_t n = strlen(path) + 1;
    char *target = NULL;
#ifndef _WIN32
    if (file_kind(path) == FILE_REGULAR)
        target = realpath(path, NULL);
#endif
    if (!target && (target = malloc(n)) != NULL)
        memcpy(target, path, n);
    return target;
}

/* A new file, or NULL with errno. */
static FILE *create(const char *path)
{
#ifdef _WIN32
    return fopen(path, "wbx");
#else
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "wb");
    if (fd >= 0 && !f)
        close(fd);
    return f;
#endif
}

static bool may_write(const char *path)
{
#ifdef _WIN32
    return _access(path, 2) == 0;
#else
    return access(path, W_OK) == 0;
#endif
}

/* A name beside the final one that nobody else writes to at the same time: neither
 * another process nor this one. */
static FILE *create_temporary(const char *path, char *temporary, size_t cap)
{
    FILE *f = NULL;
    for (unsigned i = 0; i < TEMPORARY_TRIES && !f; i++) {
        snprintf(temporary, cap, "%s.part-%ld-%u", path, (long)getpid(), i);
        f = create(temporary);
        if (!f && errno != EEXIST)
            break;
    }
    return f;
}

enum lem_status file_out_open(struct file_out *out, const char *path,
                              const struct lem_log *log)
{
    const bool direct = must_write_directly(path);
    *out = (struct file_out){.path = target_of(path)};
    const size_t cap = (out->path ? strlen(out->path) : 0) + 48;
    out->temporary = direct ? NULL : malloc(cap);
    if (!out->path || (!direct && !out->temporary)) {
        free(out->path);
        free(out->temporary);
        *out = (struct file_out){0};
        return log_fail(log, LEM_ERR_MEMORY, "%s: no memory for the path", path);
    }
    errno = EACCES; /* of a file that must not be written to: a rename would not ask */
    if (file_kind(path) != FILE_REGULAR || may_write(path))
        out->stream =
            direct ? fopen(path, "wb") : create_temporary(out->path, out->temporary, cap);
    if (!out->stream) {
        const int reason = errno;
        free(out->path);
        free(out->temporary); /* not ours: nothing to remove */
        *out = (struct file_out){0};
        return log_fail(log, LEM_ERR_IO, "%s: cannot be written: %s", path,
                        strerror(reason));
    }
    return LEM_OK;
}

static int sync_stream(FILE *f)
{
#ifdef _WIN32
    return fflush(f);
#else
    return fflush(f) != 0 ? -1 : fsync(fileno(f));
#endif
}

enum lem_status file_out_commit(struct file_out *out, const struct lem_log *log)
{
    const bool direct = out->temporary == NULL;
    /* Also after an earlier failure: trying again tells its reason. */
    const bool failed_before = ferror(out->stream) != 0;
    const int synced = direct ? fflush(out->stream) : sync_stream(out->stream);
    int reason = errno;
    bool ok = synced == 0 && !failed_before;
    if (fclose(out->stream) != 0 && ok) {
        reason = errno;
        ok = false;
    }
    out->stream = NULL;
#ifdef _WIN32
    if (ok && !direct)
        remove(out->path); /* rename() does not replace there */
#endif
    if (ok && !direct && rename(out->temporary, out->path) != 0) {
        reason = errno;
        ok = false;
    }
    enum lem_status st = LEM_OK;
    if (!ok)
        st = log_fail(log, LEM_ERR_IO, "%s: could not be written whole: %s%s", out->path,
                      strerror(reason), direct ? "" : "; nothing is kept");
    else {
        free(out->temporary);
        out->temporary = NULL;
    }
    file_out_discard(out);
    return st;
}

void file_out_discard(struct file_out *out)
{
    if (out->stream)
        fclose(out->stream);
    if (out->temporary)
        remove(out->temporary);
    free(out->path);
    free(out->temporary);
    *out = (struct file_out){0};
}
