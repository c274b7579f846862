/* args_help.c - help texts, made from the tables of commands and options. */
#include "cli/args.h"

#include <string.h>

#include "lemnos/lemnos.h"

enum { WIDTH = 80, COLUMN = 28 };

/* Print `text` in lines of WIDTH, all but the first after `indent` spaces; the
 * cursor stands at column `at`. */
static void wrap(FILE *out, const char *text, int indent, int at)
{
    bool first = true;
    for (const char *p = text; *p;) {
        const int n = (int)strcspn(p, " ");
        if (!first && at + 1 + n > WIDTH) {
            fprintf(out, "\n%*s", indent, "");
            at = indent;
        } else if (!first) {
            fputc(' ', out);
            at++;
        }
        fprintf(out, "%.*s", n, p);
        at += n;
        p += n + (p[n] == ' ');
        first = false;
    }
    fputc('\n', out);
}

static void print_option(FILE *out, const struct args_option *o)
{
    char left[64];
    const char *value = o->value ? o->value : "";
    const char *gap = o->value && o->value[0] != '[' ? " " : "";
    if (o->letter)
        snprintf(left, sizeof left, "  -%c, --%s%s%s", o->letter, o->name, gap, value);
    else
        snprintf(left, sizeof left, "      --%s%s%s", o->name, gap, value);
    int at = fprintf(out, "%s", left);
    if (at > COLUMN - 2) {
        fputc('\n', out);
        at = 0;
    }
    fprintf(out, "%*s", COLUMN - at, "");

    char text[512];
    const char *from = o->initial ? o->initial : o->env;
    const char *word = o->initial ? "default " : "variable ";
    if (from)
        snprintf(text, sizeof text, "%s (%s%s)", o->help, word, from);
    else
        snprintf(text, sizeof text, "%s", o->help);
    wrap(out, text, COLUMN, COLUMN);
}

void args_help_command(FILE *out, const struct args_command *command)
{
    const uint32_t bit = 1u << (command - args_commands);
    fprintf(out, "lemnos %s - %s\n\n", command->name, command->summary);
    fprintf(out, "Usage: lemnos %s %s\n\n", command->name, command->usage);
    if (command->text[0]) {
        wrap(out, command->text, 0, 0);
        fputc('\n', out);
    }
    fputs("Options:\n", out);
    for (size_t i = 0; i < args_n_option; i++)
        if (args_options[i].commands & bit)
            print_option(out, &args_options[i]);
    fputs("\nExamples:\n", out);
    for (const char *p = command->examples; *p;) {
        const int n = (int)strcspn(p, "\n");
        fprintf(out, "  %.*s\n", n, p);
        p += n + (p[n] == '\n');
    }
}

void args_help_program(FILE *out)
{
    fprintf(
        out,
        "lemnos %s - runs Mixture-of-Experts language models on Vulkan and shows which "
        "experts\neach token chose\n\n"
        "Usage: lemnos COMMAND [OPTIONS]\n\nCommands:\n",
        lem_version());
    for (int i = 0; i < CMD_COUNT; i++)
        fprintf(out, "  %-12s%s\n", args_commands[i].name, args_commands[i].summary);
    fputs("\nlemnos COMMAND --help tells all about one; lemnos --version the version.\n\n"
          "Exit codes: 0 done, 1 failed (the reason is on stderr), 2 wrong usage.\n\n"
          "Environment:\n"
          "  LEMNOS_MODEL    default of --model\n"
          "  LEMNOS_DEVICE   default of --device\n"
          "  LEMNOS_CAPS     default of --caps\n"
          "  NO_COLOR        when set and not empty: no colours\n"
          "  XDG_CACHE_HOME  where the pipeline cache goes (default ~/.cache)\n\n"
          "Examples:\n"
          "  lemnos run Once upon a time\n"
          "  lemnos run --show-experts \"The wolf said\"\n"
          "  lemnos info -m model.gguf\n",
          out);
}
