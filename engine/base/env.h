/* env.h - variables of the environment. */
#ifndef BASE_ENV_H
#define BASE_ENV_H

/* Give a variable a value unless it has one, be it empty. For the process and all that is
 * in it: only before other threads may read the environment. */
void env_suggest(const char *name, const char *value);

#endif
