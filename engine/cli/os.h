/* os.h - the few things the program asks of the operating system itself. */
#ifndef CLI_OS_H
#define CLI_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum os_file_kind { OS_FILE_NONE, OS_FILE_REGULAR, OS_FILE_FOLDER, OS_FILE_OTHER };

/* First thing in main(): every standard stream has a descriptor, a closed pipe is
 * an error of the write and not a signal, bytes go out as they are. */
void os_prepare(void);

bool os_is_terminal(FILE *stream);
/* Columns of the terminal behind `stream`; 80 where nobody knows. */
uint32_t os_terminal_width(FILE *stream);

/* Nanoseconds of a clock that never goes back. */
uint64_t os_now_ns(void);
/* The user's date; month 1 to 12. Zeros when it is not known. */
void os_today(int *year, int *month, int *day);
/* A number that differs from call to call and from run to run. */
uint64_t os_random(void);

/* Folder of the running program without the last slash; false when unknown. */
bool os_program_dir(char *out, size_t cap);

enum os_file_kind os_file_kind(const char *path);
/* fopen() with a UTF-8 path. */
FILE *os_open(const char *path, const char *mode);
/* Make a new file and open it for writing; NULL, errno EEXIST when it is there. */
FILE *os_create(const char *path);
/* Put `from` in the place of `to`, which may exist. */
bool os_replace(const char *from, const char *to);
/* The file behind links, into memory to be freed; NULL when there is none. */
char *os_real_path(const char *path);
/* Do two paths lead to one file, be it there or not? False for what is no regular file.
 */
bool os_same_file(const char *a, const char *b);
/* Give `to` the mode of `from`; what cannot be done is left. */
void os_copy_mode(const char *from, FILE *to);
/* May the file, which is there, be written to? */
bool os_may_write(const char *path);
uint32_t os_process_id(void);

/* Make a folder in one that is there; false with errno set. */
bool os_make_folder(const char *path);
/* Bytes that a new file in the folder may take; UINT64_MAX when nobody knows. */
uint64_t os_free_bytes(const char *folder);
/* Remove a file; safe in a signal handler. */
void os_unlink(const char *path);
/* Have `fn` called when a mapped file has become shorter than what is read of it. */
void os_on_lost_file(void (*fn)(int number));
/* Write to stderr and end the program at once; safe in a signal handler. */
_Noreturn void os_die(const char *text, int code);
/* Have `fn` called on Ctrl-C and on requests to end. */
void os_on_signals(void (*fn)(int number));

#endif
