/* steer_select.c - which experts are selected to be changed. */
#include <string.h>

#include "steer.h"

static bool *cell(const struct steer *s, uint32_t layer, uint32_t expert)
{
    return &s->selected[(size_t)layer * s->n_expert + expert];
}

static bool exists(const struct steer *s, uint32_t layer, uint32_t expert)
{
    return layer < s->n_layer && expert < s->n_expert;
}

bool steer_is_selected(const struct steer *s, uint32_t layer, uint32_t expert)
{
    return exists(s, layer, expert) && *cell(s, layer, expert);
}

static void count(struct steer *s)
{
    const size_t n = (size_t)s->n_layer * s->n_expert;
    s->n_selected = 0;
    for (size_t i = 0; i < n; i++)
        s->n_selected += s->selected[i];
}

void steer_pick_none(struct steer *s)
{
    memset(s->selected, 0, (size_t)s->n_layer * s->n_expert * sizeof *s->selected);
    memset(s->kept, 0, (size_t)s->n_layer * s->n_expert * sizeof *s->kept);
    s->n_selected = 0;
}

void steer_pick(struct steer *s, uint32_t layer, uint32_t expert, enum steer_pick pick)
{
    if (!exists(s, layer, expert))
        return;
    const bool on = pick == STEER_ONLY || !steer_is_selected(s, layer, expert);
    if (pick == STEER_ONLY)
        steer_pick_none(s);
    *cell(s, layer, expert) = on;
    memcpy(s->kept, s->selected, (size_t)s->n_layer * s->n_expert * sizeof *s->kept);
    s->from_layer = layer;
    s->from_expert = expert;
    count(s);
}

void steer_drag(struct steer *s, uint32_t layer, uint32_t expert)
{
    if (!exists(s, layer, expert))
        return;
    const uint32_t l0 = layer < s->from_layer ? layer : s->from_layer;
    const uint32_t l1 = layer < s->from_layer ? s->from_layer : layer;
    const uint32_t e0 = expert < s->from_expert ? expert : s->from_expert;
    const uint32_t e1 = expert < s->from_expert ? s->from_expert : expert;
    memcpy(s->selected, s->kept, (size_t)s->n_layer * s->n_expert * sizeof *s->kept);
    for (uint32_t l = l0; l <= l1; l++)
        for (uint32_t e = e0; e <= e1; e++)
            *cell(s, l, e) = true;
    count(s);
}
