/* cmd_tokenize.c - `lemnos tokenize`: text to ids and back. */
#include "cli/commands.h"

#include <stdio.h>
#include <string.h>

#include "cli/app.h"

static bool read_input(const struct args *a, struct text *t)
{
    if (a->n_word > 0)
        return text_join(t, a->word, a->n_word);
    return text_read(t, a->file ? a->file : "-");
}

/* Where `s` [len] begins in data [n]; n when it does not. */
static size_t find(const char *data, size_t n, const char *s, size_t len)
{
    for (size_t i = 0; len > 0 && len <= n && i <= n - len; i++)
        if (memcmp(data + i, s, len) == 0)
            return i;
    return n;
}

static bool encode_one(struct app *app, const char *text, size_t n)
{
    const struct args *a = app->args;
    const uint32_t flags =
        (a->bos ? LEM_ENCODE_BOS : 0u) | (a->special ? LEM_ENCODE_SPECIAL : 0u);
    struct text_ids ids = {0};
    const bool ok = app_encode(app, text, n, flags, &ids);
    for (size_t i = 0; i < ids.n && ok; i++)
        printf(i ? " %d" : "%d", (int)ids.id[i]);
    if (ok)
        putchar('\n');
    text_ids_free(&ids);
    return ok;
}

/* One line of ids per text between separators; without a separator one text. */
static bool encode_all(struct app *app, const struct text *t, const struct text *sep)
{
    if (!text_check_utf8(t, "the text"))
        return false;
    size_t at = 0;
    for (;;) {
        const size_t left = t->n - at;
        const size_t n = find(t->data + at, left, sep->data, sep->n);
        if (!encode_one(app, t->data + at, n))
            return false;
        if (n == left)
            return true;
        at += n + sep->n;
    }
}

static bool decode_one(struct app *app, const char *line, size_t n, size_t number)
{
    char what[48];
    snprintf(what, sizeof what, "line %zu of the ids", number);
    struct text_ids ids = {0};
    struct text out = {0};
    struct lem_tokenizer_info info;
    lem_tokenizer_get_info(app->tokenizer, &info);
    bool ok = text_read_ids(&ids, line, n, info.n_vocab, what);
    if (ok && ids.n > 0) {
        const bool special = app->args->special;
        const size_t size =
            lem_tokenizer_decode(app->tokenizer, ids.id, ids.n, special, NULL, 0);
        /* Room by adding zeros, which the second call writes over. */
        for (size_t i = 0; i < size && ok; i++)
            ok = text_add(&out, "", 1);
        if (ok && size > 0)
            lem_tokenizer_decode(app->tokenizer, ids.id, ids.n, special, out.data, size);
        if (ok)
            fwrite(out.data ? out.data : "", 1, out.n, stdout);
    }
    text_ids_free(&ids);
    text_free(&out);
    return ok;
}

/* One text per line of ids, the separator between them, a newline at the end. */
static bool decode_all(struct app *app, const struct text *t, const struct text *sep)
{
    size_t at = 0;
    for (size_t number = 1;; number++) {
        const size_t left = t->n - at;
        const size_t n = find(t->data + at, left, "\n", 1);
        if (!decode_one(app, t->data + at, n, number))
            return false;
        at += n < left ? n + 1 : n;
        if (at == t->n)
            break;
        if (sep->n)
            fwrite(sep->data, 1, sep->n, stdout);
        else
            putchar('\n');
    }
    putchar('\n');
    return true;
}

int cmd_tokenize(struct app *app)
{
    const struct args *a = app->args;
    if (a->n_word > 0 && a->file)
        return args_wrong(a, "the text is given twice: use words or -f, not both.");
    if (a->separator && !a->separator[0])
        return args_wrong(a, "--separator must not be empty.");
    struct text t = {0}, sep = {0};
    bool ok = app_open_model(app, true) && app_open_tokenizer(app) && read_input(a, &t);
    if (ok && a->separator) {
        ok = text_add(&sep, a->separator, strlen(a->separator));
        if (ok)
            text_unescape(&sep);
    }
    if (ok)
        ok = a->decode ? decode_all(app, &t, &sep) : encode_all(app, &t, &sep);
    text_free(&t);
    text_free(&sep);
    return ok ? APP_DONE : APP_FAILED;
}
