/* house.c - what the house tests share. */
#include "house.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* A test program is one thread with one result, so a plain counter will do. */
static unsigned n_complaint;

char *house_read(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("%s: cannot be opened", path);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    const long n = ftell(f);
    assert_true(n >= 0);
    rewind(f);
    char *data = malloc((size_t)n + 1);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, (size_t)n, f), n);
    data[n] = '\0';
    fclose(f);
    if (size)
        *size = (size_t)n;
    return data;
}

void house_path(char out[HOUSE_PATH], const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const int n = vsnprintf(out, HOUSE_PATH, fmt, ap);
    va_end(ap);
    assert_in_range(n, 0, HOUSE_PATH - 1);
}

static bool ends_in(const char *name, const char *const *endings)
{
    const size_t n = strlen(name);
    for (; *endings; endings++) {
        const size_t e = strlen(*endings);
        if (n >= e && strcmp(name + n - e, *endings) == 0)
            return true;
    }
    return false;
}

static int is_source(const struct dirent *e)
{
    static const char *const out[] = {".", "..", ".git", "build", NULL};
    for (unsigned i = 0; out[i]; i++)
        if (strcmp(e->d_name, out[i]) == 0)
            return 0;
    return 1;
}

unsigned house_walk(const char *dir, const char *const *endings,
                    void (*fn)(const char *path, void *priv), void *priv)
{
    struct dirent **entry;
    const int n = scandir(dir, &entry, is_source, alphasort);
    unsigned n_file = 0;
    if (n < 0)
        fail_msg("%s: cannot be listed", dir);
    for (int i = 0; i < n; i++) {
        char path[HOUSE_PATH];
        struct stat st;
        house_path(path, "%s/%s", dir, entry[i]->d_name);
        free(entry[i]);
        if (lstat(path, &st) != 0)
            continue; /* gone meanwhile: an editor's file */
        if (S_ISDIR(st.st_mode)) {
            n_file += house_walk(path, endings, fn, priv);
        } else if (S_ISREG(st.st_mode) && ends_in(path, endings)) {
            n_file++;
            fn(path, priv);
        }
    }
    free(entry);
    return n_file;
}

int house_run(char **output, const char *fmt, ...)
{
    char *command = NULL;
    va_list ap;
    va_start(ap, fmt);
    const int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    assert_true(n > 0);
    const size_t cap = (size_t)n + sizeof "{ ; } 2>&1";
    command = malloc(cap);
    assert_non_null(command);
    memcpy(command, "{ ", 2);
    va_start(ap, fmt);
    vsnprintf(command + 2, cap - 2, fmt, ap);
    va_end(ap);
    strcat(command, "; } 2>&1");

    FILE *pipe = popen(command, "r");
    free(command);
    assert_non_null(pipe);
    size_t used = 0, room = 4096;
    char *text = malloc(room);
    assert_non_null(text);
    for (size_t got; (got = fread(text + used, 1, room - used - 1, pipe)) > 0;) {
        used += got;
        if (room - used < 2048) {
            room *= 2;
            text = realloc(text, room);
            assert_non_null(text);
        }
    }
    text[used] = '\0';
    *output = text;
    const int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void house_need(const char *tool_path, const char *name)
{
    const size_t n = strlen(tool_path);
    const char none[] = "NOTFOUND";
    if (n > 0 && (n < sizeof none - 1 || strcmp(tool_path + n - sizeof none + 1, none)))
        return;
    print_message("%s was not there when the build was configured\n", name);
    skip();
}

void house_complain(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    n_complaint++;
}

void house_finish(void)
{
    const unsigned n = n_complaint;
    n_complaint = 0;
    if (n > 0)
        fail_msg("%u complaint(s), listed above", n);
}
