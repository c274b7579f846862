/* args_value.h - the words of a command line as values. All are false when the word is
 * not one, all of it. */
#ifndef CLI_ARGS_VALUE_H
#define CLI_ARGS_VALUE_H

#include "cli/args.h"

bool args_to_i64(const char *s, int64_t *out);
/* Finite. */
bool args_to_f64(const char *s, double *out);
/* 4096, 800M, 6G, 1.5GiB: bytes, above 0 */
bool args_to_size(const char *s, uint64_t *out);
/* "1,2,4": up to ARGS_MAX_LIST numbers, each from `min` to `max` */
bool args_to_list(const char *s, double min, double max, struct args_list *out);
/* auto, always, never */
bool args_to_when(const char *s, enum args_when *out);

/* The number of `s` among the words "this|that"; else ARGS_NO_CHOICE. */
#define ARGS_NO_CHOICE UINT32_MAX
bool args_to_choice(const char *s, const char *words, uint32_t *out);
/* Does lem_device_params.caps know it? */
bool args_is_profile(const char *s);

#endif
