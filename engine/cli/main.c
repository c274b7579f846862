/* main.c - the program's beginning and end: read the command line, call the command,
 * see that its output has arrived. */
#include "cli/app.h"
#include "cli/os.h"
#include "cli/signals.h"

int main(int argc, char **argv)
{
    os_prepare();
    lem_prepare_drivers();
    signals_guard_files();
    struct args args;
    const enum args_result r = args_read(&args, argc, argv);
    if (r == ARGS_WRONG)
        return APP_WRONG;
    if (r == ARGS_DONE)
        return app_flush() ? APP_DONE : APP_FAILED;

    struct app app;
    app_init(&app, &args);
    int code = args.command->fn(&app);
    app_close(&app);
    /* A command that failed to write has said so. */
    if (code == APP_DONE && !app_flush())
        code = APP_FAILED;
    return code;
}
