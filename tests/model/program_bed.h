/* program_bed.h - what tests of the program on the model that ships share: two texts, a
 * folder, the environment, and numbers out of JSON. Everything fails the test when it
 * cannot be had. */
#ifndef MODEL_PROGRAM_BED_H
#define MODEL_PROGRAM_BED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "support/program.h"
#include "support/scratch.h"

#define ARGV(...) ((const char *const[]){LEM_TEST_PROGRAM, __VA_ARGS__, NULL})
#define TALES     LEM_TEST_ASSETS "/moe-tales-q8_0.gguf"

enum { BED_TEXTS = 2 };
extern const char *const bed_text[BED_TEXTS]; /* a tale and a program */

struct bed {
    struct scratch scratch, cache;
    char path[BED_TEXTS][512]; /* files with the texts */
    char file[512];            /* for a result */
    char caps[64], xdg[300];
    const char *env[3];
};

/* cmocka group set-up and tear-down. */
int bed_make(void **state);
int bed_remove(void **state);

/* Run the program; fails unless it ends with `code`. */
struct program bed_run(const struct bed *b, const char *const *argv, int code);
/* Its output, one JSON object; to be deleted. */
cJSON *bed_json(const struct bed *b, const char *const *argv);

/* A whole file, terminated, to free(). */
char *bed_read(const char *path);

cJSON *bed_item(const cJSON *o, const char *key);
double bed_number(const cJSON *o, const char *key);
double bed_at(const cJSON *list, uint32_t i);
/* Both computed in double. */
void bed_near(const cJSON *o, const char *key, double want);

#endif
