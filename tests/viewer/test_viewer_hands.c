/* test_viewer_hands.c - stepping in by hand in the real window: every slider is dragged,
 * every cross and button clicked, every place selected, and each does what it says.
 * Skipped without Xvfb. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <SDL.h>
#include <cmocka.h>

#include "person.h"
#include "xserver.h"

static const char recording[] = LEM_TEST_ASSETS "/tale.lemtrace";

/* Opens the recording as a model at work and hands the window to `on_frame`. */
static struct person work(void **state, struct played *played,
                          void (*on_frame)(void *priv, struct ui *ui))
{
    const struct xserver *server = *state;
    struct source source;
    struct person p = {.played = played};
    if (!server->there)
        skip();
    assert_int_equal(chdir(server->scratch.dir), 0);
    played_open(played, &source, recording);
    person_show(&source, &p, on_frame);
    source_close(&source);
    return p;
}

static const struct hit *find_slider(const struct ui *ui, enum steer_setting setting)
{
    for (uint32_t i = 0; i < ui->n_hit; i++)
        if (ui->hit[i].kind == HIT_SLIDER && ui->hit[i].layer == (uint32_t)setting)
            return &ui->hit[i];
    return NULL;
}

/* ---- sliders ------------------------------------------------------------- */

/* What a slider is at, as the source was asked. */
static float asked_value(const struct played *p, enum steer_setting setting)
{
    switch (setting) {
    case STEER_EXPERTS:
        return p->n_policy ? (float)p->policy[0].limit : 2;
    case STEER_TEMPERATURE:
        return p->sample.temperature;
    case STEER_TOP_K:
        return (float)p->sample.top_k;
    case STEER_TOP_P:
        return p->sample.top_p;
    case STEER_MIN_P:
        return p->sample.min_p;
    case STEER_SEED:
    case STEER_SETTING_COUNT:
        break;
    }
    return 0;
}

/* From one end to the other; the values that stand there. */
static const struct {
    enum steer_setting setting;
    float low, high;
} ends[] = {{STEER_EXPERTS, 1, 2},
            {STEER_TEMPERATURE, 0, 2},
            {STEER_TOP_K, 1, 490},
            {STEER_TOP_P, 0.01f, 1},
            {STEER_MIN_P, 0, 0.5f}};

static void each_slider(void *priv, struct ui *ui)
{
    struct person *p = priv;
    struct scene *s = ui->state;
    const size_t n = sizeof ends / sizeof *ends;
    if (p->at++ == 0) {
        s->steering = true;
        return;
    }
    const size_t i = p->n_done / 2;
    const bool up = p->n_done % 2;
    if (p->pressed) {
        const float want = up ? ends[i].high : ends[i].low;
        const float got = asked_value(p->played, ends[i].setting);
        const float room = ends[i].setting == STEER_TOP_K ? want / 4 : 0.021f;
        if (fabsf(got - want) > room)
            fail_msg("slider %zu, to the %s, gives %g", i, up ? "right" : "left",
                     (double)got);
        assert_int_equal(ui->steer.setting, ends[i].setting);
        p->pressed = false;
        p->n_done++;
        return;
    }
    if (i == n) {
        s->quit = true;
        return;
    }
    const struct hit *h = find_slider(ui, ends[i].setting);
    assert_non_null(h);
    const int left = h->box.x + 1, right = h->box.x + h->box.w - 1,
              y = h->box.y + h->box.h / 2;
    person_drag(up ? left : right, y, up ? right : left, y);
    p->pressed = true;
}

static void every_slider_is_dragged(void **state)
{
    struct played played;
    const struct person p = work(state, &played, each_slider);
    assert_int_equal(p.n_done, 2 * sizeof ends / sizeof *ends);
}

/* ---- what is in force ---------------------------------------------------- */

/* A ban, a bias and a limit, each undone by its cross. */
static void each_cross(void *priv, struct ui *ui)
{
    struct person *p = priv;
    struct scene *s = ui->state;
    const struct lem_trace_facts *f = &s->source->facts;
    struct played *played = p->played;
    if (p->at++ == 0) {
        s->steering = true;
        played->policy[0] =
            (struct lem_policy_entry){LEM_POLICY_BAN, f->layer[0], 3, 0, 0};
        played->policy[1] =
            (struct lem_policy_entry){LEM_POLICY_BIAS, f->layer[1], 4, -0.3f, 0};
        played->policy[2] =
            (struct lem_policy_entry){LEM_POLICY_LIMIT, f->layer[2], 0, 0, 1};
        played->n_policy = 3;
        played->revision++;
        return;
    }
    if (p->at == 2)
        return; /* it is looked at after the first frame */
    const struct hit *h = person_find(ui, HIT_UNDO, CMD_NONE);
    if (p->pressed) {
        p->n_done++;
        assert_int_equal(played->n_policy, 3 - p->n_done);
        assert_int_equal(ui->steer.n_row, 3 - p->n_done);
        p->pressed = false;
        return;
    }
    if (!h) {
        s->quit = true;
        return;
    }
    person_click_hit(h);
    p->pressed = true;
}

static void every_cross_is_clicked(void **state)
{
    struct played played;
    const struct person p = work(state, &played, each_cross);
    assert_int_equal(p.n_done, 3);
}

/* ---- the panel's buttons ------------------------------------------------- */

static const struct lem_policy_entry *rule_of(const struct played *p, uint32_t expert)
{
    for (uint32_t i = 0; i < p->n_policy; i++)
        if (p->policy[i].kind != LEM_POLICY_LIMIT && p->policy[i].expert == expert)
            return &p->policy[i];
    return NULL;
}

/* In this order: each begins with what the one before has left. */
static const enum command buttons[] = {
    CMD_BAN,         CMD_FORCE,      CMD_BIAS_DOWN,   CMD_UNSET,    CMD_BIAS_UP,
    CMD_POLICY_SAVE, CMD_UNSET_ALL,  CMD_POLICY_LOAD, CMD_SEED_UP,  CMD_SEED_DOWN,
    CMD_PIN_RUN,     CMD_REGENERATE, CMD_PIN_RUN,     CMD_STEP_BACK};

static void check_button(const struct person *p, const struct ui *ui, size_t i)
{
    const struct played *d = p->played;
    const struct lem_policy_entry *rule = rule_of(d, 3);
    switch (buttons[i]) {
    case CMD_BAN:
        assert_true(rule && rule->kind == LEM_POLICY_BAN);
        break;
    case CMD_FORCE:
        assert_true(rule && rule->kind == LEM_POLICY_FORCE);
        break;
    case CMD_BIAS_DOWN:
        assert_true(rule && rule->kind == LEM_POLICY_BIAS && rule->bias < 0);
        break;
    case CMD_BIAS_UP:
        assert_true(rule && rule->kind == LEM_POLICY_BIAS && rule->bias > 0);
        break;
    case CMD_UNSET:
    case CMD_UNSET_ALL:
        assert_null(rule);
        break;
    case CMD_POLICY_SAVE:
        assert_true(ui->steer.note[0] && access("lemnos-policy.json", R_OK) == 0);
        break;
    case CMD_POLICY_LOAD:
        assert_true(rule && rule->bias > 0); /* as it was saved */
        break;
    case CMD_SEED_UP:
        assert_int_equal(d->sample.seed, 2);
        break;
    case CMD_SEED_DOWN:
        assert_int_equal(d->sample.seed, 1);
        break;
    case CMD_PIN_RUN:
        assert_int_equal(d->is_pinned, i < 12);
        break;
    case CMD_REGENERATE:
        assert_true(d->asked == SOURCE_ASK_KEEP && d->n == 101 && !d->paused);
        break;
    case CMD_STEP_BACK:
        assert_true(d->asked == SOURCE_ASK_KEEP && d->n == 50 && d->paused);
        break;
    default:
        fail_msg("command %d is not looked at", (int)buttons[i]);
    }
}

static void each_steering_button(void *priv, struct ui *ui)
{
    struct person *p = priv;
    struct scene *s = ui->state;
    if (p->at++ == 0) {
        s->steering = true;
        scene_select(s, 2, 3);
        return;
    }
    if (p->pressed) {
        check_button(p, ui, p->i);
        p->pressed = false;
        p->i++;
        return;
    }
    if (p->i == sizeof buttons / sizeof *buttons) {
        s->quit = true;
        return;
    }
    scene_seek(s, buttons[p->i] == CMD_STEP_BACK ? 50 : 100);
    person_click_hit(person_find(ui, HIT_COMMAND, buttons[p->i]));
    p->pressed = true;
}

static void every_steering_button_is_clicked(void **state)
{
    struct played played;
    const struct person p = work(state, &played, each_steering_button);
    assert_int_equal(p.i, sizeof buttons / sizeof *buttons);
}

/* ---- places -------------------------------------------------------------- */

/* A hit of the kind that nothing else covers at its middle, near the middle of them all.
 */
static const struct hit *open_place(const struct ui *ui, enum hit_kind kind)
{
    uint32_t n = 0, seen = 0;
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < ui->n_hit; i++) {
            const struct hit *h = &ui->hit[i];
            if (h->kind != kind ||
                ui_hit_at(ui, h->box.x + h->box.w / 2, h->box.y + h->box.h / 2) != h)
                continue;
            if (pass == 0)
                n++;
            else if (seen++ == n / 2)
                return h;
        }
    return NULL;
}

static bool has_done(const struct hit *h, const struct scene *s)
{
    const uint64_t middle = s->n_token / 2;
    switch (h->kind) {
    case HIT_TOKEN:
        return s->cursor == h->token;
    case HIT_CELL:
        return s->layer == h->layer && s->expert == h->expert;
    case HIT_LAYER:
        return s->layer == h->layer;
    default: /* HIT_SEEK, its middle */
        return s->cursor + 2 > middle && s->cursor < middle + 2;
    }
}

/* In each view, a place of each kind. */
static void each_place(void *priv, struct ui *ui)
{
    static struct hit tried;
    static const enum hit_kind kinds[] = {HIT_TOKEN, HIT_CELL, HIT_LAYER, HIT_SEEK};
    struct person *p = priv;
    struct scene *s = ui->state;
    const size_t n = sizeof kinds / sizeof *kinds;
    if (p->pressed) {
        if (!has_done(&tried, s))
            fail_msg("view %zu: a place of kind %d does nothing", p->i / n, tried.kind);
        p->pressed = false;
        p->n_done++;
        p->i++;
    } else if (p->at++ % 2) { /* the view was drawn meanwhile */
        const struct hit *h = open_place(ui, kinds[p->i % n]);
        if (h) {
            tried = *h;
            if (h->kind == HIT_LAYER) /* not the one that is selected */
                s->layer = h->layer ? 0 : 1;
            p->pressed = true;
            person_click_hit(h);
            return;
        }
        p->i++;
    }
    if (p->i == n * VIEW_COUNT) {
        s->quit = true;
        return;
    }
    s->view = (enum view)(p->i / n);
    s->expert = SCENE_NONE;
    steer_pick_none(&ui->steer);
    scene_seek(s, 20);
    p->at = 1;
}

static void every_kind_of_place_is_clicked(void **state)
{
    struct played played;
    const struct person p = work(state, &played, each_place);
    /* The timeline in all views, and more than one other place in each on the average. */
    assert_in_range(p.n_done, 2 * VIEW_COUNT, 4 * VIEW_COUNT);
}

/* A drag from one cell to another selects all between them; one along the timeline goes
 * through the text. */
static void dragging(void *priv, struct ui *ui)
{
    struct person *p = priv;
    struct scene *s = ui->state;
    const struct box b = ui->bank;
    const struct hit *h;
    switch (p->at++) {
    case 0:
        person_drag(b.x + b.w / 32, b.y + b.h / 12, b.x + b.w * 7 / 32,
                    b.y + b.h * 3 / 12);
        break;
    case 1:
        assert_int_equal(ui->steer.n_selected, 4 * 2);
        h = person_find(ui, HIT_SEEK, CMD_NONE);
        assert_non_null(h);
        person_drag(h->box.x + 2, h->box.y + 4, h->box.x + h->box.w - 1, h->box.y + 4);
        break;
    case 2:
        assert_true(s->cursor + 2 >= s->n_token);
        break;
    default:
        s->quit = true;
    }
}

static void cells_and_the_timeline_are_dragged(void **state)
{
    struct played played;
    const struct person p = work(state, &played, dragging);
    assert_true(p.at > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_slider_is_dragged),
        cmocka_unit_test(every_cross_is_clicked),
        cmocka_unit_test(every_steering_button_is_clicked),
        cmocka_unit_test(every_kind_of_place_is_clicked),
        cmocka_unit_test(cells_and_the_timeline_are_dragged),
    };
    return cmocka_run_group_tests(tests, xserver_start, xserver_stop);
}
