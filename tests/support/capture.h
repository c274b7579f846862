/* capture.h - a log that remembers, for tests of what went wrong and how it is said. */
#ifndef SUPPORT_CAPTURE_H
#define SUPPORT_CAPTURE_H

#include "lemnos/common.h"

struct capture {
    unsigned n_error, n_other; /* lines so far */
    char error[1024];          /* the last error line */
    bool unchecked;            /* a device was opened without the validation layer */
};

/* A log into `c`, which must stay where it is. */
struct lem_log capture_log(struct capture *c);

/* Fails the test unless exactly one error line came, and it contains `text` (NULL:
 * any). Clears `c`. */
void assert_said(struct capture *c, const char *text);

/* Fails the test if an error line came. */
void assert_silent(const struct capture *c);

#endif
