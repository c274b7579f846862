/* prepare.c - what drivers are told before they are loaded. */
#include <stdio.h>

#include "base/env.h"
#include "base/thread.h"
#include "lemnos/device.h"

/* lavapipe cuts a dispatch into one piece for each of its threads, and has as many
 * threads as there are processors: where one of them is busy with something else, all
 * wait for its piece. Twice as many are half as long, and who is free takes the next one.
 */
static void prepare_lavapipe(void)
{
    enum { PIECES = 2 }; /* for each processor */
    char n[16];
    snprintf(n, sizeof n, "%u", PIECES * thread_cpus());
    env_suggest("LP_NUM_THREADS", n);
}

void lem_prepare_drivers(void)
{
    prepare_lavapipe();
}
