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
uint32_t os_process_id(void);

/* Make a folder in one that is there; false with errno set. */
bool os_make_folder(const char *path);
/* Remove a file; safe in a signal handler. */
void os_unlink(const char *path);
/* Have `fn` called on Ctrl-C and on requests to end. */
void os_on_signals(void (*fn)(int number));

#endif
