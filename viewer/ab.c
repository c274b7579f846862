/* ab.c - the pinned run and the present one, aligned. */
#include "ab.h"

#include <math.h>
#include <stdlib.h>

/* How far ahead a common stretch is looked for, and how long it must be: shorter ones
 * are by chance. */
enum { REACH = 160, STRETCH = 3 };

/* ---- reading ------------------------------------------------------------- */

static bool grow(struct ab *ab, int side, uint64_t n)
{
    if (n <= ab->cap[side])
        return true;
    const uint64_t cap = n < INT32_MAX / 4 ? 2 * n + 64 : 0;
    void *more = cap ? realloc(ab->id[side], cap * sizeof *ab->id[side]) : NULL;
    if (!more)
        return false;
    ab->id[side] = more;
    ab->cap[side] = (uint32_t)cap;
    return true;
}

static bool read_ids(struct ab *ab, int side, struct source *run)
{
    const uint64_t n = source_n_token(run);
    if (!grow(ab, side, n))
        return false;
    while (ab->n[side] < n) {
        struct lem_trace_token t;
        if (!source_token(run, ab->n[side], &t))
            break; /* taken away meanwhile: the next look sees why */
        ab->id[side][ab->n[side]++] = t.id;
    }
    return true;
}

static void measure(struct ab *ab)
{
    double sum = 0;
    ab->n_known = 0;
    ab->kl_most = 0;
    ab->kl_most_at = 0;
    for (uint32_t i = ab->n_prompt; i < ab->n[0]; i++) {
        if (!(ab->kl[i] >= 0))
            continue;
        sum += (double)ab->kl[i];
        ab->n_known++;
        if (ab->kl[i] > ab->kl_most) {
            ab->kl_most = ab->kl[i];
            ab->kl_most_at = i;
        }
    }
    ab->kl_mean = ab->n_known ? sum / ab->n_known : 0;
}

/* ---- aligning ------------------------------------------------------------ */

static bool same(const struct ab *ab, uint32_t a, uint32_t b)
{
    return a < ab->n[0] && b < ab->n[1] && ab->id[0][a] == ab->id[1][b];
}

static bool stretch(const struct ab *ab, uint32_t a, uint32_t b)
{
    for (uint32_t k = 0; k < STRETCH; k++)
        if (!same(ab, a + k, b + k))
            return false;
    return true;
}

/* From where the texts part at *a, *b to where they are next the same, as near as can
 * be; to both ends where they are not. */
static void meet(const struct ab *ab, uint32_t *a, uint32_t *b)
{
    for (uint32_t far = 1; far < 2 * REACH; far++)
        for (uint32_t k = 0; k <= far + 1; k++) {
            /* first those that skip as much of the one as of the other */
            const uint32_t skip = k % 2 ? far / 2 - k / 2 - 1 : far / 2 + k / 2;
            if (skip > far || !stretch(ab, *a + skip, *b + far - skip))
                continue;
            *a += skip;
            *b += far - skip;
            return;
        }
    *a = ab->n[0];
    *b = ab->n[1];
}

static void put(struct ab *ab, uint32_t a, uint32_t a_end, uint32_t b, uint32_t b_end)
{
    while (a < a_end || b < b_end) {
        const bool has_a = a < a_end, has_b = b < b_end;
        ab->slot[ab->n_slot++] =
            (struct ab_slot){has_a ? (int32_t)a : AB_NONE, has_b ? (int32_t)b : AB_NONE};
        a += has_a;
        b += has_b;
    }
}

static void align(struct ab *ab)
{
    uint32_t a = 0, b = 0;
    ab->n_slot = 0;
    while (same(ab, a, b)) {
        put(ab, a, a + 1, b, b + 1);
        a++;
        b++;
    }
    ab->part = a;
    while (a < ab->n[0] || b < ab->n[1]) {
        uint32_t to_a = a, to_b = b;
        if (same(ab, a, b)) {
            to_a++;
            to_b++;
        } else {
            meet(ab, &to_a, &to_b);
        }
        put(ab, a, to_a, b, to_b);
        a = to_a;
        b = to_b;
    }
}

/* ---- all of it ----------------------------------------------------------- */

bool ab_read(struct ab *ab, struct source *present)
{
    struct source *pinned = source_pinned(present);
    const uint32_t revision = source_revision(present);
    if (!pinned) {
        ab->fresh = false;
        return false;
    }
    const bool anew = !ab->fresh || revision != ab->revision;
    const uint32_t before = ab->n[0] + ab->n[1];
    if (anew)
        ab->n[0] = ab->n[1] = 0;
    ab->revision = revision;
    ab->n_prompt = pinned->n_prompt;
    if (!read_ids(ab, 0, pinned) || !read_ids(ab, 1, present))
        return false;
    if (anew || before != ab->n[0] + ab->n[1]) {
        free(ab->slot);
        free(ab->kl);
        ab->slot = calloc((size_t)ab->n[0] + ab->n[1] + 1, sizeof *ab->slot);
        ab->kl = calloc((size_t)ab->n[0] + 1, sizeof *ab->kl);
        ab->fresh = ab->slot && ab->kl;
        ab->n_slot = 0;
        if (!ab->fresh)
            return false;
        align(ab);
    }
    const size_t n = source_divergence(present, 0, ab->n[0], ab->kl);
    for (size_t i = n; i < ab->n[0]; i++)
        ab->kl[i] = NAN;
    measure(ab);
    return true;
}

void ab_close(struct ab *ab)
{
    free(ab->id[0]);
    free(ab->id[1]);
    free(ab->kl);
    free(ab->slot);
    *ab = (struct ab){0};
}

uint32_t ab_slot_of(const struct ab *ab, int side, uint32_t token)
{
    /* Tokens of either side stand in order, with gaps between. */
    uint32_t low = 0, high = ab->n_slot;
    while (low < high) {
        const uint32_t mid = low + (high - low) / 2;
        uint32_t at = mid;
        int32_t id;
        while ((id = side ? ab->slot[at].b : ab->slot[at].a) == AB_NONE && at > low)
            at--;
        if (id != AB_NONE && (uint32_t)id >= token)
            high = at;
        else
            low = mid + 1;
    }
    return low < ab->n_slot ? low : ab->n_slot ? ab->n_slot - 1 : 0;
}
