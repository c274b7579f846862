/* status.c - status codes and the version as text. */
#include "lemnos/common.h"

const char *lem_status_text(enum lem_status status)
{
    switch (status) {
#define STATUS_CASE(name, text)                                                          \
    case name:                                                                           \
        return text;
        LEM_STATUS_LIST(STATUS_CASE)
#undef STATUS_CASE
    case LEM_STATUS_COUNT:
        break;
    }
    return "unknown status";
}

#define TEXT(x)          #x
#define VERSION(a, b, c) TEXT(a) "." TEXT(b) "." TEXT(c)

const char *lem_version(void)
{
    return VERSION(LEM_VERSION_MAJOR, LEM_VERSION_MINOR, LEM_VERSION_PATCH);
}
