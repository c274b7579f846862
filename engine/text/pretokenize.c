/* pretokenize.c - cutting a text into words by regular expressions (PCRE2). */
#include "text/pretokenize.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "text/utf8.h"

#define KEY_PRE "tokenizer.ggml.pre"

/* Where the machine stack of the JIT (32 KiB) is too small, the interpreter takes
 * over; its memory is bounded by this, in KiB. */
enum { HEAP_KIB = 1024 * 1024 };

struct pretokenize {
    const struct pretokenize_rule *rule;
    pcre2_code *code[PRETOKENIZE_MAX_STAGE];
    pcre2_match_context *limits;
    uint32_t n_stage;
};

/* ---- opening -------------------------------------------------------------- */

static bool names_have(const char *names, struct gguf_str name)
{
    while (*names) {
        const size_t len = strcspn(names, " ");
        if (len == name.len && memcmp(names, name.ptr, len) == 0)
            return true;
        names += len + (names[len] == ' ');
    }
    return false;
}

static enum lem_status unknown(const struct gguf *g, struct gguf_str name,
                               const struct lem_log *log)
{
    char list[800] = "";
    size_t at = 0;
    for (const struct pretokenize_rule *r = pretokenize_rules; r->names; r++) {
        const size_t len = strlen(r->names);
        if (at + len + 2 > sizeof list)
            break;
        if (at)
            list[at++] = ' ';
        memcpy(list + at, r->names, len + 1);
        at += len;
    }
    const int shown = name.len < 64 ? (int)name.len : 64;
    return log_fail(log, LEM_ERR_UNSUPPORTED,
                    "%s: %s \"%.*s\" is not known. To add it, see "
                    "engine/text/pretokenize_rules.c. Known: %s",
                    g->path, KEY_PRE, shown, name.ptr, list);
}

static enum lem_status compile(struct pretokenize *p, const struct gguf *g,
                               const struct lem_log *log)
{
    for (uint32_t i = 0; i < PRETOKENIZE_MAX_STAGE && p->rule->stage[i]; i++) {
        int error;
        PCRE2_SIZE where;
        p->code[i] = pcre2_compile((PCRE2_SPTR)p->rule->stage[i], PCRE2_ZERO_TERMINATED,
                                   PCRE2_UTF | PCRE2_UCP | PCRE2_DOLLAR_ENDONLY, &error,
                                   &where, NULL);
        if (!p->code[i]) {
            PCRE2_UCHAR why[128];
            pcre2_get_error_message(error, why, sizeof why);
            return log_fail(
                log, LEM_ERR_UNSUPPORTED,
                "%s: PCRE2 refuses stage %u of %s \"%s\" at character %zu: %s. "
                "Install PCRE2 10.40 or newer.",
                g->path, i, KEY_PRE, p->rule->names, (size_t)where, (const char *)why);
        }
        pcre2_jit_compile(p->code[i],
                          PCRE2_JIT_COMPLETE); /* slower, not worse, without */
        p->n_stage++;
    }
    p->limits = pcre2_match_context_create(NULL);
    if (!p->limits)
        return log_fail(log, LEM_ERR_MEMORY, "%s: host memory ran out compiling %s",
                        g->path, KEY_PRE);
    pcre2_set_heap_limit(p->limits, HEAP_KIB);
    pcre2_set_match_limit(p->limits, UINT32_MAX);
    pcre2_set_depth_limit(p->limits, UINT32_MAX);
    return LEM_OK;
}

enum lem_status pretokenize_open(struct pretokenize **out, const struct gguf *g,
                                 struct gguf_str name, const struct lem_log *log)
{
    *out = NULL;
    const struct pretokenize_rule *rule = pretokenize_rules;
    while (rule->names && !names_have(rule->names, name))
        rule++;
    if (!rule->names)
        return unknown(g, name, log);
    struct pretokenize *p = calloc(1, sizeof *p);
    if (!p)
        return log_fail(log, LEM_ERR_MEMORY, "%s: host memory ran out reading %s",
                        g->path, KEY_PRE);
    p->rule = rule;
    const enum lem_status st = compile(p, g, log);
    if (st != LEM_OK)
        pretokenize_close(&p);
    *out = p;
    return st;
}

void pretokenize_close(struct pretokenize **p)
{
    if (!p || !*p)
        return;
    for (uint32_t i = 0; i < PRETOKENIZE_MAX_STAGE; i++)
        pcre2_code_free((*p)->code[i]);
    pcre2_match_context_free((*p)->limits);
    free(*p);
    *p = NULL;
}

const struct pretokenize_rule *pretokenize_rule_of(const struct pretokenize *p)
{
    return p->rule;
}

/* ---- cutting -------------------------------------------------------------- */

void pretokenize_cuts_free(struct pretokenize_cuts *cuts)
{
    free(cuts->end);
    *cuts = (struct pretokenize_cuts){0};
}

static bool add_cut(struct pretokenize_cuts *c, uint32_t end)
{
    if (c->n == c->cap) {
        const size_t cap = c->cap ? 2 * c->cap : 64;
        uint32_t *bigger = cap <= SIZE_MAX / sizeof *bigger
                               ? realloc(c->end, cap * sizeof *bigger)
                               : NULL;
        if (!bigger)
            return false;
        c->end = bigger;
        c->cap = cap;
    }
    c->end[c->n++] = end;
    return true;
}

/* What one cutting needs at every step. */
struct cutter {
    const struct pretokenize *p;
    pcre2_match_data *match;
    const struct lem_log *log;
};

static enum lem_status no_memory(const struct cutter *c)
{
    return log_fail(c->log, LEM_ERR_MEMORY,
                    "host memory ran out cutting a text into words. Give less text.");
}

/* One word of one stage: the bytes from..end of the text. */
static enum lem_status cut_word(const struct cutter *c, const pcre2_code *code,
                                const char *text, uint32_t from, uint32_t end,
                                struct pretokenize_cuts *cuts)
{
    const char *word = text + from;
    const uint32_t n = end - from;
    pcre2_match_context *limits = c->p->limits;
    const uint32_t options = PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY;
    uint32_t at = 0;
    bool ok = true;
    while (ok && at < n) {
        int found = pcre2_match(code, (PCRE2_SPTR)word, n, at, options, c->match, limits);
        if (found == PCRE2_ERROR_JIT_STACKLIMIT)
            found = pcre2_match(code, (PCRE2_SPTR)word, n, at, options | PCRE2_NO_JIT,
                                c->match, limits);
        if (found == PCRE2_ERROR_NOMATCH)
            break;
        if (found < 0) {
            PCRE2_UCHAR why[128];
            pcre2_get_error_message(found, why, sizeof why);
            return log_fail(c->log, LEM_ERR_MEMORY,
                            "cutting the text into words failed in a word of %u bytes at "
                            "byte %u: %s. Break the text up with spaces or lines.",
                            n, from + at, (const char *)why);
        }
        const PCRE2_SIZE *span = pcre2_get_ovector_pointer(c->match);
        if (span[0] > at)
            ok = add_cut(cuts, from + (uint32_t)span[0]);
        ok = ok && add_cut(cuts, from + (uint32_t)span[1]);
        at = (uint32_t)span[1];
    }
    if (ok && at < n)
        ok = add_cut(cuts, from + n);
    return ok ? LEM_OK : no_memory(c);
}

/* Well-formed text, all stages; `cuts` ends up with those of the last. */
static enum lem_status cut_stages(const struct cutter *c, const char *text, size_t n,
                                  struct pretokenize_cuts *cuts)
{
    struct pretokenize_cuts before = {0};
    cuts->n = 0;
    enum lem_status st = add_cut(cuts, (uint32_t)n) ? LEM_OK : no_memory(c);
    for (uint32_t i = 0; i < c->p->n_stage && st == LEM_OK; i++) {
        const struct pretokenize_cuts swap = before;
        before = *cuts;
        *cuts = swap;
        cuts->n = 0;
        uint32_t from = 0;
        for (size_t w = 0; w < before.n && st == LEM_OK; w++) {
            st = cut_word(c, c->p->code[i], text, from, before.end[w], cuts);
            from = before.end[w];
        }
    }
    pretokenize_cuts_free(&before);
    return st;
}

/* Put U+FFFD for every byte that is no part of a character; `bad` gets the places of
 * the replacements in the result. `out` has room for 3 * n bytes. */
static bool replace_bad(const char *text, size_t n, char *out, size_t *n_out,
                        struct pretokenize_cuts *bad)
{
    size_t len = 0;
    for (size_t at = 0; at < n;) {
        int32_t code;
        const uint32_t step = utf8_char(text + at, n - at, &code);
        if (step == 0) {
            if (!add_cut(bad, (uint32_t)len))
                return false;
            memcpy(out + len, "\xEF\xBF\xBD", 3);
            len += 3;
            at++;
        } else {
            memcpy(out + len, text + at, step);
            len += step;
            at += step;
        }
    }
    *n_out = len;
    return true;
}

/* Each replacement made the text two bytes longer: move the cuts back. */
static void restore_cuts(struct pretokenize_cuts *cuts,
                         const struct pretokenize_cuts *bad)
{
    size_t passed = 0;
    for (size_t i = 0; i < cuts->n; i++) {
        while (passed < bad->n && bad->end[passed] < cuts->end[i])
            passed++;
        cuts->end[i] -= (uint32_t)(2 * passed);
    }
}

static enum lem_status cut_repaired(const struct cutter *c, const char *text, size_t n,
                                    struct pretokenize_cuts *cuts)
{
    struct pretokenize_cuts bad = {0};
    char *copy = malloc(3 * n);
    size_t n_copy = 0;
    enum lem_status st = LEM_OK;
    if (!copy || !replace_bad(text, n, copy, &n_copy, &bad))
        st = no_memory(c);
    if (st == LEM_OK)
        st = cut_stages(c, copy, n_copy, cuts);
    if (st == LEM_OK)
        restore_cuts(cuts, &bad);
    pretokenize_cuts_free(&bad);
    free(copy);
    return st;
}

enum lem_status pretokenize_cut(const struct pretokenize *p, const char *text, size_t n,
                                struct pretokenize_cuts *cuts, const struct lem_log *log)
{
    cuts->n = 0;
    if (n == 0)
        return LEM_OK;
    const struct cutter c = {p, pcre2_match_data_create(1, NULL), log};
    if (!c.match)
        return no_memory(&c);
    const enum lem_status st = utf8_valid(text, n) ? cut_stages(&c, text, n, cuts)
                                                   : cut_repaired(&c, text, n, cuts);
    pcre2_match_data_free(c.match);
    return st;
}
