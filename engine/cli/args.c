/* args.c - reads the command line and the environment by the table of options. */
#include "cli/args.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/app.h"
#include "cli/args_value.h"
#include "cli/policy.h"
#include "lemnos/lemnos.h"

static void say_wrong(const struct args *a, const char *fmt, va_list ap)
{
    fputs("lemnos: ", stderr);
    vfprintf(stderr, fmt, ap);
    if (a->command)
        fprintf(stderr, "\nTry: lemnos %s --help\n", a->command->name);
    else
        fputs("\nTry: lemnos --help\n", stderr);
}

int args_wrong(const struct args *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say_wrong(a, fmt, ap);
    va_end(ap);
    return APP_WRONG;
}

/* ---- values --------------------------------------------------------------- */

static void wrong_profile(const struct args *a, const char *from, const char *value)
{
    char known[256] = "";
    size_t n = 0;
    const char *name;
    for (uint32_t i = 0; (name = lem_device_caps_profile(i)) != NULL && n < 200; i++)
        n += (size_t)snprintf(known + n, sizeof known - n, "%s%s", i ? ", " : "", name);
    args_wrong(a, "%s knows no profile \"%s\". There are: %s.", from, value, known);
}

/* `from` is how the user called it: "--temp", "-n", "LEMNOS_MODEL". */
static bool wrong_value(const struct args *a, const struct args_option *o,
                        const char *from, const char *value)
{
    switch (o->kind) {
    case ARGS_F32:
        args_wrong(a, "%s takes a number from %g to %g, not \"%s\".", from, o->min,
                   o->max, value);
        break;
    case ARGS_SIZE:
        args_wrong(a, "%s takes a size such as 800M or 6G, not \"%s\".", from, value);
        break;
    case ARGS_LIST:
        args_wrong(a,
                   "%s takes up to %d whole numbers from %.0f to %.0f, such as 1,8,128, "
                   "not \"%s\".",
                   from, ARGS_MAX_LIST, o->min, o->max, value);
        break;
    case ARGS_WHEN:
        args_wrong(a, "%s takes auto, always or never, not \"%s\".", from, value);
        break;
    case ARGS_CHOICE:
        args_wrong(a, "%s takes one of %s, not \"%s\".", from, o->value, value);
        break;
    case ARGS_CAPS:
        wrong_profile(a, from, value);
        break;
    case ARGS_FILES:
        args_wrong(a, "%s is given more than %d times.", from, ARGS_MAX_POLICY);
        break;
    case ARGS_RULES:
    case ARGS_BIASES:
        args_wrong(a, "%s takes %s (block:expert, \"all\" for every block), not \"%s\".",
                   from, o->value, value);
        break;
    default:
        args_wrong(a, "%s takes a whole number from %.0f to %.0f, not \"%s\".", from,
                   o->min, o->max, value);
    }
    return false;
}

/* The next free place of a list of files. */
static bool add_file(const char **list, const char *value)
{
    int n = 0;
    while (n < ARGS_MAX_POLICY && list[n])
        n++;
    if (n < ARGS_MAX_POLICY)
        list[n] = value;
    return n < ARGS_MAX_POLICY;
}

/* The second would silently take the place of the first. */
static bool given_twice(const struct args *a, const char *from)
{
    args_wrong(a, "%s is given twice. Write all in one list, with commas.", from);
    return false;
}

static bool set_text(struct args *a, const char **field, const char *from,
                     const char *value)
{
    const char *fault = NULL;
    if (field == &a->file && a->file)
        fault = "is given twice";
    else if (field == &a->model && !*value)
        fault = "names no file: the path is empty";
    else
        *field = value;
    if (fault)
        args_wrong(a, "%s %s.", from, fault);
    return !fault;
}

static bool set_value(struct args *a, const struct args_option *o, const char *from,
                      const char *value)
{
    void *field = (char *)a + o->field;
    int64_t i = 0;
    double d = 0;
    bool ok = true;
    switch (o->kind) {
    case ARGS_TEXT:
        return set_text(a, field, from, value);
    case ARGS_CAPS:
        ok = args_is_profile(value);
        *(const char **)field = value;
        break;
    case ARGS_F32:
        ok = args_to_f64(value, &d) && d >= o->min && d <= o->max;
        if (ok)
            *(float *)field = (float)d;
        break;
    case ARGS_U32:
    case ARGS_I64:
    case ARGS_LAYER:
        ok = args_to_i64(value, &i) && i >= (int64_t)o->min && i <= (int64_t)o->max;
        if (ok && o->kind == ARGS_U32)
            *(uint32_t *)field = (uint32_t)i;
        else if (ok)
            *(int64_t *)field = i;
        break;
    case ARGS_SIZE:
        ok = args_to_size(value, field);
        break;
    case ARGS_LIST:
        ok = args_to_list(value, o->min, o->max, field);
        break;
    case ARGS_CHOICE:
        ok = args_to_choice(value, o->value, field);
        break;
    case ARGS_WHEN:
        ok = args_to_when(value, field);
        break;
    case ARGS_FILES:
        ok = add_file(field, value);
        break;
    case ARGS_RULES:
    case ARGS_BIASES:
        if (*(const char **)field)
            return given_twice(a, from);
        ok = policy_rules_ok(value, o->kind == ARGS_BIASES);
        *(const char **)field = value;
        break;
    default:
        break;
    }
    return ok || wrong_value(a, o, from, value);
}

/* ---- finding options ------------------------------------------------------ */

static uint32_t command_bit(const struct args *a)
{
    return 1u << (a->command - args_commands);
}

static bool has_value(const struct args_option *o)
{
    return o->value && o->kind != ARGS_LAYER;
}

/* Is the name [n] one of `list`, words between spaces? */
static bool in_list(const char *list, const char *name, size_t n)
{
    for (const char *p = list; p && *p;) {
        const size_t len = strcspn(p, " ");
        if (len == n && memcmp(p, name, n) == 0)
            return true;
        p += len + (p[len] == ' ');
    }
    return false;
}

static const struct args_option *find_long(const struct args *a, const char *name,
                                           size_t n)
{
    for (size_t i = 0; i < args_n_option; i++) {
        const struct args_option *o = &args_options[i];
        if ((o->commands & command_bit(a)) &&
            (in_list(o->name, name, n) || in_list(o->alias, name, n)))
            return o;
    }
    return NULL;
}

static const struct args_option *find_letter(const struct args *a, char letter)
{
    for (size_t i = 0; i < args_n_option; i++)
        if ((args_options[i].commands & command_bit(a)) &&
            args_options[i].letter == letter)
            return &args_options[i];
    return NULL;
}

enum { WORD_MAX = 32 };

/* Edits (insert, delete, replace) between two words; long ones are never near. */
static unsigned distance(const char *a, size_t n, const char *b)
{
    const size_t m = strlen(b);
    if (n >= WORD_MAX || m >= WORD_MAX)
        return WORD_MAX;
    unsigned row[WORD_MAX];
    for (size_t j = 0; j <= m; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            const unsigned above = row[j];
            const unsigned edit = diagonal + (a[i - 1] != b[j - 1]);
            const unsigned gap = (above < row[j - 1] ? above : row[j - 1]) + 1;
            row[j] = edit < gap ? edit : gap;
            diagonal = above;
        }
    }
    return row[m];
}

static enum args_result unknown_option(const struct args *a, const char *word)
{
    const char *name = word + strspn(word, "-");
    const size_t n = strcspn(name, "=");
    const char *near = NULL;
    unsigned best = n <= 3 ? 2 : 3; /* at or above: too far to be meant */
    for (size_t i = 0; i < args_n_option; i++) {
        const struct args_option *o = &args_options[i];
        if (!(o->commands & command_bit(a)))
            continue;
        unsigned d = distance(name, n, o->name);
        if ((n >= 4 || n == 1) && strncmp(o->name, name, n) == 0)
            d = 1; /* the beginning of a name */
        if (d < best) {
            best = d;
            near = o->name;
        }
    }
    const int shown = (int)(n + (size_t)(name - word));
    if (near)
        args_wrong(a, "unknown option %.*s. Did you mean --%s?", shown, word, near);
    else
        args_wrong(a, "unknown option %.*s.", shown, word);
    return ARGS_WRONG;
}

/* ---- the command line ----------------------------------------------------- */

/* Flags and the two that end the program; `value` is what stood after "=". */
static enum args_result set_flag(struct args *a, const struct args_option *o,
                                 const char *from, const char *value)
{
    void *field = (char *)a + o->field;
    if (o->kind == ARGS_LAYER) {
        a->show_experts = true;
        return !value || set_value(a, o, from, value) ? ARGS_GO : ARGS_WRONG;
    }
    if (value) {
        args_wrong(a, "%s takes no value, but was given \"%s\".", from, value);
        return ARGS_WRONG;
    }
    switch (o->kind) {
    case ARGS_HELP:
        args_help_command(stdout, a->command);
        return ARGS_DONE;
    case ARGS_VERSION:
        printf("lemnos %s\n", lem_version());
        return ARGS_DONE;
    case ARGS_COUNT:
        ++*(uint32_t *)field;
        return ARGS_GO;
    default:
        *(bool *)field = true;
        return ARGS_GO;
    }
}

struct cursor {
    char **word; /* [n] */
    int n, i;    /* i: the word being read */
};

static enum args_result take_value(struct args *a, const struct args_option *o,
                                   const char *from, const char *value, struct cursor *c)
{
    if (!value && c->i + 1 >= c->n) {
        args_wrong(a, "%s needs a value: %s %s.", from, from, o->value);
        return ARGS_WRONG;
    }
    if (!value)
        value = c->word[++c->i];
    return set_value(a, o, from, value) ? ARGS_GO : ARGS_WRONG;
}

static enum args_result read_long(struct args *a, struct cursor *c)
{
    const char *word = c->word[c->i];
    const size_t n = strcspn(word + 2, "=");
    const char *value = word[2 + n] == '=' ? word + 3 + n : NULL;
    const struct args_option *o = find_long(a, word + 2, n);
    if (!o)
        return unknown_option(a, word);
    char from[WORD_MAX + 2];
    snprintf(from, sizeof from, "%.*s", (int)(n + 2), word);
    return has_value(o) ? take_value(a, o, from, value, c) : set_flag(a, o, from, value);
}

/* -n 5, -n5, -n=5, -vv, -vq */
static enum args_result read_letters(struct args *a, struct cursor *c)
{
    const char *word = c->word[c->i];
    for (const char *p = word + 1; *p; p++) {
        const struct args_option *o = find_letter(a, *p);
        const char from[3] = {'-', *p, '\0'};
        if (!o)
            return unknown_option(a, word);
        if (!has_value(o)) {
            const enum args_result r = set_flag(a, o, from, NULL);
            if (r != ARGS_GO)
                return r;
            continue;
        }
        const char *value = p[1] == '=' ? p + 2 : p[1] ? p + 1 : NULL;
        /* "-ngl": no number stuck to -n, but an option that is not ours. */
        const bool number =
            o->kind != ARGS_TEXT && o->kind != ARGS_CAPS && o->kind != ARGS_CHOICE;
        if (value && number && !strchr("0123456789.-+", value[0]))
            return unknown_option(a, word);
        return take_value(a, o, from, value, c);
    }
    return ARGS_GO;
}

static enum args_result read_words(struct args *a, struct cursor *c)
{
    bool options = true;
    for (c->i = 0; c->i < c->n; c->i++) {
        char *word = c->word[c->i];
        enum args_result r = ARGS_GO;
        if (options && strcmp(word, "--") == 0)
            options = false;
        else if (options && strncmp(word, "--", 2) == 0)
            r = read_long(a, c);
        else if (options && word[0] == '-' && word[1])
            r = read_letters(a, c);
        else
            /* Words move to the front: c->i never falls behind n_word. */
            c->word[a->n_word++] = word;
        if (r != ARGS_GO)
            return r;
    }
    a->word = c->word;
    if (a->n_word > 0 && !a->command->takes_words) {
        args_wrong(a, "%s takes options only: what is \"%s\"?", a->command->name,
                   a->word[0]);
        return ARGS_WRONG;
    }
    return ARGS_GO;
}

static bool read_defaults(struct args *a)
{
    for (size_t i = 0; i < args_n_option; i++) {
        const struct args_option *o = &args_options[i];
        if (!(o->commands & command_bit(a)))
            continue;
        if (o->initial && !set_value(a, o, o->name, o->initial))
            return false;
        const char *env = o->env ? getenv(o->env) : NULL;
        void *field = (char *)a + o->field;
        if (env && *env && o->kind == ARGS_CAPS) /* both are checked if they stay there */
            *(const char **)field = env;
        else if (env && *env && o->kind == ARGS_CHOICE)
            (void)args_to_choice(env, o->value, field);
        else if (env && *env && !set_value(a, o, o->env, env))
            return false;
    }
    a->show_layer = ARGS_NO_LAYER;
    a->no_color = getenv("NO_COLOR");
    a->term = getenv("TERM");
    a->colorterm = getenv("COLORTERM");
    a->xdg_cache = getenv("XDG_CACHE_HOME");
    a->home = getenv("HOME");
    return true;
}

/* Options that the command line has not replaced. */
static bool check_environment(const struct args *a)
{
    for (size_t i = 0; i < args_n_option; i++) {
        const struct args_option *o = &args_options[i];
        const void *field = (const char *)a + o->field;
        const char *env = o->env ? getenv(o->env) : NULL;
        if (!(o->commands & command_bit(a)) || !env)
            continue;
        if ((o->kind == ARGS_CAPS && *(const char *const *)field == env &&
             !args_is_profile(env)) ||
            (o->kind == ARGS_CHOICE && *(const uint32_t *)field == ARGS_NO_CHOICE))
            return wrong_value(a, o, o->env, env);
    }
    return true;
}

static const struct args_command *find_command(const char *name)
{
    for (int i = 0; i < CMD_COUNT; i++)
        if (strcmp(args_commands[i].name, name) == 0)
            return &args_commands[i];
    return NULL;
}

static enum args_result unknown_command(const struct args *a, const char *name)
{
    const char *near = NULL;
    unsigned best = 3;
    for (int i = 0; i < CMD_COUNT; i++) {
        const unsigned d = distance(name, strlen(name), args_commands[i].name);
        if (d < best) {
            best = d;
            near = args_commands[i].name;
        }
    }
    if (near)
        args_wrong(a, "unknown command \"%s\". Did you mean %s?", name, near);
    else
        args_wrong(a, "unknown command \"%s\".", name);
    return ARGS_WRONG;
}

/* What stands where a command should. */
static enum args_result read_other(struct args *a, int argc, char **argv)
{
    const char *word = argv[1];
    if (strcmp(word, "--version") == 0 || strcmp(word, "version") == 0) {
        printf("lemnos %s\n", lem_version());
        return ARGS_DONE;
    }
    const bool help = strcmp(word, "help") == 0;
    if (help && argc > 2) {
        const struct args_command *command = find_command(argv[2]);
        if (!command)
            return unknown_command(a, argv[2]);
        args_help_command(stdout, command);
        return ARGS_DONE;
    }
    if (help || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        args_help_program(stdout);
        return ARGS_DONE;
    }
    if (word[0] == '-') {
        args_wrong(a, "the command comes first: lemnos COMMAND %s.", word);
        return ARGS_WRONG;
    }
    return unknown_command(a, word);
}

enum args_result args_read(struct args *a, int argc, char **argv)
{
    *a = (struct args){0};
    if (argc < 2) {
        args_help_program(stderr);
        return ARGS_WRONG;
    }
    a->command = find_command(argv[1]);
    if (!a->command)
        return read_other(a, argc, argv);
    if (!read_defaults(a))
        return ARGS_WRONG;
    struct cursor c = {.word = argv + 2, .n = argc - 2};
    const enum args_result r = read_words(a, &c);
    return r == ARGS_GO && !check_environment(a) ? ARGS_WRONG : r;
}
