/* ref_pick.c - the best values of a row, in order. */
#include "ref/ref.h"

#include <math.h>

static bool broken(float v)
{
    return isnan(v) || v == INFINITY;
}

static bool better(float v, float than)
{
    return broken(v) ? !broken(than) : v > than;
}

/* One place after the other: ids rise, so the first of equal values stays ahead. */
void ref_pick(struct ref_candidate *best, uint32_t k, const float *x, uint32_t n)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t place = kept;
        while (place > 0 && better(x[i], best[place - 1].value))
            place--;
        if (place == k)
            continue;
        kept += kept < k;
        for (uint32_t j = kept - 1; j > place; j--)
            best[j] = best[j - 1];
        best[place] = (struct ref_candidate){x[i], i};
    }
}
