/* prefs.c - what is remembered from one call to the next. */
#include "prefs.h"

#include <stdio.h>
#include <string.h>

#include "os.h"

static const char first_line[] = "lemnos-viewer state 1";

enum { MIN_SIDE = 200, MAX_SIDE = 16384, FARTHEST = 1 << 20 };

/* One "name value" of the file. False where it says nothing that can be. */
static bool take(struct prefs *p, const char *name, const char *value)
{
    int a, b;
    char end;
    if (strcmp(name, "window") == 0) {
        if (sscanf(value, "%dx%d%c", &a, &b, &end) != 2 || a < MIN_SIDE || b < MIN_SIDE ||
            a > MAX_SIDE || b > MAX_SIDE)
            return false;
        p->w = a;
        p->h = b;
        return true;
    }
    if (strcmp(name, "place") == 0) {
        if (sscanf(value, "%d,%d%c", &a, &b, &end) != 2 || a < -FARTHEST ||
            a > FARTHEST || b < -FARTHEST || b > FARTHEST)
            return false;
        p->x = a;
        p->y = b;
        p->has_place = true;
        return true;
    }
    if (strcmp(name, "view") == 0 || strcmp(name, "side") == 0) {
        const enum view view = scene_find_view(value);
        *(name[0] == 'v' ? &p->view : &p->side) = view;
        return view != VIEW_COUNT;
    }
    if (sscanf(value, "%d%c", &a, &end) != 1 || a < 0)
        return false;
    if (strcmp(name, "colour") == 0) {
        p->color = (enum color_by)a;
        return a < COLOR_COUNT;
    }
    if (strcmp(name, "bank") == 0) {
        p->bank = (enum bank_of)a;
        return a < BANK_COUNT;
    }
    p->light = a == 1;
    return strcmp(name, "light") == 0 && a < 2;
}

bool prefs_read(struct prefs *p, const char *path, char *message, size_t cap)
{
    struct prefs got = *p;
    char line[128] = "", name[32], value[64];
    message[0] = '\0';
    FILE *f = fopen(path, "r");
    if (!f)
        return false;
    bool ok = fgets(line, sizeof line, f) != NULL;
    line[strcspn(line, "\n")] = '\0';
    ok = ok && strcmp(line, first_line) == 0;
    while (ok && fgets(line, sizeof line, f))
        ok = sscanf(line, "%31s %63s", name, value) == 2 && take(&got, name, value);
    fclose(f);
    if (ok)
        *p = got;
    else
        snprintf(message, cap,
                 "%s was damaged and is not used; it is written anew at the end.", path);
    return ok;
}

bool prefs_write(const struct prefs *p, const char *path, char *message, size_t cap)
{
    char part[1100];
    const int n = snprintf(part, sizeof part, "%s.part", path);
    FILE *f = n > 0 && (size_t)n < sizeof part ? fopen(part, "w") : NULL;
    if (f) {
        fprintf(f, "%s\n", first_line);
        if (p->w > 0)
            fprintf(f, "window %dx%d\n", p->w, p->h);
        if (p->has_place)
            fprintf(f, "place %d,%d\n", p->x, p->y);
        fprintf(f, "view %s\nside %s\ncolour %d\nbank %d\nlight %d\n",
                scene_view_name(p->view), scene_view_name(p->side), (int)p->color,
                (int)p->bank, p->light);
        if (fclose(f) == 0 && os_replace(part, path))
            return true;
        remove(part);
    }
    snprintf(message, cap, "%s: cannot be written; window and view are not remembered",
             path);
    return false;
}
