/* palette.h - the colours of everything, on dark and on light ground. */
#ifndef VIEWER_PALETTE_H
#define VIEWER_PALETTE_H

#include <stdbool.h>
#include <stdint.h>

struct palette {
    bool light;
    uint32_t ground, panel, raised, line; /* behind everything; panels; controls; rules */
    uint32_t text, quiet, faint;          /* writing, by falling weight */
    uint32_t accent;                      /* the cursor and what is selected */
    uint32_t warn;
};

struct palette palette_make(bool light);

/* A colour per expert: eight hues that stay apart for the common forms of colour
 * blindness, in three strengths; beyond 24 experts they repeat, so that a number or a
 * place always tells, too. */
uint32_t palette_expert(const struct palette *p, uint32_t expert);
/* 0 … 1 as a colour of rising lightness, from the ground upwards. */
uint32_t palette_ramp(const struct palette *p, float v);
/* -1 … 1: blue below, orange above, the panel's own colour at 0. */
uint32_t palette_difference(const struct palette *p, float v);
/* Writing on that ground: dark or light, whichever is read better. */
uint32_t palette_ink(uint32_t ground);
uint32_t palette_mix(uint32_t a, uint32_t b, float t);

#endif
