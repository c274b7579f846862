/* path.c - names of files and folders. */
#include "base/path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#include <direct.h>
#define make_one(p) _mkdir(p)
#else
#include <sys/stat.h>
#define make_one(p) mkdir(p, 0777)
#endif

static bool make_or_have(const char *path)
{
    if (make_one(path) == 0)
        return true;
    /* Not only EEXIST: a read-only or foreign parent may answer otherwise. */
    struct stat st;
    return stat(path, &st) == 0 && (st.st_mode & S_IFMT) == S_IFDIR;
}

bool path_make_dir(const char *path)
{
    const size_t n = strlen(path);
    char *copy = malloc(n + 1);
    if (!copy)
        return false;
    memcpy(copy, path, n + 1);
    for (size_t i = 1; i < n; i++) {
        if (copy[i] != '/')
            continue;
        copy[i] = '\0';
        (void)make_or_have(copy);
        copy[i] = '/';
    }
    const bool ok = make_or_have(copy);
    free(copy);
    return ok;
}

bool path_join(char *out, size_t cap, const char *dir, const char *name)
{
    const int n = snprintf(out, cap, "%s/%s", dir, name);
    return n >= 0 && (size_t)n < cap;
}
