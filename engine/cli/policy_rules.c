/* policy_rules.c - reads the lists of --ban, --force and --bias. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/policy.h"
#include "lemnos/session.h"

static bool read_number(const char **text, uint32_t *out)
{
    char *end;
    if (!isdigit((unsigned char)**text))
        return false;
    errno = 0;
    const unsigned long long v = strtoull(*text, &end, 10);
    if (errno || v >= LEM_ALL_LAYERS)
        return false;
    *out = (uint32_t)v;
    *text = end;
    return true;
}

static bool read_layer(const char **text, uint32_t *out)
{
    const size_t n = strncmp(*text, "all", 3) == 0 ? 3 : **text == '*' ? 1 : 0;
    if (n == 0)
        return read_number(text, out);
    *text += n;
    *out = LEM_ALL_LAYERS;
    return true;
}

static bool take(const char **text, char c)
{
    const bool there = **text == c;
    *text += there;
    return there;
}

static bool read_bias(const char **text, float *out)
{
    char *end;
    *out = strtof(*text, &end);
    const bool ok = end != *text && **text != ' ' && isfinite(*out);
    *text = end;
    return ok;
}

enum policy_next policy_next_rule(const char **text, bool with_bias,
                                  struct policy_rule *out)
{
    *out = (struct policy_rule){0};
    if (**text == '\0')
        return POLICY_END;
    const bool ok = read_layer(text, &out->layer) && take(text, ':') &&
                    read_number(text, &out->expert) &&
                    (!with_bias || (take(text, '=') && read_bias(text, &out->bias)));
    if (!ok || (**text && !(take(text, ',') && **text)))
        return POLICY_BAD;
    return POLICY_RULE;
}

bool policy_rules_ok(const char *text, bool with_bias)
{
    struct policy_rule rule;
    enum policy_next next = POLICY_BAD;
    if (*text)
        while ((next = policy_next_rule(&text, with_bias, &rule)) == POLICY_RULE)
            ;
    return next == POLICY_END;
}
