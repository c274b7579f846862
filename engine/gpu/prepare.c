/* prepare.c - what drivers are told before they are loaded. */
#include <stdio.h>

#include "base/env.h"
#include "base/thread.h"
#include "lemnos/device.h"

/* lavapipe cuts a dispatch into one piece for each of its threads, and has as many
 * threads as there are processors: where one of them is busy with something else, all
 * wait for its piece. Twice as many are half as long, and who is free takes the next one.
 * Of a single processor it makes no thread at all, and it has no more than MOST. */
static void prepare_lavapipe(void)
{
    enum { PIECES = 2, MOST = 16 };
    const uint32_t n_cpu = thread_cpus();
    if (n_cpu < 2 || n_cpu > MOST / PIECES)
        return;
    char n[16];
    snprintf(n, sizeof n, "%u", PIECES * n_cpu);
    env_suggest("LP_NUM_THREADS", n);
}

void lem_prepare_drivers(void)
{
    prepare_lavapipe();
}
