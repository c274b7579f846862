/* os.c - what the viewer asks of the system itself. */
#include "os.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* All folders of the path, as far as they are missing. */
static bool make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash)
            *slash = '\0';
        const bool ok = mkdir(path, 0700) == 0 || errno == EEXIST;
        if (!slash)
            return ok;
        *slash = '/';
        if (!ok)
            return false;
    }
}

bool os_state_path(const char *name, char *out, size_t cap)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    int n;
    /* The specification wants relative paths ignored. */
    if (state && state[0] == '/')
        n = snprintf(out, cap, "%s/lemnos", state);
    else if (home && home[0] == '/')
        n = snprintf(out, cap, "%s/.local/state/lemnos", home);
    else
        return false;
    if (n < 0 || (size_t)n + 2 + strlen(name) > cap || !make_folders(out))
        return false;
    snprintf(out + n, cap - (size_t)n, "/%s", name);
    return true;
}

const char *os_variable(const char *name)
{
    const char *value = getenv(name);
    return value && value[0] ? value : NULL;
}

bool os_replace(const char *from, const char *to)
{
    return rename(from, to) == 0;
}

void os_stamp(char out[16])
{
    const time_t now = time(NULL);
    struct tm t;
    if (!localtime_r(&now, &t) || strftime(out, 16, "%Y%m%d-%H%M%S", &t) != 15)
        snprintf(out, 16, "now");
}
