/* synthetic.c - models with random weights in the folder for caches: each is written
 * once. */
#include "cli/synthetic.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/os.h"
#include "cli/signals.h"

/* Counts up when the same shape and type give another file. */
enum { GENERATION = 1, MARGIN = 64 << 20 };

/* Make every folder of the path that is not there. */
static bool make_folders(char *path)
{
    for (char *p = path + 1;; p++) {
        const char c = *p;
        if (c != '/' && c != '\0')
            continue;
        *p = '\0';
        const bool ok = os_file_kind(path) == OS_FILE_FOLDER || os_make_folder(path);
        const int error = errno;
        if (!ok)
            app_error("%s: cannot make this folder: %s. Set XDG_CACHE_HOME to one that "
                      "you may write to.",
                      path, strerror(error));
        *p = c;
        if (!ok || c == '\0')
            return ok;
    }
}

static bool has_room(const char *folder, uint64_t bytes)
{
    const uint64_t free_bytes = os_free_bytes(folder);
    if (free_bytes >= bytes + MARGIN)
        return true;
    app_error("%s: the model takes %s, but only %s are free. Free some space, or set "
              "XDG_CACHE_HOME to a folder with more.",
              folder, text_bytes(bytes).s, text_bytes(free_bytes).s);
    return false;
}

static void on_progress(void *priv, const char *what, uint64_t done, uint64_t total)
{
    struct app *app = priv;
    bar_show(&app->bar, what, done, total);
}

struct part_path {
    char path[PATHS_MAX + 64];
};

static void on_start(void *priv, const char *temporary)
{
    struct part_path *part = priv;
    snprintf(part->path, sizeof part->path, "%s", temporary);
    signals_keep_clean(part->path);
}

static bool write_model(struct app *app, const char *shape, const char *type,
                        const char *path)
{
    struct part_path part = {{0}}; /* lives until it is forgotten */
    const struct lem_synthetic_params params = {
        .path = path,
        .shape = shape,
        .type = type,
        .seed = GENERATION,
        .progress = {.fn = on_progress, .priv = app},
        .started = on_start,
        .priv = &part,
        .log = app->log};
    const enum lem_status st = lem_synthetic_write(&params);
    signals_forget(part.path);
    bar_clear(&app->bar);
    if (st == LEM_OK)
        app_note(app, "wrote %s", path);
    return st == LEM_OK;
}

bool synthetic_find(struct app *app, const char *shape, const char *type, char *out,
                    size_t cap)
{
    char folder[PATHS_MAX] = "", lower[32] = "";
    for (size_t i = 0; i < sizeof lower - 1 && type[i]; i++)
        lower[i] = type[i] >= 'A' && type[i] <= 'Z' ? (char)(type[i] | 0x20) : type[i];
    const uint64_t bytes = lem_synthetic_bytes(shape, type);
    if (bytes == 0) /* an unknown shape or type: the call says what there is */
        return write_model(app, shape, type, "");
    if (!paths_cache_dir(folder, sizeof folder, app->args->xdg_cache, app->args->home)) {
        app_error("there is no folder for caches to keep the model in. Set HOME or "
                  "XDG_CACHE_HOME.");
        return false;
    }
    const size_t n = strlen(folder);
    snprintf(folder + n, sizeof folder - n, "/synthetic");
    const int len =
        snprintf(out, cap, "%s/%s-%s-%d.gguf", folder, shape, lower, GENERATION);
    if (len < 0 || (size_t)len >= cap) {
        app_error("%s: the path is too long.", folder);
        return false;
    }
    if (os_file_kind(out) == OS_FILE_REGULAR)
        return true;
    return make_folders(folder) && has_room(folder, bytes) &&
           write_model(app, shape, type, out);
}
