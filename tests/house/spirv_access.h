/* spirv_access.h - how a SPIR-V module uses its buffers, beside what it declares. */
#ifndef HOUSE_SPIRV_ACCESS_H
#define HOUSE_SPIRV_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SPIRV_MAX_BUFFER = 32 };

struct spirv_buffer {
    uint32_t set, binding;
    bool reads, writes;       /* the code does so */
    bool readonly, writeonly; /* the module says so: NonWritable, NonReadable */
};

/* Storage buffers of the module, by rising id. Returns how many; -1 when the words are
 * no SPIR-V module or there are more than SPIRV_MAX_BUFFER. */
int spirv_buffers(const uint32_t *word, size_t n_word,
                  struct spirv_buffer out[SPIRV_MAX_BUFFER]);

#endif
