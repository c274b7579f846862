/* files.c - no result may be written over what is being read, or over another result. */
#include "cli/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/app.h"
#include "cli/os.h"

struct named {
    const char *option, *path;
};

static bool same(const char *a, const char *b)
{
    static const char *const out[] = {"-", "/dev/stdout"};
    const bool a_out = !strcmp(a, out[0]) || !strcmp(a, out[1]);
    const bool b_out = !strcmp(b, out[0]) || !strcmp(b, out[1]);
    return a_out || b_out ? a_out && b_out : os_same_file(a, b);
}

/* Part `i` of a model split as name-00001-of-0000N.gguf; false when it has no such part.
 */
static bool part_of(const char *model, unsigned i, char *out, size_t cap)
{
    static const char first[] = "-00001-of-";
    const char *at = strstr(model, first);
    for (const char *next = at; next; next = strstr(next + 1, first))
        at = next;
    const unsigned long n = at ? strtoul(at + strlen(first), NULL, 10) : 1;
    if (i == 0)
        return snprintf(out, cap, "%s", model) < (int)cap;
    return at && i < n &&
           snprintf(out, cap, "%.*s-%05u%s", (int)(at - model), model, i + 1, at + 6) <
               (int)cap;
}

static bool is_model(const char *path, const char *model)
{
    char part[PATHS_MAX];
    for (unsigned i = 0; part_of(model, i, part, sizeof part); i++)
        if (same(path, part))
            return true;
    return false;
}

static bool clash(const struct named *to, const char *what)
{
    app_error("%s %s would write over %s. Name another file.", to->option, to->path,
              what);
    return false;
}

/* Is it none of the files that are read? */
static bool spares_inputs(const struct args *a, const char *model, const struct named *to)
{
    const struct named from[] = {{"the text of -f", a->file},
                                 {"the policy of --policy", a->policy[0]},
                                 {"the policy of --policy", a->policy[1]}};
    if (is_model(to->path, model))
        return clash(to, "the model");
    for (size_t k = 0; k < sizeof from / sizeof *from; k++)
        if (from[k].path && same(to->path, from[k].path))
            return clash(to, from[k].option);
    return true;
}

bool files_may_write(const struct args *a, const char *model, const char *what,
                     const char *path)
{
    return spares_inputs(a, model, &(struct named){what, path});
}

bool files_apart(const struct args *a, const char *model)
{
    const struct named to[] = {{"--routing", a->routing},
                               {"--logits", a->logits},
                               {"--trace", a->trace},
                               {"--save-policy", a->save_policy}};
    enum { N_TO = sizeof to / sizeof *to };
    for (int i = 0; i < N_TO; i++) {
        if (!to[i].path)
            continue;
        if (!spares_inputs(a, model, &to[i]))
            return false;
        for (int k = 0; k < i; k++)
            if (to[k].path && same(to[i].path, to[k].path)) {
                char what[64];
                snprintf(what, sizeof what, "the result of %s", to[k].option);
                return clash(&to[i], what);
            }
    }
    return true;
}
