/* env.c - variables of the environment. */
#include "base/env.h"

#include <stdlib.h>
#ifdef _WIN32
#include <windows.h>
#endif

void env_suggest(const char *name, const char *value)
{
#ifdef _WIN32
    if (GetEnvironmentVariableA(name, NULL, 0) == 0) /* the length, with the end */
        _putenv_s(name, value);
#else
    setenv(name, value, 0);
#endif
}
