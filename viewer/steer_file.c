/* steer_file.c - routing policies from files and to files. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policyfile/policyfile.h"
#include "steer.h"

enum { MAX_FILE = 1 << 22 };

struct said {
    char *text;
    size_t cap;
};

static void on_log(void *priv, enum lem_log_level level, const char *text)
{
    struct said *said = priv;
    (void)level;
    snprintf(said->text, said->cap, "%s", text);
}

/* The bytes of a file to free(), or NULL with a line in `message`. */
static char *read_all(const char *path, size_t *n, char *message, size_t cap)
{
    FILE *f = fopen(path, "rb");
    char *data = f ? malloc(MAX_FILE + 1) : NULL;
    errno = f ? 0 : errno;
    *n = data ? fread(data, 1, MAX_FILE + 1, f) : 0;
    const bool bad = !data || ferror(f) || *n > MAX_FILE;
    if (bad)
        snprintf(message, cap, "%s: cannot be read: %s", path,
                 *n > MAX_FILE ? "too large for a policy"
                 : errno       ? strerror(errno)
                               : "no memory");
    if (f)
        fclose(f);
    if (!bad)
        return data;
    free(data);
    return NULL;
}

struct lem_policy_entry *steer_read_file(const char *path, uint32_t *n, char *message,
                                         size_t cap)
{
    size_t n_byte = 0;
    struct lem_policy_entry *entries = NULL;
    struct said said = {message, cap};
    const struct lem_log log = {.fn = on_log, .priv = &said};
    char *text = read_all(path, &n_byte, message, cap);
    *n = 0;
    if (!text || policyfile_read(path, text, n_byte, &log, &entries, n) != LEM_OK) {
        free(text);
        return NULL;
    }
    free(text);
    if (!entries) /* a policy without settings is one, too */
        entries = calloc(1, sizeof *entries);
    return entries;
}

void steer_load(struct steer *s)
{
    if (s->path)
        steer_load_from(s, s->path);
    else
        snprintf(s->note, sizeof s->note, "Name the file with --policy FILE.");
}

void steer_load_from(struct steer *s, const char *path)
{
    uint32_t n = 0;
    if (!s->source->live) {
        snprintf(s->note, sizeof s->note, "A recording cannot be changed: open a model.");
        return;
    }
    struct lem_policy_entry *e = steer_read_file(path, &n, s->note, sizeof s->note);
    if (!e)
        return;
    const struct source_ask ask = {
        .kind = SOURCE_ASK_POLICY, .entries = e, .n_entry = n, .replace = true};
    if (source_ask(s->source, &ask))
        snprintf(s->note, sizeof s->note, "Loaded from %s.", path);
    free(e);
}

/* Beside its place first, so that a full disk leaves the old one whole. */
static bool write_all(const char *path, const char *text, char *message, size_t cap)
{
    const size_t n = strlen(text);
    char *temp = malloc(strlen(path) + 5);
    if (!temp) {
        snprintf(message, cap, "%s: no memory to write it", path);
        return false;
    }
    sprintf(temp, "%s.new", path);
    errno = 0;
    FILE *f = fopen(temp, "wb");
    bool ok = f && fwrite(text, 1, n, f) == n;
    if (f && fclose(f) != 0)
        ok = false;
    ok = ok && rename(temp, path) == 0;
    if (!ok) {
        snprintf(message, cap, "%s: cannot be written: %s", path,
                 strerror(errno ? errno : EIO));
        if (f)
            remove(temp);
    }
    free(temp);
    return ok;
}

void steer_save(struct steer *s)
{
    uint32_t n = s->n_row;
    if (!s->path) {
        snprintf(s->note, sizeof s->note, "Name the file with --policy FILE.");
        return;
    }
    char *text = policyfile_write(s->source->facts.name, s->row, n);
    if (!text)
        snprintf(s->note, sizeof s->note, "No memory to write the policy.");
    else if (write_all(s->path, text, s->note, sizeof s->note))
        snprintf(s->note, sizeof s->note, "Saved to %s.", s->path);
    free(text);
}
