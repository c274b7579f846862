/* arch_list.c - a file's general.architecture -> descriptor. The only place where
 * the name of an architecture is compared. */
#include "arch/families.h"

#include <string.h>

static const struct arch_desc *const families[] = {
    &arch_llama,
    &arch_olmoe,
    &arch_qwen3moe,
    NULL,
};

const struct arch_desc *arch_at(uint32_t i)
{
    const struct arch_desc *const *f = families;
    while (i-- && *f)
        f++;
    return *f;
}

const struct arch_desc *arch_find(const char *name, size_t len)
{
    const struct arch_desc *a;
    for (uint32_t i = 0; (a = arch_at(i)) != NULL; i++)
        for (const char *const *n = a->names; *n; n++)
            if (strlen(*n) == len && memcmp(*n, name, len) == 0)
                return a;
    return NULL;
}
