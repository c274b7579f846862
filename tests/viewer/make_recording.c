/* make_recording.c - writes a made-up recording, for looking at and for measuring:
 *
 *   make_recording OUT.lemtrace TOKENS PROMPT LAYERS EXPERTS USED */
#include <stdio.h>
#include <stdlib.h>

#include "made_recording.h"

int main(int argc, char **argv)
{
    long long v[5];
    if (argc != 7) {
        fprintf(stderr, "usage: make_recording OUT TOKENS PROMPT LAYERS EXPERTS USED\n");
        return 2;
    }
    for (int i = 0; i < 5; i++) {
        char *end;
        v[i] = strtoll(argv[i + 2], &end, 10);
        if (*end || v[i] < 0 || v[i] > 100000000) {
            fprintf(stderr, "make_recording: not a number: %s\n", argv[i + 2]);
            return 2;
        }
    }
    const struct made m = {.n_token = (uint64_t)v[0],
                           .n_prompt = (uint32_t)v[1],
                           .n_layer = (uint32_t)v[2],
                           .n_expert = (uint32_t)v[3],
                           .n_used = (uint32_t)v[4]};
    return made_recording(argv[1], &m) ? 0 : 1;
}
