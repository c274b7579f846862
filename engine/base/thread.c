/* thread.c - threads, locks and the clock of the operating system. */
#include "base/thread.h"

#ifdef _WIN32

static DWORD WINAPI entry(void *p)
{
    struct thread *t = p;
    t->fn(t->arg);
    return 0;
}

bool thread_start(struct thread *t, void (*fn)(void *), void *arg)
{
    t->fn = fn;
    t->arg = arg;
    t->handle = CreateThread(NULL, 0, entry, t, 0, NULL);
    return t->handle != NULL;
}

void thread_join(struct thread *t)
{
    WaitForSingleObject(t->handle, INFINITE);
    CloseHandle(t->handle);
}

uint32_t thread_cpus(void)
{
    SYSTEM_INFO info;
    GetSystemInfo(&info);
    return info.dwNumberOfProcessors ? info.dwNumberOfProcessors : 1;
}

void mutex_init(struct mutex *m)
{
    InitializeSRWLock(&m->lock);
}
void mutex_finish(struct mutex *m)
{
    (void)m;
}
void mutex_lock(struct mutex *m)
{
    AcquireSRWLockExclusive(&m->lock);
}
void mutex_unlock(struct mutex *m)
{
    ReleaseSRWLockExclusive(&m->lock);
}
void cond_init(struct cond *c)
{
    InitializeConditionVariable(&c->cv);
}
void cond_finish(struct cond *c)
{
    (void)c;
}
void cond_wait(struct cond *c, struct mutex *m)
{
    SleepConditionVariableSRW(&c->cv, &m->lock, INFINITE, 0);
}
void cond_wait_for(struct cond *c, struct mutex *m, uint64_t ns)
{
    SleepConditionVariableSRW(&c->cv, &m->lock, (DWORD)(ns / 1000000 + 1), 0);
}
void cond_wake_all(struct cond *c)
{
    WakeAllConditionVariable(&c->cv);
}

uint64_t clock_ns(void)
{
    LARGE_INTEGER now, per_second;
    QueryPerformanceCounter(&now);
    QueryPerformanceFrequency(&per_second);
    return (uint64_t)((double)now.QuadPart * 1e9 / (double)per_second.QuadPart);
}

#else

#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sched.h>
#endif

static void *entry(void *p)
{
    struct thread *t = p;
    t->fn(t->arg);
    return NULL;
}

bool thread_start(struct thread *t, void (*fn)(void *), void *arg)
{
    t->fn = fn;
    t->arg = arg;
    return pthread_create(&t->handle, NULL, entry, t) == 0;
}

void thread_join(struct thread *t)
{
    pthread_join(t->handle, NULL);
}

uint32_t thread_cpus(void)
{
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return (uint32_t)CPU_COUNT(&set);
#endif
    const long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (uint32_t)n : 1;
}

void mutex_init(struct mutex *m)
{
    pthread_mutex_init(&m->lock, NULL);
}

void mutex_finish(struct mutex *m)
{
    pthread_mutex_destroy(&m->lock);
}

void mutex_lock(struct mutex *m)
{
    pthread_mutex_lock(&m->lock);
}

void mutex_unlock(struct mutex *m)
{
    pthread_mutex_unlock(&m->lock);
}

void cond_init(struct cond *c)
{
    pthread_cond_init(&c->cv, NULL);
}

void cond_finish(struct cond *c)
{
    pthread_cond_destroy(&c->cv);
}

void cond_wait(struct cond *c, struct mutex *m)
{
    pthread_cond_wait(&c->cv, &m->lock);
}

void cond_wait_for(struct cond *c, struct mutex *m, uint64_t ns)
{
    enum { SECOND = 1000000000 };
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    ns += (uint64_t)t.tv_nsec;
    t.tv_sec += (time_t)(ns / SECOND);
    t.tv_nsec = (long)(ns % SECOND);
    pthread_cond_timedwait(&c->cv, &m->lock, &t);
}

void cond_wake_all(struct cond *c)
{
    pthread_cond_broadcast(&c->cv);
}

uint64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

#endif
