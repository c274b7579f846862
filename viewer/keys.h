/* keys.h - which key gives which command; the page of keys shows this table. */
#ifndef VIEWER_KEYS_H
#define VIEWER_KEYS_H

#include "scene.h"

enum { KEYS_SHIFT = 1, KEYS_CTRL = 2 };

struct key {
    int symbol;    /* an SDL_Keycode */
    unsigned with; /* KEYS_SHIFT, KEYS_CTRL */
    enum command command;
    /* As the page of keys says it; NULL in a row that belongs to the one above. */
    const char *name, *does;
};

/* CMD_NONE for most. */
enum command keys_command(int symbol, unsigned with);
/* The whole table; *n receives its rows. */
const struct key *keys_table(size_t *n);

#endif
