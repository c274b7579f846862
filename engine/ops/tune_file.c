/* tune_file.c - the kernels chosen for a device as text: a line for each use, with the
 * number of the way and its gain in thousandths. */
#include "ops/measure.h"

#include <stdio.h>
#include <string.h>

static const char *const uses[OPS_N_USE] = {
    [OPS_USE_TOKEN] = "token",
    [OPS_USE_PROMPT] = "prompt",
    [OPS_USE_PROMPT_I8] = "prompt_i8",
};

enum { MOST_GAIN = 1000 }; /* times; more is no measurement */

void ops_tuned_write(const struct ops_tuned *tuned, char *out, size_t cap)
{
    size_t at = 0;
    out[0] = '\0';
    for (int i = 0; i < OPS_N_USE && at < cap; i++) {
        const double gain = tuned[i].gain > MOST_GAIN ? MOST_GAIN : tuned[i].gain;
        at += (size_t)snprintf(out + at, cap - at, "%s %d %u\n", uses[i],
                               (int)tuned[i].way, (unsigned)(gain * 1000 + 0.5));
    }
}

bool ops_tuned_read(const struct lem_device *device, const char *text,
                    struct ops_tuned *tuned)
{
    const char *p = text;
    for (int i = 0; i < OPS_N_USE; i++) {
        char name[16];
        unsigned way, gain;
        if (sscanf(p, "%15s %5u %9u", name, &way, &gain) != 3 ||
            strcmp(name, uses[i]) != 0 || way == OPS_WAY_ANY || way >= OPS_N_WAY ||
            gain > MOST_GAIN * 1000u)
            return false;
        tuned[i] = (struct ops_tuned){(enum ops_way)way, gain / 1000.0};
        if (tuned[i].way != ops_way_by_rule(device, (enum ops_use)i) &&
            !ops_way_possible(device, (enum ops_use)i, tuned[i].way))
            return false;
        p += strcspn(p, "\n");
        p += *p == '\n';
    }
    char again[256];
    ops_tuned_write(tuned, again, sizeof again);
    return strcmp(again, text) == 0;
}
