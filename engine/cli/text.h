/* text.h - text in and out: reading files, checking UTF-8, lists of ids. */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Bytes on the heap, always with a terminator after them. {0} is empty. */
struct text {
    char *data;
    size_t n, cap;
};

/* False when memory ran out; said on stderr. */
bool text_add(struct text *t, const void *data, size_t n);
void text_free(struct text *t);
/* A terminated text on the heap; NULL when memory ran out, not said. */
char *text_copy(const char *s);

/* All of a file; "-" is standard input. Says on stderr what failed. */
bool text_read(struct text *t, const char *path);
/* Words with one space between them. */
bool text_join(struct text *t, char *const *word, int n_word);

/* \n \t \r \\ \" \' \xHH in place; anything else after a backslash stays as it is. */
void text_unescape(struct text *t);

/* Is it all UTF-8? If not, `what` ("the prompt") and the byte are named on stderr. */
bool text_check_utf8(const struct text *t, const char *what);
bool text_check_string(const char *s, const char *what);
/* Is there no NUL in it? */
bool text_check_no_nul(const struct text *t, const char *what);
/* Bytes of the character at `s`, 0 if there is no valid one within `n` bytes. */
size_t text_utf8_length(const char *s, size_t n);
/* Add, with U+FFFD for each byte that is no part of a character. */
bool text_add_utf8(struct text *t, const char *s, size_t n);
/* Write, with U+FFFD for each byte that is no part of a character. */
void text_write_utf8(FILE *out, const char *s, size_t n);

/* "34.5 MiB" */
struct text_size {
    char s[24];
};
struct text_size text_bytes(uint64_t bytes);

/* Ids on the heap. */
struct text_ids {
    int32_t *id;
    size_t n, cap;
};
bool text_ids_add(struct text_ids *ids, int32_t id);
void text_ids_free(struct text_ids *ids);
/* Ids between commas, white space and brackets. `what` names the list in messages;
 * each id must be below n_vocab. A comma has an id before and after it. */
bool text_read_ids(struct text_ids *ids, const char *s, size_t n, uint32_t n_vocab,
                   const char *what);
/* Where the first comma stands that has not; n: there is none. */
size_t text_find_lone_comma(const char *s, size_t n);

#endif
