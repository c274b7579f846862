/* chat_cases.h - chat formats by the templates that models were published with. */
#ifndef SUPPORT_CHAT_CASES_H
#define SUPPORT_CHAT_CASES_H

#include <stddef.h>

/* One format. The conversations are:
 *   `full`:  system "Be brief.", user "Hello", assistant "Hi there ", user " Who? "
 *   `plain`: user "Hello"
 * on March 9, 2025, and the template is asked to open the answer. */
struct chat_case {
    const char *name;
    const char *words; /* of the template, with \n as its strings have it */
    const char *full, *plain;
};
extern const struct chat_case chat_cases[];
extern const size_t chat_n_case;

#endif
