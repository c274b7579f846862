/* log.c - formatted messages to the caller's callback. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

enum { MESSAGE_MAX = 1024 };

static void vlog(const struct lem_log *log, enum lem_log_level level, const char *fmt,
                 va_list ap)
{
    if (!log || !log->fn)
        return;
    char text[MESSAGE_MAX];
    vsnprintf(text, sizeof text, fmt, ap);
    log->fn(log->priv, level, text);
}

void log_msg(const struct lem_log *log, enum lem_log_level level, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vlog(log, level, fmt, ap);
    va_end(ap);
}

enum lem_status log_fail(const struct lem_log *log, enum lem_status status,
                         const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vlog(log, LEM_LOG_ERROR, fmt, ap);
    va_end(ap);
    return status;
}

void log_progress(const struct lem_progress *progress, const char *what, uint64_t done,
                  uint64_t total)
{
    if (progress && progress->fn)
        progress->fn(progress->priv, what, done, total);
}
