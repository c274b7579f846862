/* gguf_parse.h - what the files of gguf/ share while a file is being opened. */
#ifndef GGUF_PARSE_H
#define GGUF_PARSE_H

#include "gguf/gguf.h"

/* One file of a model, being read. Arrays are in the owner's arena. */
struct gguf_part {
    const char *path;
    uint32_t index;      /* in gguf.map */
    struct cursor c;     /* over the whole file */
    uint64_t n_tensor;   /* as the header states it, and possible by size */
    struct gguf keys;    /* a view for the getters: version, path, log and keys only */
    uint64_t alignment;  /* of this part's data */
    uint64_t data_start; /* offset in the file */
};

/* Each returns LEM_OK or has logged why not. In this order: */

/* Magic, version, counts. */
enum lem_status gguf_read_header(struct gguf *g, struct gguf_part *p);
/* All keys; sorts them; refuses doubles. */
enum lem_status gguf_read_keys(struct gguf *g, struct gguf_part *p);
/* The part's tensors, appended to g->tensor; checks bounds and overlaps. */
enum lem_status gguf_read_directory(struct gguf *g, struct gguf_part *p);

/* How many parts the first part says there are; 1 for a model in one file. */
enum lem_status gguf_split_count(const struct gguf_part *first, uint32_t *count);
/* Does its name end so that the others' names follow from it? */
enum lem_status gguf_split_name(const struct gguf_part *first, uint32_t count);
/* Name of part `index` (from 0), in the arena; NULL when memory ran out. */
const char *gguf_split_path(struct gguf *g, const char *first, uint32_t index,
                            uint32_t count);
/* Does part p say that it is part p->index of `count`? */
enum lem_status gguf_split_check(const struct gguf_part *p, uint32_t count);
/* After the last part: are there as many tensors as the first one says? */
enum lem_status gguf_split_total(const struct gguf *g);

/* A string that will be shown in messages and compared as a C string: no control
 * characters, not empty, at most `max` bytes. */
bool gguf_plain_name(const struct gguf_str *s, uint64_t max);

/* Names and the index each had before sorting. */
struct gguf_name {
    const char *name;
    uint32_t index;
};
/* Sort by name, write the indices to `order`; gives the first of two equal names
 * in `*twice` (its place in `names`) and false, or true. */
bool gguf_sort_names(struct gguf_name *names, uint64_t n, uint32_t *order,
                     uint64_t *twice);
/* Place in `order` of `name` by bisection. `base` is an array of structs of
 * `stride` bytes whose first member is the name. False: absent. */
bool gguf_bisect(const void *base, size_t stride, const uint32_t *order, uint64_t n,
                 const char *name, uint32_t *index);

#endif
