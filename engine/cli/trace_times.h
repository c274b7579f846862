/* trace_times.h - what the tokens of a recording took: time by stage, and memory. */
#ifndef CLI_TRACE_TIMES_H
#define CLI_TRACE_TIMES_H

#include "lemnos/trace.h"

/* Sums over tokens that the model wrote. */
struct trace_times {
    uint64_t n, total_us; /* those whose time is known */
    uint64_t n_staged;    /* of them, those whose stages are known, too */
    uint64_t staged_us;   /* their total */
    uint64_t stage_us[LEM_TRACE_STAGE_COUNT];
};

extern const char *const trace_stage_name[LEM_TRACE_STAGE_COUNT];

void trace_times_add(struct trace_times *t, const struct lem_trace_token *token);
/* Of a whole recording; damaged tokens are left out. */
struct trace_times trace_times_of(const struct lem_trace *quiet_trace);
bool trace_has_stages(const struct lem_trace_token *token);

/* Lines of a summary: one recording's, or two side by side. */
void trace_times_print(const struct trace_times *t);
void trace_memory_print(const struct lem_trace_memory *m);
void trace_times_print_two(const struct trace_times t[2]);
void trace_memory_print_two(const struct lem_trace_memory m[2]);

/* JSON values; null where nothing is known. */
void trace_times_json(const struct trace_times *t);
void trace_stages_json(const struct lem_trace_token *token);
void trace_memory_json(const struct lem_trace_memory *m);

/* Cells of a table, each with a comma before it; empty where nothing is known. */
void trace_times_csv_head(void);
void trace_times_csv(const struct lem_trace_token *token,
                     const struct lem_trace_memory *m);

#endif
