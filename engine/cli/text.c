/* text.c - text in and out: reading files, checking UTF-8, lists of ids. */
#include "cli/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/app.h"
#include "cli/os.h"

/* ---- bytes ---------------------------------------------------------------- */

bool text_add(struct text *t, const void *data, size_t n)
{
    if (n >= SIZE_MAX / 2 - t->n) {
        app_error("a text is too large for this machine.");
        return false;
    }
    if (t->n + n + 1 > t->cap) {
        const size_t cap = (t->n + n + 1) * 2;
        char *data2 = realloc(t->data, cap);
        if (!data2) {
            app_error("memory ran out for a text of %zu bytes.", t->n + n);
            return false;
        }
        t->data = data2;
        t->cap = cap;
    }
    if (n)
        memcpy(t->data + t->n, data, n);
    t->n += n;
    t->data[t->n] = '\0';
    return true;
}

void text_free(struct text *t)
{
    free(t->data);
    *t = (struct text){0};
}

char *text_copy(const char *s)
{
    const size_t n = strlen(s) + 1;
    char *copy = malloc(n);
    return copy ? memcpy(copy, s, n) : NULL;
}

/* No tokenizer takes more at once, and an endless file must end somewhere. */
#define READ_MAX (((size_t)1 << 30) - 1)

static bool add_block(struct text *t, const char *block, size_t n, const char *name)
{
    if (n <= READ_MAX - t->n)
        return text_add(t, block, n);
    app_error("%s: is longer than %zu bytes, the most that is read at once. Give less.",
              name, READ_MAX);
    return false;
}

bool text_read(struct text *t, const char *path)
{
    const bool in = strcmp(path, "-") == 0;
    const char *name = in ? "standard input" : path;
    if (!in && os_file_kind(path) == OS_FILE_FOLDER) {
        app_error("%s: is a folder. Name a file of text.", path);
        return false;
    }
    FILE *f = in ? stdin : os_open(path, "rb");
    if (!f) {
        app_error("%s: cannot open: %s.", name, strerror(errno));
        return false;
    }
    bool ok = text_add(t, "", 0);
    char block[16384];
    size_t n;
    errno = 0;
    while (ok && (n = fread(block, 1, sizeof block, f)) > 0)
        ok = add_block(t, block, n, name);
    if (ok && ferror(f)) {
        app_error("%s: cannot read: %s.", name, strerror(errno));
        ok = false;
    }
    if (!in)
        fclose(f);
    return ok;
}

bool text_join(struct text *t, char *const *word, int n_word)
{
    bool ok = text_add(t, "", 0);
    for (int i = 0; i < n_word && ok; i++)
        ok = text_add(t, " ", i > 0) && text_add(t, word[i], strlen(word[i]));
    return ok;
}

/* ---- escapes -------------------------------------------------------------- */

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Read what follows a backslash; returns its bytes, 0 when it means nothing. */
static size_t unescape_one(const char *s, size_t n, char *out)
{
    static const char from[] = "ntr\\\"'";
    static const char to[] = "\n\t\r\\\"'";
    const char *p = n ? memchr(from, s[0], sizeof from - 1) : NULL;
    if (p) {
        *out = to[p - from];
        return 1;
    }
    if (n >= 3 && s[0] == 'x' && hex(s[1]) >= 0 && hex(s[2]) >= 0) {
        *out = (char)(hex(s[1]) * 16 + hex(s[2]));
        return 3;
    }
    return 0;
}

void text_unescape(struct text *t)
{
    size_t to = 0;
    for (size_t i = 0; i < t->n; i++) {
        char c = t->data[i];
        if (c == '\\')
            i += unescape_one(t->data + i + 1, t->n - i - 1, &c);
        t->data[to++] = c;
    }
    t->n = to;
    if (t->data)
        t->data[to] = '\0';
}

/* ---- UTF-8 ---------------------------------------------------------------- */

size_t text_utf8_length(const char *s, size_t n)
{
    const unsigned char *u = (const unsigned char *)s;
    if (n == 0)
        return 0;
    if (u[0] < 0x80)
        return 1;
    const size_t len = u[0] >= 0xc2 && u[0] < 0xe0   ? 2
                       : u[0] >= 0xe0 && u[0] < 0xf0 ? 3
                       : u[0] >= 0xf0 && u[0] < 0xf5 ? 4
                                                     : 0;
    if (len == 0 || len > n)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((u[i] & 0xc0) != 0x80)
            return 0;
    const bool overlong = (u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xf0 && u[1] < 0x90);
    const bool surrogate = u[0] == 0xed && u[1] >= 0xa0;
    const bool beyond = u[0] == 0xf4 && u[1] >= 0x90;
    return overlong || surrogate || beyond ? 0 : len;
}

static bool check_bytes(const char *s, size_t n, const char *what)
{
    size_t i = 0;
    while (i < n) {
        const size_t len = text_utf8_length(s + i, n - i);
        if (len == 0) {
            app_error("%s is not UTF-8: byte 0x%02x at offset %zu begins no character. "
                      "Convert it first, for instance with iconv -t UTF-8.",
                      what, (unsigned char)s[i], i);
            return false;
        }
        i += len;
    }
    return true;
}

bool text_check_utf8(const struct text *t, const char *what)
{
    return check_bytes(t->data, t->n, what);
}

bool text_check_string(const char *s, const char *what)
{
    return check_bytes(s, strlen(s), what);
}

bool text_check_no_nul(const struct text *t, const char *what)
{
    const char *nul = t->n ? memchr(t->data, '\0', t->n) : NULL;
    if (nul)
        app_error("%s has a NUL byte at offset %zu: it is no text. Take it out.", what,
                  (size_t)(nul - t->data));
    return !nul;
}

bool text_add_utf8(struct text *t, const char *s, size_t n)
{
    bool ok = text_add(t, "", 0);
    for (size_t i = 0; i < n && ok;) {
        const size_t len = text_utf8_length(s + i, n - i);
        ok = len ? text_add(t, s + i, len) : text_add(t, "\xef\xbf\xbd", 3);
        i += len ? len : 1;
    }
    return ok;
}

void text_write_utf8(FILE *out, const char *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        const size_t len = text_utf8_length(s + i, n - i);
        if (len)
            fwrite(s + i, 1, len, out);
        else
            fputs("\xef\xbf\xbd", out);
        i += len ? len : 1;
    }
}

struct text_size text_bytes(uint64_t bytes)
{
    static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    struct text_size out;
    double v = (double)bytes;
    size_t u = 0;
    for (; v >= 1024 && u + 1 < sizeof unit / sizeof *unit; u++)
        v /= 1024;
    snprintf(out.s, sizeof out.s, "%.*f %s", u ? 1 : 0, v, unit[u]);
    return out;
}

/* ---- ids ------------------------------------------------------------------ */

bool text_ids_add(struct text_ids *ids, int32_t id)
{
    if (ids->n == ids->cap) {
        const size_t cap = ids->cap ? ids->cap * 2 : 256;
        int32_t *more =
            cap < SIZE_MAX / sizeof *more ? realloc(ids->id, cap * sizeof *more) : NULL;
        if (!more) {
            app_error("memory ran out for %zu token ids.", cap);
            return false;
        }
        ids->id = more;
        ids->cap = cap;
    }
    ids->id[ids->n++] = id;
    return true;
}

void text_ids_free(struct text_ids *ids)
{
    free(ids->id);
    *ids = (struct text_ids){0};
}

static bool is_between_ids(char c)
{
    return c != '\0' && strchr(", \t\r\n[]", c);
}

size_t text_find_lone_comma(const char *s, size_t n)
{
    size_t comma = n;
    bool id = false; /* since that comma */
    for (size_t i = 0; i < n; i++) {
        id = id || !is_between_ids(s[i]);
        if (s[i] != ',')
            continue;
        if (!id)
            return i;
        comma = i;
        id = false;
    }
    return id ? n : comma;
}

bool text_read_ids(struct text_ids *ids, const char *s, size_t n, uint32_t n_vocab,
                   const char *what)
{
    const size_t comma = text_find_lone_comma(s, n);
    if (comma < n) {
        app_error("%s: no token id on one side of the comma at byte %zu.", what, comma);
        return false;
    }
    for (size_t i = 0; i < n;) {
        if (is_between_ids(s[i])) {
            i++;
            continue;
        }
        const size_t at = i;
        uint64_t v = 0;
        while (i < n && s[i] >= '0' && s[i] <= '9' && v < UINT32_MAX)
            v = v * 10 + (uint64_t)(s[i++] - '0');
        const bool ends = i == n || is_between_ids(s[i]);
        if (i == at || !ends) {
            app_error("%s: \"%.*s\" at byte %zu is no token id.", what,
                      (int)strcspn(s + at, ", \t\r\n[]"), s + at, at);
            return false;
        }
        if (v >= n_vocab) {
            app_error("%s: token id %llu is not in the vocabulary, 0 to %u.", what,
                      (unsigned long long)v, n_vocab - 1);
            return false;
        }
        if (!text_ids_add(ids, (int32_t)v))
            return false;
    }
    return true;
}
