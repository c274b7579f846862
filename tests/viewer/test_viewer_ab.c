/* test_viewer_ab.c - two runs without a model: their texts aligned, what is summed up of
 * them, and the views of a model at work in windows of any size. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ab.h"
#include "fake_source.h"
#include "ui.h"

/* ---- two runs ------------------------------------------------------------ */

struct two {
    struct fake_run a, b;
    struct source pinned, present;
    struct ab ab;
};

static void open_two(struct two *t, const int32_t *a, uint64_t n_a, const int32_t *b,
                     uint64_t n_b)
{
    *t = (struct two){.a = {.id = a, .n = n_a}, .b = {.id = b, .n = n_b}};
    fake_source_open(&t->pinned, &t->a);
    fake_source_open(&t->present, &t->b);
    t->b.pinned = &t->pinned;
    assert_true(ab_read(&t->ab, &t->present));
}

/* Every token of either run stands in one slot, in order. */
static void check_slots(const struct ab *ab)
{
    int32_t next[2] = {0};
    for (uint32_t i = 0; i < ab->n_slot; i++) {
        const int32_t at[2] = {ab->slot[i].a, ab->slot[i].b};
        assert_true(at[0] >= 0 || at[1] >= 0);
        for (int side = 0; side < 2; side++) {
            if (at[side] < 0)
                continue;
            assert_int_equal(at[side], next[side]);
            assert_int_equal(ab_slot_of(ab, side, (uint32_t)at[side]), i);
            next[side]++;
        }
    }
    assert_int_equal(next[0], ab->n[0]);
    assert_int_equal(next[1], ab->n[1]);
}

static void texts_meet_again_after_they_part(void **state)
{
    (void)state;
    static const int32_t a[] = {1, 2, 3, 4, 50, 6, 7, 8, 9, 10, 11};
    static const int32_t b[] = {1, 2, 3, 40, 41, 42, 6, 7, 8, 9, 10, 11, 12};
    struct two t;
    open_two(&t, a, 11, b, 13);
    check_slots(&t.ab);
    assert_int_equal(t.ab.part, 3);
    for (uint32_t i = 5; i < 11; i++) /* 6 stands beside 6 */
        assert_int_equal(t.ab.slot[ab_slot_of(&t.ab, 0, i)].b, i + 1);
    ab_close(&t.ab);
    /* The one is the other's beginning; nothing in common; the same. */
    open_two(&t, a, 11, a, 4);
    check_slots(&t.ab);
    assert_int_equal(t.ab.part, 4);
    t.b.n = 11; /* it was being written */
    assert_true(ab_read(&t.ab, &t.present));
    check_slots(&t.ab);
    assert_int_equal(t.ab.n_slot, 11);
    ab_close(&t.ab);
    open_two(&t, a + 3, 2, b + 3, 3);
    check_slots(&t.ab);
    assert_int_equal(t.ab.part, 0);
    ab_close(&t.ab);
}

static void any_two_texts_are_aligned(void **state)
{
    (void)state;
    int32_t text[2][300];
    uint32_t random = 1;
    for (int round = 0; round < 200; round++) {
        uint64_t n[2];
        for (int side = 0; side < 2; side++) {
            random = random * 1664525 + 1013904223;
            n[side] = random >> 16 & 255;
            for (uint64_t i = 0; i < n[side]; i++) {
                random = random * 1664525 + 1013904223;
                text[side][i] = (int32_t)(random >> 24 & (round % 2 ? 3 : 63));
            }
        }
        struct two t;
        open_two(&t, text[0], n[0], text[1], n[1]);
        check_slots(&t.ab);
        ab_close(&t.ab);
    }
}

static void the_divergence_is_summed_up(void **state)
{
    (void)state;
    static const int32_t a[] = {1, 2, 3, 4, 5, 6};
    static const float kl[] = {0, 9, 0.5f, 1.5f, NAN};
    struct two t;
    open_two(&t, a, 6, a, 6);
    t.b.kl = kl;
    t.b.n_kl = 5;
    t.pinned.n_prompt = 2; /* its 9 does not count */
    assert_true(ab_read(&t.ab, &t.present));
    assert_int_equal(t.ab.n_known, 2);
    assert_true(fabs(t.ab.kl_mean - 1) < 1e-6);
    assert_int_equal(t.ab.kl_most_at, 3);
    assert_true(isnan(t.ab.kl[5]));
    t.b.pinned = NULL;
    assert_false(ab_read(&t.ab, &t.present));
    ab_close(&t.ab);
}

/* In each row the leftmost token of the present run begins a word, though the two runs'
 * words begin in different slots; and no row is left more than half empty. */
static void rows_break_between_words(void **state)
{
    (void)state;
    enum { N = 120 };
    int32_t id[2][N];
    struct two t;
    struct scene scene;
    struct stats stats = {0};
    struct ui ui = {0};
    unsigned n_row = 0;
    for (int side = 0; side < 2; side++) /* words of two and of three tokens */
        for (int i = 0; i < N; i++)
            id[side][i] = (i % (2 + side) ? FAKE_INSIDE : 100) + i % 7 + 20 * side;
    open_two(&t, id[0], N, id[1], N);
    ab_close(&t.ab);
    scene_open(&scene, &t.present);
    scene.view = VIEW_AB;
    assert_true(stats_open(&stats, &t.present));
    assert_true(ui_open(&ui, &scene, &stats, 900, 700, 1, true));
    layout_draw(&ui);
    int y = -1;
    for (uint32_t k = 0; k < ui.n_hit; k++) {
        const struct hit h = ui.hit[k];
        /* Of each slot first A's token and then B's; of the strip, higher up, none. */
        if (h.kind != HIT_TOKEN || h.box.x < ui.canvas.w / 2 || h.box.y < 200 ||
            h.box.y > 620 || h.box.y == y)
            continue;
        y = h.box.y;
        n_row++;
        assert_true(id[1][h.token] < FAKE_INSIDE);
    }
    assert_in_range(n_row, 4, N / 3);
    ui_close(&ui);
    stats_close(&stats);
}

static bool has_ink(const struct ui *ui, struct box b)
{
    for (int y = b.y; y < b.y + b.h; y++)
        for (int x = b.x; x < b.x + b.w; x++)
            if ((ui->canvas.pixel[y * ui->canvas.w + x] & 0xffffff) == ui->palette.quiet)
                return true;
    return false;
}

/* A long head takes a second line, and what that does not hold stands beside the mouse,
 * nothing of it left out. */
static void long_heads_are_told_whole(void **state)
{
    (void)state;
    static const int32_t a[] = {1, 2, 3, 4};
    const struct lem_policy_entry policy[] = {{LEM_POLICY_BAN, 1, 3, 0, 0},
                                              {LEM_POLICY_BIAS, 2, 4, -0.3f, 0}};
    struct two t;
    struct scene scene;
    struct stats stats = {0};
    struct ui ui = {0};
    open_two(&t, a, 4, a, 4);
    ab_close(&t.ab);
    t.b.policy = policy;
    t.b.n_policy = 2;
    t.b.sample = (struct lem_sample_params){.temperature = 0.35f, .top_k = 7, .seed = 12};
    scene_open(&scene, &t.present);
    scene.view = VIEW_AB;
    assert_true(stats_open(&stats, &t.present));
    assert_true(ui_open(&ui, &scene, &stats, 300, 700, 1, true));
    layout_draw(&ui);
    assert_string_equal(ui.tip, "");
    bool told = false, two_lines = false;
    const int line = fonts_height(ui.fonts, FONT_SMALL);
    for (int y = 60; y < 400 && !told; y += 2) {
        ui_hover(&ui, 220, y);
        layout_draw(&ui);
        told = ui.tip[0] != '\0';
        two_lines = has_ink(&ui, (struct box){180, y + line + 3, 80, line - 2});
    }
    assert_true(told);
    assert_true(two_lines);
    static const char *const part[] = {"now: ",     "expert 3 banned", "1 more",
                                       "temp 0.35", "top-k 7",         "seed 12"};
    for (size_t i = 0; i < sizeof part / sizeof *part; i++)
        if (!strstr(ui.tip, part[i]))
            fail_msg("\"%s\" is without \"%s\"", ui.tip, part[i]);
    ui_hover(&ui, -1, -1);
    assert_true(ui_resize(&ui, 2400, 700)); /* where it has room, nothing is said twice */
    for (int y = 60; y < 300; y += 4) {
        ui_hover(&ui, 1400, y);
        layout_draw(&ui);
        assert_string_equal(ui.tip, "");
    }
    ui_close(&ui);
    stats_close(&stats);
}

/* What a phone has no room for is scrolled to: here the three rules in force. */
static void rules_are_scrolled_to(struct ui *ui)
{
    unsigned n_undo = 0;
    ui->state->view = VIEW_STEER;
    assert_true(ui_resize(ui, 390, 600));
    layout_draw(ui);
    assert_true(scroll_hidden(ui) > 0);
    scroll_by(ui, 10000);
    layout_draw(ui);
    for (uint32_t k = 0; k < ui->n_hit; k++)
        n_undo += ui->hit[k].kind == HIT_UNDO;
    assert_int_equal(n_undo, 3);
}

/* Both views draw in any size, with a policy, a selection and line ends in the text; what
 * they show answers the mouse. */
static void views_draw_and_answer(void **state)
{
    (void)state;
    static const int32_t a[] = {1, 2, 3, 0, 0, 50, 6, 7, 8, 9, 0, 11};
    static const int32_t b[] = {1, 2, 3, 0, 41, 42, 6, 7, 8, 9, 10, 11};
    static const float kl[] = {0, 0, 0, 0, 2, 1, 0.1f, 0.1f, 0, 0.2f, 0, 0};
    static const int size[][2] = {{200, 200}, {390, 844}, {1280, 800}, {900, 300}};
    const struct lem_policy_entry policy[] = {{LEM_POLICY_BAN, 1, 3, 0, 0},
                                              {LEM_POLICY_BIAS, 2, 4, -0.3f, 0},
                                              {LEM_POLICY_FORCE, 5, 4, 0, 0}};
    struct two t;
    struct scene scene;
    struct stats stats = {0};
    struct ui ui = {0};
    open_two(&t, a, 12, b, 12);
    ab_close(&t.ab);
    t.b.kl = kl;
    t.b.n_kl = 12;
    t.b.policy = policy;
    t.b.n_policy = 3;
    scene_open(&scene, &t.present);
    assert_true(stats_open(&stats, &t.present));
    assert_true(ui_open(&ui, &scene, &stats, 1280, 800, 1, true));
    steer_pick(&ui.steer, 1, 1, STEER_ONLY);
    scene.steering = true;
    unsigned n_undo = 0, n_slider = 0;
    for (size_t i = 0; i < sizeof size / sizeof *size; i++)
        for (int view = 0; view < VIEW_COUNT; view++) {
            scene.view = (enum view)view;
            assert_true(ui_resize(&ui, size[i][0], size[i][1]));
            layout_draw(&ui);
            if (size[i][1] >= 800) /* a prompt can be typed whatever is seen */
                assert_true(ui.field.w > 0);
            for (uint32_t k = 0; k < ui.n_hit; k++) {
                const struct hit h = ui.hit[k];
                if (h.kind != HIT_UNDO && h.kind != HIT_SLIDER)
                    continue;
                t.b.n_ask = 0;
                ui_click(&ui, h.box.x + h.box.w / 2, h.box.y + h.box.h / 2);
                if (t.b.n_ask == 0) /* something lies above it */
                    continue;
                n_undo += h.kind == HIT_UNDO;
                n_slider += h.kind == HIT_SLIDER;
            }
        }
    assert_true(n_undo >= 6 && n_slider >= 10);
    rules_are_scrolled_to(&ui);
    assert_true(scene.playing); /* looking back does not stop a model */
    scene_do(&scene, CMD_BACK);
    scene_do(&scene, CMD_FIRST);
    assert_true(scene.playing);
    ui_close(&ui);
    stats_close(&stats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_meet_again_after_they_part),
        cmocka_unit_test(any_two_texts_are_aligned),
        cmocka_unit_test(the_divergence_is_summed_up),
        cmocka_unit_test(rows_break_between_words),
        cmocka_unit_test(long_heads_are_told_whole),
        cmocka_unit_test(views_draw_and_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
