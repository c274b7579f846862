/* out_file.h - a result file that is there whole or not at all. */
#ifndef CLI_OUT_FILE_H
#define CLI_OUT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* {0} is a file nobody asked for: all calls are fine and do nothing. */
struct out_file {
    FILE *stream;
    char *path; /* where it will stand */
    char *temp; /* where it grows; NULL = written in place (a device, a pipe) */
    int error;  /* errno of the first write that failed */
};

/* Open for writing beside `path`, which stays as it is until out_file_commit(); "-" is
 * standard output.
 * Each of these says on stderr what failed. A NULL `path` leaves {0}. */
bool out_file_open(struct out_file *f, const char *path);
bool out_file_write(struct out_file *f, const void *data, size_t n);
__attribute__((format(printf, 2, 3))) bool out_file_print(struct out_file *f,
                                                          const char *fmt, ...);
/* All of it is on its way to the disk and no more can be written: for several files of
 * which either all are to be there or none. Then out_file_commit(). */
bool out_file_finish(struct out_file *f);
bool out_file_commit(struct out_file *f);
/* Leave nothing behind; nothing to do after a commit. */
void out_file_drop(struct out_file *f);

#endif
