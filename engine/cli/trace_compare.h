/* trace_compare.h - two recordings side by side. */
#ifndef CLI_TRACE_COMPARE_H
#define CLI_TRACE_COMPARE_H

#include <stdbool.h>

#include "lemnos/trace.h"

/* Print where their texts part and how far the routing of the tokens before differs,
 * as a table or one JSON object. Says on stderr what failed. */
bool trace_compare(const struct lem_trace *a, const struct lem_trace *b, bool json);

#endif
