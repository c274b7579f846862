/* out_file.c - a result file that is there whole or not at all. */
#include "cli/out_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/app.h"
#include "cli/os.h"
#include "cli/signals.h"

enum { TEMP_TRIES = 100 };

static bool open_fails(struct out_file *f, const char *path, int error)
{
    app_error("%s: cannot write: %s. Name a file in a folder that you may write to.",
              path, strerror(error));
    out_file_drop(f);
    return false;
}

/* The temporary file lies in the same folder, so that renaming never copies. */
static bool open_temp(struct out_file *f)
{
    const size_t cap = strlen(f->path) + 48;
    f->temp = malloc(cap);
    if (!f->temp)
        return open_fails(f, f->path, ENOMEM);
    for (unsigned i = 0; i < TEMP_TRIES && !f->stream; i++) {
        snprintf(f->temp, cap, "%s.part-%u-%u", f->path, (unsigned)os_process_id(), i);
        f->stream = os_create(f->temp);
        if (!f->stream && errno != EEXIST)
            break;
    }
    if (!f->stream) {
        const int error = errno;
        free(f->temp); /* not ours: out_file_drop() must not remove it */
        f->temp = NULL;
        return open_fails(f, f->path, error);
    }
    os_copy_mode(f->path, f->stream);
    signals_keep_clean(f->temp);
    return true;
}

bool out_file_open(struct out_file *f, const char *path)
{
    *f = (struct out_file){0};
    if (!path)
        return true;
    if (strcmp(path, "-") == 0 || strcmp(path, "/dev/stdout") == 0) {
        f->stream = stdout;
        f->path = text_copy("standard output");
        return f->path || open_fails(f, path, ENOMEM);
    }
    const enum os_file_kind kind = os_file_kind(path);
    if (kind == OS_FILE_FOLDER)
        return open_fails(f, path, EISDIR);
    /* /dev/stderr may be a regular file by way of a link: still write into it. */
    const bool in_place = kind == OS_FILE_OTHER || strncmp(path, "/dev/", 5) == 0;
    if (kind == OS_FILE_REGULAR && !os_may_write(path))
        return open_fails(f, path, EACCES); /* a rename would not ask */
    if (kind == OS_FILE_REGULAR && !in_place)
        f->path = os_real_path(path);
    if (!f->path)
        f->path = text_copy(path);
    if (!f->path)
        return open_fails(f, path, ENOMEM);
    if (!in_place)
        return open_temp(f);
    f->stream = os_open(path, "ab");
    return f->stream || open_fails(f, path, errno);
}

static bool write_fails(struct out_file *f)
{
    const int error = errno ? errno : EIO;
    if (!f->error)
        app_error("%s: cannot write: %s. Nothing is kept of it; free some space or "
                  "name another place.",
                  f->path, strerror(error));
    f->error = error;
    return false;
}

bool out_file_write(struct out_file *f, const void *data, size_t n)
{
    if (!f->stream)
        return true;
    errno = 0;
    return fwrite(data, 1, n, f->stream) == n || write_fails(f);
}

static bool print_list(struct out_file *f, const char *fmt, va_list ap)
{
    errno = 0;
    return vfprintf(f->stream, fmt, ap) >= 0 || write_fails(f);
}

bool out_file_print(struct out_file *f, const char *fmt, ...)
{
    if (!f->stream)
        return true;
    va_list ap;
    va_start(ap, fmt);
    const bool ok = print_list(f, fmt, ap);
    va_end(ap);
    return ok;
}

bool out_file_finish(struct out_file *f)
{
    if (!f->stream)
        return !f->error;
    errno = 0;
    const bool flushed = fflush(f->stream) == 0 && !ferror(f->stream);
    const bool ok = flushed || write_fails(f);
    errno = 0;
    const bool closed = f->stream == stdout || fclose(f->stream) == 0;
    f->stream = NULL;
    return ok && (closed || write_fails(f)) && !f->error;
}

bool out_file_commit(struct out_file *f)
{
    bool ok = out_file_finish(f);
    if (ok && f->temp) {
        ok = os_replace(f->temp, f->path) || write_fails(f);
        if (ok) {
            signals_forget(f->temp);
            free(f->temp);
            f->temp = NULL;
        }
    }
    out_file_drop(f);
    return ok;
}

void out_file_drop(struct out_file *f)
{
    if (f->stream && f->stream != stdout)
        fclose(f->stream);
    if (f->temp) {
        remove(f->temp);
        signals_forget(f->temp);
    }
    free(f->temp);
    free(f->path);
    *f = (struct out_file){0};
}
