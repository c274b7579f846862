/* signals.c - Ctrl-C: the first stops after the token under way, the second quits. */
#include "cli/signals.h"

#include <signal.h>
#include <stddef.h>

#include "cli/app.h"
#include "cli/os.h"
#include "lemnos/session.h"

/* A handler gets no argument: what it needs has to stand in one fixed place. */
static struct {
    struct lem_session *volatile session;
    volatile sig_atomic_t stopping;
    const char *volatile file[SIGNALS_MAX_FILE];
} watch;

static void clean(void)
{
    for (int i = 0; i < SIGNALS_MAX_FILE; i++) {
        const char *path = watch.file[i];
        if (path)
            os_unlink(path);
    }
}

static void on_lost_file(int number)
{
    (void)number;
    clean();
    os_die("lemnos: error: a file became shorter while it was read, the model most "
           "likely. See that nothing writes to it, and start again.\n",
           APP_FAILED);
}

void signals_guard_files(void)
{
    os_on_lost_file(on_lost_file);
}

static void quit(int number)
{
    clean();
    signal(number, SIG_DFL);
    raise(number);
}

static void on_signal(int number)
{
    struct lem_session *session = watch.session;
    if (number != SIGINT || !session || watch.stopping) {
        quit(number);
        return;
    }
    watch.stopping = 1;
    lem_session_cancel(session);
}

void signals_watch(struct lem_session *session)
{
    watch.session = session;
    watch.stopping = 0;
    os_on_signals(on_signal);
}

bool signals_stopping(void)
{
    return watch.stopping != 0;
}

void signals_keep_clean(const char *path)
{
    for (int i = 0; i < SIGNALS_MAX_FILE; i++) {
        if (watch.file[i])
            continue;
        watch.file[i] = path;
        os_on_signals(on_signal);
        return;
    }
}

void signals_forget(const char *path)
{
    for (int i = 0; i < SIGNALS_MAX_FILE; i++)
        if (watch.file[i] == path)
            watch.file[i] = NULL;
}
