/* scratch.c - a folder of its own for a test that writes files. */
#include "support/scratch.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void scratch_open(struct scratch *s)
{
    const char *base = getenv("TMPDIR");
    const int n = snprintf(s->dir, sizeof s->dir, "%s/lemnos-test-XXXXXX",
                           base && *base ? base : "/tmp");
    if (n < 0 || (size_t)n >= sizeof s->dir || !mkdtemp(s->dir)) {
        perror(s->dir);
        abort();
    }
}

const char *scratch_path(struct scratch *s, const char *name)
{
    const int n = snprintf(s->path, sizeof s->path, "%s/%s", s->dir, name);
    if (n < 0 || (size_t)n >= sizeof s->path)
        abort();
    return s->path;
}

static int each(struct scratch *s, int (*fn)(const char *path))
{
    DIR *d = opendir(s->dir);
    int n = 0;
    if (!d)
        return 0;
    for (const struct dirent *e; (e = readdir(d));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        n++;
        if (fn)
            fn(scratch_path(s, e->d_name));
    }
    closedir(d);
    return n;
}

int scratch_count(const struct scratch *s)
{
    struct scratch copy = *s;
    return each(&copy, NULL);
}

void scratch_close(struct scratch *s)
{
    each(s, remove);
    rmdir(s->dir);
}
