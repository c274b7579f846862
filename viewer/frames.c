/* frames.c - when the next frame is due, and what the frames so far have cost. */
#include "frames.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <SDL.h>

enum { MAX_ALL = 100000, SORT_EVERY = 16 };

static const double PERIOD_LEAST = 1.0 / 60, PERIOD_MOST = 1.0 / 30, SHARE = 3;

static double milliseconds(uint64_t ticks)
{
    return (double)ticks * 1e3 / (double)SDL_GetPerformanceFrequency();
}

bool frames_open(struct frames *f, uint64_t started, bool keep_all)
{
    *f = (struct frames){.started = started, .due = SDL_GetPerformanceCounter()};
    if (keep_all)
        f->all = calloc(MAX_ALL, sizeof *f->all);
    return f->all || !keep_all;
}

void frames_close(struct frames *f)
{
    free(f->all);
    f->all = NULL;
}

/* ---- when ----------------------------------------------------------------------------
 */

static uint64_t period(const struct frames *f)
{
    double s = SHARE * (double)f->median / 1000;
    s = s > PERIOD_LEAST ? s : PERIOD_LEAST;
    s = s < PERIOD_MOST ? s : PERIOD_MOST;
    return (uint64_t)(s * (double)SDL_GetPerformanceFrequency());
}

int frames_wait(const struct frames *f)
{
    const uint64_t now = SDL_GetPerformanceCounter();
    /* Rounded up: a little late, which the next one makes good. */
    return now < f->due ? (int)(milliseconds(f->due - now) + 1) : 0;
}

/* A frame that came late does not make the next ones hurry. */
static void set_due(struct frames *f, uint64_t now)
{
    const uint64_t step = period(f);
    f->due = f->due + step > now ? f->due + step : now + step / 4;
}

void frames_skip(struct frames *f)
{
    f->due = SDL_GetPerformanceCounter() + period(f);
}

/* ---- what they cost ------------------------------------------------------------------
 */

static int by_size(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void sort_recent(struct frames *f)
{
    float sorted[FRAMES_RECENT];
    const unsigned n = f->n < FRAMES_RECENT ? f->n : FRAMES_RECENT;
    memcpy(sorted, f->recent, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_size);
    f->n_known = n;
    f->median = sorted[n / 2];
    f->p99 = sorted[n * 99 / 100];
}

void frames_begin(struct frames *f)
{
    f->start = SDL_GetPerformanceCounter();
    f->cpu = clock();
}

void frames_end(struct frames *f)
{
    const uint64_t now = SDL_GetPerformanceCounter();
    const float ms = (float)milliseconds(now - f->start);
    f->cpu_ms += (double)(clock() - f->cpu) * 1e3 / CLOCKS_PER_SEC;
    if (f->n == 0) {
        f->first = now;
        f->first_frame_ms = f->started ? milliseconds(now - f->started) : 0;
    }
    f->last = now;
    if (f->all && f->n < MAX_ALL)
        f->all[f->n] = ms;
    f->recent[f->n++ % FRAMES_RECENT] = ms;
    if (f->n % SORT_EVERY == 0)
        sort_recent(f);
    set_due(f, now);
}

/* Of all tokens that the model wrote, by the time each took. */
static double written_per_second(struct source *source, uint64_t n_token, unsigned *n)
{
    uint64_t us = 0;
    *n = 0;
    for (uint64_t i = source->n_prompt; source->live && i < n_token; i++) {
        struct lem_trace_token t;
        if (!source_token(source, i, &t))
            continue;
        us += t.total_us;
        ++*n;
    }
    return us ? *n * 1e6 / (double)us : 0;
}

bool frames_write(struct frames *f, const char *path, struct source *source,
                  uint64_t n_token)
{
    unsigned n_written;
    const unsigned n = f->n < MAX_ALL ? f->n : MAX_ALL;
    FILE *out = f->all && n ? fopen(path, "w") : NULL;
    if (!out)
        return false;
    qsort(f->all, n, sizeof *f->all, by_size);
    const double rate = written_per_second(source, n_token, &n_written);
    const double ms = milliseconds(f->last - f->first);
    fprintf(out,
            "{\"frames\":%u,\"frames_per_second\":%.1f,\"median_ms\":%.2f,"
            "\"p99_ms\":%.2f,\"worst_ms\":%.2f,\"cpu_ms\":%.2f,\"first_frame_ms\":%.1f,"
            "\"tokens\":%llu,\"written\":%u,\"written_per_second\":%.2f}\n",
            f->n, ms > 0 ? (f->n - 1) * 1e3 / ms : 0, (double)f->all[n / 2],
            (double)f->all[n * 99 / 100], (double)f->all[n - 1], f->cpu_ms / f->n,
            f->first_frame_ms, (unsigned long long)n_token, n_written, rate);
    return fclose(out) == 0;
}
