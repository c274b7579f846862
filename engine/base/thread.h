/* thread.h - threads, locks and the clock of the operating system. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <stdbool.h>
#include <stdint.h>
#ifdef _WIN32
#include <windows.h>
struct thread {
    HANDLE handle;
    void (*fn)(void *);
    void *arg;
};
struct mutex {
    SRWLOCK lock;
};
struct cond {
    CONDITION_VARIABLE cv;
};
#else
#include <pthread.h>
struct thread {
    pthread_t handle;
    void (*fn)(void *);
    void *arg;
};
struct mutex {
    pthread_mutex_t lock;
};
struct cond {
    pthread_cond_t cv;
};
#endif

/* Run fn(arg) on a new thread; `t` must stay where it is until joined. */
bool thread_start(struct thread *t, void (*fn)(void *), void *arg);
void thread_join(struct thread *t);
/* Processors this process may use, at least 1. */
uint32_t thread_cpus(void);

void mutex_init(struct mutex *m);
void mutex_finish(struct mutex *m);
void mutex_lock(struct mutex *m);
void mutex_unlock(struct mutex *m);

void cond_init(struct cond *c);
void cond_finish(struct cond *c);
void cond_wait(struct cond *c, struct mutex *m);
/* No longer than `ns`, about; a clock that is set meanwhile may change that. */
void cond_wait_for(struct cond *c, struct mutex *m, uint64_t ns);
void cond_wake_all(struct cond *c);

/* Nanoseconds of a clock that never goes back. */
uint64_t clock_ns(void);

#endif
