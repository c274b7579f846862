/* main.c - lemnos-viewer: the command line, and whether a window or a picture is
 * wanted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <SDL.h>

#include "os.h"
#include "prefs.h"
#include "shot.h"
#include "window.h"

enum { DONE = 0, FAILED = 1, WRONG = 2 };

struct options {
    const char *shot, *file;
    char model_path[1024];
    char dropped[4096], next[4096];
    long long at; /* token, or -1 */
    int layer, expert;
    enum view view;
    bool light, help, has_view, has_size;
    struct window_options window;
    struct source_live_params live;
};

static void print_usage(FILE *out)
{
    fputs(
        "usage: lemnos-viewer [OPTIONS] RECORDING.lemtrace\n"
        "       lemnos-viewer [OPTIONS] [-m MODEL.gguf] [PROMPT]\n"
        "       lemnos-viewer --shot OUT.png [--at TOKEN] [--view NAME] RECORDING\n"
        "\n"
        "Shows which experts each token of a text took, in every layer. A recording is "
        "made "
        "by\n"
        "lemnos run --trace FILE, and needs neither the model nor a GPU to be seen.\n"
        "\n"
        "  -m, --model FILE    write with this model, live (the one that ships)\n"
        "  -d, --device WHICH  its device\n"
        "      --caps PROFILE  pretend that it has less: minimal or unmapped\n"
        "  -n, --predict N     most tokens to write\n"
        "      --temp T        temperature; 0 takes the likeliest (0.8)\n"
        "  -s, --seed N        same seed, same text (1)\n"
        "      --policy FILE   begin under this routing policy (JSON); also where the\n"
        "                      window saves one (lemnos-policy.json)\n"
        "      --shot FILE     write one picture as PNG, without a window\n"
        "      --size WxH      of the window or picture (1280x800)\n"
        "      --scale X       pixels per point (the display's; 2 for pictures that are\n"
        "                      2200 pixels wide and more, else 1)\n"
        "      --at TOKEN      begin at this token; 1 is the first\n"
        "      --layer N       begin with the Nth layer that routes; 0 is the first\n"
        "      --expert N      begin with this expert selected\n"
        "      --view NAME     overview, text, bank, score, inspector, flow,\n"
        "                      coactivation, steer, ab, prompt or figures\n"
        "      --light         on light ground\n"
        "      --stages        take the time of each stage of the work (on a CPU "
        "device this\n"
        "                      costs a third of the speed)\n"
        "      --calm          nothing moves that need not\n"
        "      --builtin-font  as on a system without fonts\n"
        "      --frames N      draw N frames without pause, through all of a "
        "recording, then\n"
        "                      end\n"
        "      --figures FILE  write frame times and speed as JSON at the end\n"
        "  -h, --help          this text; in the window, ? shows the keys\n",
        out);
}

static bool wrong(const char *what, const char *value)
{
    fprintf(stderr, "lemnos-viewer: %s, not \"%s\". See lemnos-viewer --help.\n", what,
            value);
    return false;
}

static bool read_number(const char *text, long long least, long long most, long long *out)
{
    char *end;
    *out = strtoll(text, &end, 10);
    return end != text && *end == '\0' && *out >= least && *out <= most;
}

static bool read_int(const char *name, const char *value, int most, int *out)
{
    long long v;
    char what[96];
    if (read_number(value, 0, most, &v)) {
        *out = (int)v;
        return true;
    }
    snprintf(what, sizeof what, "%s takes a number from 0 to %d", name, most);
    return wrong(what, value);
}

static bool read_float(const char *name, const char *value, float most, float *out)
{
    char *end, what[96];
    *out = strtof(value, &end);
    if (end != value && *end == '\0' && *out >= 0 && *out <= most)
        return true;
    snprintf(what, sizeof what, "%s takes a number from 0 to %g", name, (double)most);
    return wrong(what, value);
}

static bool read_size(const char *value, struct options *o)
{
    char end;
    if (sscanf(value, "%dx%d%c", &o->window.w, &o->window.h, &end) == 2 &&
        o->window.w >= 200 && o->window.h >= 200 && o->window.w <= 16384 &&
        o->window.h <= 16384) {
        o->has_size = true;
        return true;
    }
    return wrong("--size takes WIDTHxHEIGHT from 200x200 to 16384x16384", value);
}

static bool is(const char *word, const char *letter, const char *name)
{
    return strcmp(word, name) == 0 || (letter && strcmp(word, letter) == 0);
}

static bool read_flag(struct options *o, const char *word)
{
    if (is(word, "-h", "--help"))
        o->help = true;
    else if (is(word, NULL, "--light"))
        o->light = true;
    else if (is(word, NULL, "--calm"))
        o->window.calm = true;
    else if (is(word, NULL, "--stages"))
        o->live.stages = true;
    else if (is(word, NULL, "--builtin-font"))
        o->window.builtin_font = true;
    else
        return false;
    return true;
}

/* Returns 1 when taken, 0 when unknown, -1 when wrong (said). */
static int read_valued(struct options *o, const char *word, const char *value)
{
    long long n;
    if (is(word, NULL, "--shot"))
        o->shot = value;
    else if (is(word, "-m", "--model"))
        o->live.model = value;
    else if (is(word, "-d", "--device"))
        o->live.device = value;
    else if (is(word, NULL, "--figures"))
        o->window.figures = value;
    else if (is(word, NULL, "--caps"))
        o->live.caps = value;
    else if (is(word, NULL, "--policy"))
        o->window.policy = o->live.policy = value;
    else if (is(word, NULL, "--size"))
        return read_size(value, o) ? 1 : -1;
    else if (is(word, NULL, "--scale"))
        return read_float(word, value, 8, &o->window.scale) ? 1 : -1;
    else if (is(word, NULL, "--temp"))
        return read_float(word, value, 100, &o->live.sample.temperature) ? 1 : -1;
    else if (is(word, NULL, "--layer"))
        return read_int(word, value, 65535, &o->layer) ? 1 : -1;
    else if (is(word, NULL, "--expert"))
        return read_int(word, value, 65535, &o->expert) ? 1 : -1;
    else if (is(word, NULL, "--frames")) {
        if (!read_number(value, 1, 1000000, &n))
            return wrong("--frames takes a number from 1 to 1000000", value), -1;
        o->window.frames = (unsigned)n;
    } else if (is(word, "-n", "--predict")) {
        if (!read_number(value, 1, 1LL << 31, &n))
            return wrong("--predict takes a number from 1 on", value), -1;
        o->live.limit = (uint64_t)n;
    } else if (is(word, "-s", "--seed")) {
        if (!read_number(value, 0, INT64_MAX, &n))
            return wrong("--seed takes a number from 0 on", value), -1;
        o->live.sample.seed = (uint64_t)n;
    } else if (is(word, NULL, "--at")) {
        if (!read_number(value, 1, INT64_MAX, &o->at))
            return wrong("--at takes a number from 1 on", value), -1;
    } else if (is(word, NULL, "--view")) {
        o->view = scene_find_view(value);
        o->has_view = true;
        if (o->view == VIEW_COUNT)
            return wrong("--view takes overview, text, bank, score, inspector, flow, "
                         "coactivation, steer, ab, prompt or figures",
                         value),
                   -1;
    } else {
        return 0;
    }
    return 1;
}

static bool read_options(struct options *o, int argc, char **argv)
{
    *o = (struct options){.at = -1,
                          .layer = -1,
                          .expert = -1,
                          .window = {.w = 1280, .h = 800},
                          .live = {.prompt = "Once upon a time",
                                   .sample = {.temperature = 0.8f,
                                              .top_k = 40,
                                              .top_p = 0.95f,
                                              .min_p = 0.05f,
                                              .seed = 1}}};
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (read_flag(o, word))
            continue;
        if (word[0] != '-') {
            if (o->file)
                return wrong("one recording, or one prompt in quotes", word);
            o->file = word;
            continue;
        }
        const int r = i + 1 < argc ? read_valued(o, word, argv[i + 1]) : 0;
        if (r < 0)
            return false;
        if (r == 0)
            return wrong("an option that exists, with its value", word);
        i++;
    }
    if (o->shot && o->window.scale <= 0)
        o->window.scale = o->window.w >= 2200 ? 2 : 1;
    return true;
}

/* What --at, --layer, --expert and the like say. */
static void place(struct scene *s, const struct options *o)
{
    s->view = o->view;
    s->light = o->light;
    s->calm = o->window.calm;
    if (o->at > 0)
        scene_seek(s, (uint64_t)o->at - 1);
    if (o->layer >= 0)
        scene_select(s, (uint32_t)o->layer, s->expert);
    if (o->expert >= 0)
        scene_select(s, s->layer, o->expert);
}

static bool take_shot(struct source *source, const struct options *o, char *message,
                      size_t cap)
{
    struct scene state;
    struct stats stats = {0};
    struct ui ui = {0};
    scene_open(&state, source);
    place(&state, o);
    bool ok = stats_open(&stats, source) &&
              ui_open(&ui, &state, &stats, o->window.w, o->window.h, o->window.scale,
                      o->window.builtin_font);
    if (!ok)
        snprintf(message, cap, "no memory for a picture of %d x %d", o->window.w,
                 o->window.h);
    if (ok) {
        while (stats_read(&stats, 1 << 16))
            ;
        layout_draw(&ui);
        ok = shot_write(&ui.canvas, o->shot, message, cap);
    }
    ui_close(&ui);
    stats_close(&stats);
    return ok;
}

/* ---- the window ------------------------------------------------------------------- */

/* What the last call left, where this one does not say otherwise. */
static void recall(struct options *o, struct prefs *p, const char *path, char *note,
                   size_t cap)
{
    *p = (struct prefs){.side = VIEW_BANK};
    o->window.fresh = !o->has_size && path; /* what is measured is of one size */
    if (path && prefs_read(p, path, note, cap) && p->w > 0 && !o->has_size) {
        o->window.w = p->w;
        o->window.h = p->h;
        o->window.fresh = false;
    }
    if (o->has_view)
        p->view = o->view;
    p->light |= o->light;
}

/* A run that measures neither reads nor leaves a trace of itself. */
static bool show_window(struct source *source, struct options *o, char *message,
                        size_t cap)
{
    char path[1024], note[1200] = "";
    const bool kept = !o->window.frames && !o->window.figures &&
                      os_state_path("viewer", path, sizeof path);
    struct prefs prefs;
    recall(o, &prefs, kept ? path : NULL, note, sizeof note);
    o->window.prefs = &prefs;
    o->window.note = note;
    o->window.at = o->at > 0 ? o->at - 1 : -1;
    o->window.layer = o->layer;
    o->window.expert = o->expert;
    const bool ok = window_run(source, &o->window, message, cap);
    if (ok && kept && !prefs_write(&prefs, path, note, sizeof note))
        fprintf(stderr, "lemnos-viewer: %s\n", note);
    return ok;
}

/* ---- what is to be shown ------------------------------------------------------------
 */

static bool is_file(const char *path)
{
    FILE *f = path ? fopen(path, "rb") : NULL;
    if (f)
        fclose(f);
    return f != NULL;
}

/* The model that ships: in share/ of the installed tree, or in assets/ of a folder above
 * the build's. */
static bool find_model(char *out, size_t cap)
{
    static const char *const place[] = {"../share/lemnos", "assets", "../assets",
                                        "../../assets", "../../../assets"};
    char *base = SDL_GetBasePath();
    bool found = false;
    for (size_t i = 0; base && !found && i < sizeof place / sizeof *place; i++) {
        snprintf(out, cap, "%s%s/moe-tales-q8_0.gguf", base, place[i]);
        found = is_file(out);
    }
    SDL_free(base);
    return found;
}

static bool is_recording(const char *file)
{
    const size_t n = file ? strlen(file) : 0;
    return n > 9 && strcmp(file + n - 9, ".lemtrace") == 0;
}

/* What was dropped onto the window is seen instead of what there was. */
static void take_dropped(struct options *o)
{
    snprintf(o->dropped, sizeof o->dropped, "%s", o->next);
    o->next[0] = '\0';
    o->at = o->layer = o->expert = -1;
    o->file = is_recording(o->dropped) ? o->dropped : NULL;
    if (!o->file)
        o->live.model = o->dropped;
}

static bool open_source(struct source *source, struct options *o, char *message,
                        size_t cap)
{
    static const char none[] =
        "no model named, and the one that ships is not found; name "
        "a model with -m, or a recording";
    if (o->shot || is_recording(o->file) || (!o->live.model && is_file(o->file)))
        return source_open_recording(source, o->file ? o->file : "", message, cap);
    if (!o->live.model)
        o->live.model = os_variable("LEMNOS_MODEL");
    if (!o->live.model && !find_model(o->model_path, sizeof o->model_path)) {
        snprintf(message, cap, "%s", none);
        return false;
    }
    if (!o->live.model)
        o->live.model = o->model_path;
    if (o->file)
        o->live.prompt = o->file;
    return source_open_live(source, &o->live, message, cap);
}

static bool shoot(struct options *o)
{
    struct source source = {0};
    char message[600] = "";
    const bool ok = open_source(&source, o, message, sizeof message) &&
                    take_shot(&source, o, message, sizeof message);
    if (message[0])
        fprintf(stderr, "lemnos-viewer: %s\n", message);
    source_close(&source);
    return ok;
}

/* Whoever closes the window while the model is being read has nothing to wait for: there
 * is no text yet, and the system takes back what the thread that reads it holds. */
static void leave_at_once(struct source *source, const struct options *o)
{
    char message[64];
    if (!o->next[0] && source->live &&
        source_phase(source, message, sizeof message) == SOURCE_OPENING)
        _Exit(DONE);
}

/* A window until it is closed; one that says why where there is nothing to show. */
static bool watch(struct options *o, uint64_t started)
{
    struct source source = {0};
    char message[600] = "";
    const bool opened = open_source(&source, o, message, sizeof message);
    if (!opened) {
        fprintf(stderr, "lemnos-viewer: %s\n", message);
        source_open_failed(&source, message);
    }
    message[0] = '\0';
    o->window.started = started;
    o->window.next = o->next;
    o->window.next_cap = sizeof o->next;
    bool ok = show_window(&source, o, message, sizeof message);
    if (ok && opened)
        leave_at_once(&source, o);
    if (ok && opened) /* also for who has not looked at the window */
        ok = source_phase(&source, message, sizeof message) != SOURCE_FAILED;
    if (ok)
        message[0] = '\0';
    if (message[0])
        fprintf(stderr, "lemnos-viewer: %s\n", message);
    source_close(&source);
    return ok && opened;
}

int main(int argc, char **argv)
{
    uint64_t started = SDL_GetPerformanceCounter();
    lem_prepare_drivers();
    struct options o;
    if (!read_options(&o, argc, argv))
        return WRONG;
    if (o.help) {
        print_usage(stdout);
        return DONE;
    }
    if (o.shot && !o.file) {
        wrong("--shot takes a recording", "nothing");
        return WRONG;
    }
    bool ok = o.shot ? shoot(&o) : true;
    for (bool again = !o.shot; again; again = o.next[0] != '\0') {
        if (o.next[0])
            take_dropped(&o);
        ok = watch(&o, started);
        started = 0;
    }
    SDL_Quit();
    return ok ? DONE : FAILED;
}
