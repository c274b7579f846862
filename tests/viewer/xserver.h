/* xserver.h - an X server without a screen, for tests of the real window: as setup and
 * teardown of a group, whose state it is. */
#ifndef VIEWER_XSERVER_H
#define VIEWER_XSERVER_H

#include <stdbool.h>

#include "support/program.h"
#include "support/scratch.h"

struct xserver {
    struct program xvfb;
    struct scratch scratch; /* the viewer's state is kept there, too */
    bool there;             /* false: Xvfb is not installed, tests are to be skipped */
};

/* SDL draws on it from then on. Fails, with what it says, when it does not start. */
int xserver_start(void **state);
int xserver_stop(void **state);

#endif
