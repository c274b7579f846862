/* drop.c - a file dropped onto the window: what it is is said by its name. */
#include "drop.h"

#include <stdio.h>
#include <string.h>

#include "steer.h"

static bool ends_with(const char *path, const char *end)
{
    const size_t n = strlen(path), m = strlen(end);
    return n > m && strcmp(path + n - m, end) == 0;
}

void drop_file(struct scene *s, const char *path, char *next, size_t cap)
{
    if (ends_with(path, ".json") && s->steer) {
        steer_load_from(s->steer, path);
        scene_say(s, "%s", s->steer->note);
    } else if (!ends_with(path, ".lemtrace") && !ends_with(path, ".gguf")) {
        scene_say(s,
                  "%s: drop a recording (.lemtrace), a model (.gguf) or a policy "
                  "(.json) here.",
                  path);
    } else if (strlen(path) >= cap) {
        scene_say(s, "The path of this file is too long.");
    } else {
        snprintf(next, cap, "%s", path);
        s->quit = true;
    }
}
