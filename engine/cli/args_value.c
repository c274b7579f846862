/* args_value.c - the words of a command line as values. */
#include "cli/args_value.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lemnos/lemnos.h"

bool args_to_i64(const char *s, int64_t *out)
{
    char *end;
    errno = 0;
    const long long v = strtoll(s, &end, 10);
    *out = v;
    return end != s && *end == '\0' && errno == 0 && s[0] != ' ';
}

bool args_to_f64(const char *s, double *out)
{
    char *end;
    *out = strtod(s, &end);
    return end != s && *end == '\0' && isfinite(*out) && s[0] != ' ';
}

bool args_to_size(const char *s, uint64_t *out)
{
    static const char unit[] = "KMGT";
    char *end;
    const double v = strtod(s, &end);
    if (end == s || !isfinite(v) || v <= 0)
        return false;
    double scale = 1;
    const char *u = *end ? strchr(unit, *end & ~0x20) : NULL;
    if (u) {
        for (const char *p = unit; p <= u; p++)
            scale *= 1024;
        end++;
    }
    const bool whole = !strcmp(end, "") || !strcmp(end, "B") || (u && !strcmp(end, "iB"));
    if (!whole || v * scale < 1 || v * scale >= 9e18)
        return false;
    *out = (uint64_t)(v * scale);
    return true;
}

bool args_to_list(const char *s, double min, double max, struct args_list *out)
{
    *out = (struct args_list){0};
    for (;;) {
        char *end;
        errno = 0;
        const long long v = strtoll(s, &end, 10);
        const bool number = end != s && s[0] != ' ' && errno == 0;
        if (!number || v < (long long)min || v > (long long)max ||
            out->n == ARGS_MAX_LIST)
            return false;
        out->v[out->n++] = (uint32_t)v;
        if (*end == '\0')
            return true;
        if (*end != ',')
            return false;
        s = end + 1;
    }
}

bool args_to_when(const char *s, enum args_when *out)
{
    static const char *const name[] = {"auto", "always", "never"};
    for (int i = 0; i < 3; i++) {
        if (strcmp(s, name[i]) == 0) {
            *out = (enum args_when)i;
            return true;
        }
    }
    return false;
}

bool args_to_choice(const char *s, const char *words, uint32_t *out)
{
    const size_t n = strlen(s);
    for (uint32_t i = 0;; i++) {
        const size_t length = strcspn(words, "|");
        if (length == n && memcmp(words, s, n) == 0) {
            *out = i;
            return true;
        }
        if (words[length] == '\0') {
            *out = ARGS_NO_CHOICE;
            return false;
        }
        words += length + 1;
    }
}

bool args_is_profile(const char *s)
{
    const char *name;
    for (uint32_t i = 0; (name = lem_device_caps_profile(i)) != NULL; i++)
        if (strcmp(s, name) == 0)
            return true;
    return false;
}
