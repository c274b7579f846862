/* xserver.c - an X server without a screen, for tests of the real window. */
#include "xserver.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include <SDL.h>
#include <cmocka.h>

enum { NAP_MS = 20, PATIENCE_MS = 5 * 60 * 1000 };

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = NAP_MS * 1000 * 1000}, NULL);
}

/* It has ended by itself; it stays to be waited for. */
static bool has_ended(pid_t pid)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
           info.si_pid != 0;
}

/* What it printed; "" when it did not begin, and is gone then. */
static void read_display(struct xserver *s, char *line, int cap)
{
    long left = PATIENCE_MS / NAP_MS;
    line[0] = '\0';
    while (program_out_bytes(&s->xvfb) < 2 && !has_ended(s->xvfb.pid) && left-- > 0)
        nap();
    rewind(s->xvfb.out_file);
    if (program_out_bytes(&s->xvfb) >= 2 && fgets(line, cap, s->xvfb.out_file)) {
        line[strcspn(line, "\n")] = '\0';
        return;
    }
    line[0] = '\0';
    kill(s->xvfb.pid, SIGKILL);
    program_wait(&s->xvfb);
    print_error("Xvfb does not start: %s\n", s->xvfb.err);
    program_free(&s->xvfb);
}

static bool has_xvfb(void)
{
    struct program which = {0};
    program_run(&which, (const char *[]){"/bin/sh", "-c", "command -v Xvfb", NULL});
    const bool there = which.code == 0;
    program_free(&which);
    return there;
}

/* It chooses a free display and says which on its standard output. */
int xserver_start(void **state)
{
    static struct xserver server;
    char line[32] = "", display[40];
    *state = &server;
    scratch_open(&server.scratch);
    setenv("XDG_STATE_HOME", server.scratch.dir, 1);
    server.there = has_xvfb();
    if (!server.there) {
        print_message("Xvfb is not there: install xvfb to test the window.\n");
        return 0;
    }
    program_start(&server.xvfb, (const char *[]){"/bin/sh", "-c",
                                                 "exec Xvfb -displayfd 1 -screen 0 "
                                                 "1400x1000x24 -nolisten tcp",
                                                 NULL});
    read_display(&server, line, sizeof line);
    if (!line[0]) {
        server.there = false; /* nothing to end in xserver_stop(), which cmocka calls */
        return -1;
    }
    snprintf(display, sizeof display, ":%s", line);
    setenv("DISPLAY", display, 1);
    setenv("SDL_VIDEODRIVER", "x11", 1);
    return 0;
}

int xserver_stop(void **state)
{
    struct xserver *s = *state;
    SDL_Quit();
    if (s->there) {
        kill(s->xvfb.pid, SIGTERM);
        program_wait(&s->xvfb);
        program_free(&s->xvfb);
    }
    scratch_close(&s->scratch);
    return 0;
}
