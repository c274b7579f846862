/* file.h - a read-only mapping, a cursor that knows its end, and files that
 * appear whole or not at all. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdio.h>

#include "lemnos/common.h"

struct file_map {
    const uint8_t *data; /* NULL for an empty file */
    uint64_t size;
    void *os;               /* the mapping's handle where the system needs one */
    uint64_t device, inode; /* which file it is; inode 0 = not known */
};

/* Is the file at `path` the one that is mapped, by whatever name? */
bool file_map_is(const struct file_map *map, const char *path);

enum file_kind { FILE_NONE, FILE_REGULAR, FILE_OTHER };

/* What is at the end of `path`, links followed; opens nothing. */
enum file_kind file_kind(const char *path);

/* Map a whole regular file read-only.
 * Returns LEM_OK or LEM_ERR_IO (logged with path and reason). */
enum lem_status file_map_open(struct file_map *map, const char *path,
                              const struct lem_log *log);
/* Bytes of the mapping that will be read soon: the system may begin to fetch them. Does
 * not wait for them. */
void file_map_expect(const struct file_map *map, const uint8_t *data, uint64_t size);
/* Bytes of the mapping that will hardly be read again: the system need not keep them in
 * memory for us. They may still be read. */
void file_map_forget(const struct file_map *map, const uint8_t *data, uint64_t size);
/* Safe on {0}; leaves {0}. */
void file_map_close(struct file_map *map);

/* Reads forward through bytes; once something did not fit, `failed` stays set
 * and every read gives 0. */
struct cursor {
    const uint8_t *start, *at, *end;
    bool failed;
};

struct cursor cursor_over(const uint8_t *data, uint64_t size);
uint64_t cursor_offset(const struct cursor *c); /* bytes read so far */
uint64_t cursor_left(const struct cursor *c);
/* The next `n` bytes, or NULL when fewer are left. */
const uint8_t *cursor_take(struct cursor *c, uint64_t n);
/* Little-endian. */
uint8_t cursor_u8(struct cursor *c);
uint16_t cursor_u16(struct cursor *c);
uint32_t cursor_u32(struct cursor *c);
uint64_t cursor_u64(struct cursor *c);

/* A file being written under a temporary name beside its own. What exists and is
 * no regular file (a device, a pipe, a link) is written directly: `temporary` is
 * NULL then. */
struct file_out {
    FILE *stream;
    char *path, *temporary;
};

/* Start writing `path`. Returns LEM_OK, LEM_ERR_IO or LEM_ERR_MEMORY, logged. */
enum lem_status file_out_open(struct file_out *out, const char *path,
                              const struct lem_log *log);
/* Flush and rename to the final name. On failure (a full disk, say) nothing is
 * left behind. Returns LEM_OK or LEM_ERR_IO, logged. Leaves {0}. */
enum lem_status file_out_commit(struct file_out *out, const struct lem_log *log);
/* Remove what was written. Safe on {0} and after commit. */
void file_out_discard(struct file_out *out);

#endif
