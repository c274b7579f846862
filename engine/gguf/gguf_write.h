/* gguf_write.h - writing a GGUF file that has another's keys and tensors, with weights
 * of other types. */
#ifndef GGUF_WRITE_H
#define GGUF_WRITE_H

#include "gguf/gguf.h"

struct gguf_out {
    struct file_out file;
    struct lem_log log;
    uint32_t alignment;
    uint64_t at; /* bytes written */
};

/*
 * Start `path`: a GGUF v3 file with the keys of `src`, but for those that say how it is
 * split and with general.file_type `file_type`; and with its tensors in their order,
 * tensor i of type[i]. Their data follows through gguf_out_data(), tensor by tensor;
 * then gguf_out_commit(), or gguf_out_discard() to leave nothing behind.
 * Returns LEM_OK, LEM_ERR_IO, LEM_ERR_MEMORY, LEM_ERR_ARGUMENT (a type whose blocks do
 * not fit its tensor's rows); logged.
 */
enum lem_status gguf_out_open(struct gguf_out *o, const struct gguf *src,
                              const struct quant_info *const *type, uint32_t file_type,
                              const char *path);
/* general.file_type of a file that is mostly of type `q`: what other programs show. */
uint32_t gguf_out_file_type(const struct quant_info *q);
/* The next bytes of the current tensor. */
enum lem_status gguf_out_data(struct gguf_out *o, const void *data, uint64_t bytes);
/* The current tensor is complete: fill up to the next one's place. */
enum lem_status gguf_out_next(struct gguf_out *o);
/* The file gets its name. Leaves {0}, also on failure. */
enum lem_status gguf_out_commit(struct gguf_out *o);
/* Safe on {0} and after any failure. */
void gguf_out_discard(struct gguf_out *o);

#endif
