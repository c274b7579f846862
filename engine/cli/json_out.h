/* json_out.h - JSON on standard output, by cJSON. */
#ifndef CLI_JSON_OUT_H
#define CLI_JSON_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cJSON;

/* One object in the making. Memory running out is remembered and told by
 * json_print(), so that nothing in between has to be checked. */
struct json_out {
    struct cJSON *root;
    bool bad;
};

void json_begin(struct json_out *j);
/* In `at` (NULL = the root), an object or an array; `key` is NULL in an array. */
void json_num(struct json_out *j, struct cJSON *at, const char *key, double v);
/* All digits of a number that a double may not hold. */
void json_u64(struct json_out *j, struct cJSON *at, const char *key, uint64_t v);
void json_bool(struct json_out *j, struct cJSON *at, const char *key, bool v);
/* Bytes that are no UTF-8 become U+FFFD. */
void json_str(struct json_out *j, struct cJSON *at, const char *key, const char *v);
void json_ids(struct json_out *j, struct cJSON *at, const char *key, const int32_t *id,
              size_t n);
/* NULL when memory ran out: fine as `at` above, what is put there is lost. */
struct cJSON *json_object(struct json_out *j, struct cJSON *at, const char *key);
struct cJSON *json_array(struct json_out *j, struct cJSON *at, const char *key);

/* Print as one line and free; false, said on stderr, when memory ran out. */
bool json_print(struct json_out *j);

/* A string with quotes and escapes, to be freed; NULL when memory ran out. */
char *json_quote(const char *s, size_t n);

#endif
