/* scratch.h - a folder of its own for a test that writes files. */
#ifndef SUPPORT_SCRATCH_H
#define SUPPORT_SCRATCH_H

struct scratch {
    char dir[256];
    char path[512]; /* made by scratch_path() */
};

/* Makes the folder; aborts when that is not possible. */
void scratch_open(struct scratch *s);
/* "dir/name", valid until the next call. */
const char *scratch_path(struct scratch *s, const char *name);
/* How many files and folders are in it. */
int scratch_count(const struct scratch *s);
/* Removes the folder and the files in it. */
void scratch_close(struct scratch *s);

#endif
