/* cmd_stats.c - `lemnos stats`: which experts given texts use. */
#include <errno.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/os.h"
#include "cli/stats.h"

/* Before anything is run: hours of counting must not end at a mistyped folder. */
static bool make_folder(const char *dir)
{
    if (!dir || os_file_kind(dir) == OS_FILE_FOLDER || os_make_folder(dir))
        return true;
    app_error("%s: cannot make this folder: %s.", dir, strerror(errno));
    return false;
}

int cmd_stats(struct app *app)
{
    const struct args *a = app->args;
    if (!a->file && a->n_word == 0)
        return args_wrong(a, "which texts? Give -f FILE, or several: -f FILE FILE.");
    struct stats s = {0};
    const bool ok = app_open_model(app, false) && app_open_tokenizer(app) &&
                    make_folder(a->csv_dir) && make_folder(a->figures) &&
                    stats_record(&s, app) && stats_count(&s) &&
                    (!a->csv_dir || stats_write_csv(&s, a->csv_dir)) &&
                    (!a->figures || stats_write_figures(&s, a->figures)) &&
                    (a->json ? stats_print_json(&s) : stats_print_text(&s));
    stats_free(&s);
    return ok ? APP_DONE : APP_FAILED;
}
