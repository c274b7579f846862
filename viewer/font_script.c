/* font_script.c - which characters need shaping. Blocks as of Unicode 15.0, Blocks.txt.
 */
#include "font_script.h"

#include <string.h>

#include "font.h"

enum kind { SIMPLE, MARK, COMPLEX };

struct block {
    uint32_t first, last;
    const char *script; /* NULL: marks, which go with what is before them */
    bool from_right;
};

/* By rising code point. */
static const struct block block[] = {
    {0x0300, 0x036f, NULL, false},   {0x0590, 0x05ff, "Hebr", true},
    {0x0600, 0x06ff, "Arab", true},  {0x0700, 0x074f, "Syrc", true},
    {0x0750, 0x077f, "Arab", true},  {0x0780, 0x07bf, "Thaa", true},
    {0x07c0, 0x07ff, "Nkoo", true},  {0x0860, 0x086f, "Syrc", true},
    {0x0870, 0x08ff, "Arab", true},  {0x0900, 0x097f, "Deva", false},
    {0x0980, 0x09ff, "Beng", false}, {0x0a00, 0x0a7f, "Guru", false},
    {0x0a80, 0x0aff, "Gujr", false}, {0x0b00, 0x0b7f, "Orya", false},
    {0x0b80, 0x0bff, "Taml", false}, {0x0c00, 0x0c7f, "Telu", false},
    {0x0c80, 0x0cff, "Knda", false}, {0x0d00, 0x0d7f, "Mlym", false},
    {0x0d80, 0x0dff, "Sinh", false}, {0x0e00, 0x0e7f, "Thai", false},
    {0x0e80, 0x0eff, "Laoo", false}, {0x0f00, 0x0fff, "Tibt", false},
    {0x1000, 0x109f, "Mymr", false}, {0x1100, 0x11ff, "Hang", false},
    {0x1780, 0x17ff, "Khmr", false}, {0x1800, 0x18af, "Mong", false},
    {0x1ab0, 0x1aff, NULL, false},   {0x1dc0, 0x1dff, NULL, false},
    {0x200c, 0x200d, NULL, false},   {0x20d0, 0x20ff, NULL, false},
    {0xa980, 0xa9df, "Java", false}, {0xfb1d, 0xfb4f, "Hebr", true},
    {0xfb50, 0xfdff, "Arab", true},  {0xfe00, 0xfe0f, NULL, false},
    {0xfe20, 0xfe2f, NULL, false},   {0xfe70, 0xfeff, "Arab", true},
    {0x1f3fb, 0x1f3ff, NULL, false}, {0xe0100, 0xe01ef, NULL, false}};

static const struct block *find(uint32_t c)
{
    size_t low = 0, high = sizeof block / sizeof *block;
    if (c < block[0].first)
        return NULL;
    while (low < high) {
        const size_t mid = (low + high) / 2;
        if (c > block[mid].last)
            low = mid + 1;
        else
            high = mid;
    }
    const size_t n = sizeof block / sizeof *block;
    return low < n && c >= block[low].first ? &block[low] : NULL;
}

static enum kind kind_of(const struct block *b)
{
    return !b ? SIMPLE : b->script ? COMPLEX : MARK;
}

/* The character at `text`, with the marks that follow it; *marked: there are some. */
static size_t cluster(const char *text, size_t n, const struct block **base, bool *marked)
{
    size_t used, at;
    *base = find(font_code_point(text, n, &at));
    *marked = kind_of(*base) == MARK;
    while (at < n) {
        const uint32_t c = font_code_point(text + at, n - at, &used);
        const struct block *b = find(c);
        if (kind_of(b) != MARK)
            break;
        *marked = true;
        at += used;
        if (c == 0x200d && at < n) { /* joins the next one, too */
            font_code_point(text + at, n - at, &used);
            at += used;
        }
    }
    return at;
}

struct font_run font_first_run(const char *text, size_t n)
{
    const struct block *base, *next;
    bool marked, next_marked;
    struct font_run run = {.n = cluster(text, n, &base, &marked)};
    if (kind_of(base) == COMPLEX) {
        run.script = base->script;
        run.from_right = base->from_right;
    } else if (marked) {
        run.script = "Latn";
        return run; /* one character with its marks */
    }
    while (run.n < n) {
        const size_t more = cluster(text + run.n, n - run.n, &next, &next_marked);
        const bool joins = run.script ? kind_of(next) == COMPLEX &&
                                            next->script[0] == run.script[0] &&
                                            next->script[1] == run.script[1]
                                      : kind_of(next) == SIMPLE && !next_marked;
        /* A space between two words of such a script goes with them. */
        if (run.from_right && !joins && text[run.n] == ' ' && run.n + 1 < n) {
            const size_t word =
                cluster(text + run.n + 1, n - run.n - 1, &next, &next_marked);
            if (kind_of(next) == COMPLEX && strcmp(next->script, run.script) == 0) {
                run.n += 1 + word;
                continue;
            }
        }
        if (!joins)
            break;
        run.n += more;
    }
    return run;
}
