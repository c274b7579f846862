/* lemnos/common.h - what every other header needs: status codes, the log
 * callback, the progress callback, the version.
 * Stability: may change until 1.0; every change is listed in README.md, "Changes". */
#ifndef LEMNOS_COMMON_H
#define LEMNOS_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(LEM_STATIC)
#define LEM_API
#elif defined(_WIN32)
#ifdef LEM_BUILD
#define LEM_API __declspec(dllexport)
#else
#define LEM_API __declspec(dllimport)
#endif
#else
#define LEM_API __attribute__((visibility("default")))
#endif

#define LEM_VERSION_MAJOR 0
#define LEM_VERSION_MINOR 1
#define LEM_VERSION_PATCH 0

/* One list makes the enum and the text of lem_status_text(). */
#define LEM_STATUS_LIST(X)                                                               \
    X(LEM_OK, "success")                                                                 \
    X(LEM_ERR_ARGUMENT, "an argument is outside its documented range")                   \
    X(LEM_ERR_MEMORY, "host memory ran out")                                             \
    X(LEM_ERR_GPU_MEMORY, "GPU memory ran out")                                          \
    X(LEM_ERR_IO, "a file could not be opened, mapped, read or written")                 \
    X(LEM_ERR_FORMAT, "the file breaks its format")                                      \
    X(LEM_ERR_UNSUPPORTED, "valid, but this build or device cannot run it")              \
    X(LEM_ERR_NO_DEVICE, "no Vulkan loader, or no device that fits")                     \
    X(LEM_ERR_GPU, "the Vulkan driver reported a failure")                               \
    X(LEM_ERR_DEVICE_LOST, "the GPU stopped responding; open it again")                  \
    X(LEM_ERR_CONTEXT_FULL, "the context has no room for these tokens")                  \
    X(LEM_ERR_CANCELLED, "stopped because lem_session_cancel() was called")

enum lem_status {
#define LEM_STATUS_ENUM(name, text) name,
    LEM_STATUS_LIST(LEM_STATUS_ENUM)
#undef LEM_STATUS_ENUM
        LEM_STATUS_COUNT
};

/** In lists of expert ids, [..][n_expert_used]: a slot without an expert, weight 0.
 * Only a routing policy leaves such slots, always the last ones. */
#define LEM_NO_EXPERT 0xffff

/**
 * English text of a status code, for people. Never NULL.
 * Threads: any.
 */
LEM_API const char *lem_status_text(enum lem_status status);

/** "0.1.0". Threads: any. */
LEM_API const char *lem_version(void);

enum lem_log_level {
    LEM_LOG_ERROR, /* why a call failed: what, where, what to do */
    LEM_LOG_WARN,  /* went on, but something is not as it should be */
    LEM_LOG_INFO,  /* choices made: device, kernels, sizes */
    LEM_LOG_DEBUG
};

/**
 * Where messages go. {0} is silent.
 *
 * A call that returns anything but LEM_OK has logged exactly one
 * LEM_LOG_ERROR line that says what failed, where, and what to do; a call
 * that was given NULL where an object is needed has no log to write to.
 * Threads: `fn` is called on the thread that makes the failing call.
 */
struct lem_log {
    void (*fn)(void *priv, enum lem_log_level level, const char *text);
    void *priv;
};

/**
 * Progress of long work. {0} means nobody watches.
 * `done` and `total` count the unit that `what` names ("bytes uploaded").
 * Threads: `fn` is called by any of the threads that do the work, one at a time, and not
 * after the call has returned.
 */
struct lem_progress {
    void (*fn)(void *priv, const char *what, uint64_t done, uint64_t total);
    void *priv;
};

#ifdef __cplusplus
}
#endif
#endif
