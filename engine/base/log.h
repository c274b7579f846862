/* log.h - formatted messages to the caller's callback. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "lemnos/common.h"

/* Format and hand over one message; silent when `log` or its callback is NULL.
 * Messages longer than 1023 bytes are cut. */
__attribute__((format(printf, 3, 4))) void log_msg(const struct lem_log *log,
                                                   enum lem_log_level level,
                                                   const char *fmt, ...);

/* Log at error level and return `status`, so that failing is one line:
 *     return log_fail(log, LEM_ERR_FORMAT, "%s: …", path); */
__attribute__((format(printf, 3, 4))) enum lem_status log_fail(const struct lem_log *log,
                                                               enum lem_status status,
                                                               const char *fmt, ...);

/* Tell `progress`, if somebody watches. */
void log_progress(const struct lem_progress *progress, const char *what, uint64_t done,
                  uint64_t total);

#endif
