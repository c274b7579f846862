/* paths.c - where the model that ships lies, and where caches go. */
#include "cli/paths.h"

#include <stdio.h>
#include <string.h>

#include "cli/app.h"
#include "cli/os.h"

#define MODEL_FILE "moe-tales-q8_0.gguf"

static bool join(char *out, size_t cap, const char *dir, const char *rest)
{
    const int n = snprintf(out, cap, "%s/%s", dir, rest);
    return n > 0 && (size_t)n < cap;
}

bool paths_default_model(char *out, size_t cap)
{
    static const char *const place[] = {
        "../share/lemnos/" MODEL_FILE, /* PREFIX/bin */
        "../../assets/" MODEL_FILE,    /* build/PRESET */
        "../assets/" MODEL_FILE,       /* build */
        "../../../assets/" MODEL_FILE, /* build/PRESET/Release */
    };
    char dir[PATHS_MAX] = "";
    if (!os_program_dir(dir, sizeof dir)) {
        app_error("cannot tell where this program lies, so not where its model is. Name "
                  "one with -m FILE.");
        return false;
    }
    for (size_t i = 0; i < sizeof place / sizeof *place; i++)
        if (join(out, cap, dir, place[i]) && os_file_kind(out) == OS_FILE_REGULAR)
            return true;
    app_error("no model named, and %s is neither in %s/../share/lemnos nor in an assets "
              "folder above %s. Name a model with -m FILE.",
              MODEL_FILE, dir, dir);
    return false;
}

static bool is_absolute(const char *path)
{
    return path[0] == '/' || path[0] == '\\' || (path[0] && path[1] == ':');
}

bool paths_cache_dir(char *out, size_t cap, const char *xdg, const char *home)
{
    /* The XDG rules have a relative path ignored. */
    if (xdg && is_absolute(xdg))
        return join(out, cap, xdg, "lemnos");
    if (home && is_absolute(home))
        return join(out, cap, home, ".cache/lemnos");
    return false;
}

const char *paths_base_name(const char *path)
{
    const char *base = path;
    for (const char *p = path; *p; p++)
        if (*p == '/' || *p == '\\')
            base = p + 1;
    return base;
}
