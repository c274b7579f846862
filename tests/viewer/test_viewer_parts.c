/* test_viewer_parts.c - the viewer's parts that need no window: the line that is typed,
 * keys, the state file, saving a recording, and the grouping of a prompt. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <SDL_keycode.h>
#include <cmocka.h>

#include "dpi.h"
#include "edit.h"
#include "groups.h"
#include "keys.h"
#include "made_recording.h"
#include "prefs.h"
#include "save.h"
#include "support/program.h"
#include "support/scratch.h"
#include "ui.h"

/* ---- the line that is typed ----------------------------------------------------------
 */

static void a_line_is_edited(void **state)
{
    (void)state;
    struct edit e;
    edit_set(&e, "one t\xc3\xa4t three");
    assert_int_equal(e.caret, e.n);
    edit_move(&e, EDIT_WORD_LEFT, false);
    edit_move(&e, EDIT_LEFT, false);
    edit_delete(&e, EDIT_LEFT);
    assert_string_equal(e.text, "one t\xc3\xa4 three");
    edit_delete(&e, EDIT_LEFT); /* two bytes, one character */
    assert_string_equal(e.text, "one t three");
    edit_move(&e, EDIT_WORD_RIGHT, true);
    edit_insert(&e, "wo", 2); /* over the selection */
    assert_string_equal(e.text, "one two");
    edit_move(&e, EDIT_HOME, false);
    edit_delete(&e, EDIT_WORD_RIGHT);
    assert_string_equal(e.text, " two");
    edit_select_all(&e);
    edit_delete(&e, EDIT_RIGHT);
    assert_string_equal(e.text, "");
    edit_delete(&e, EDIT_LEFT); /* nothing left: nothing happens */
    edit_delete(&e, EDIT_WORD_RIGHT);
    assert_int_equal(e.n, 0);
    edit_set(&e, "one two");
    edit_select_word(&e, 5);
    size_t from, to;
    edit_selection(&e, &from, &to);
    assert_int_equal(from, 4);
    assert_int_equal(to, 7);
    edit_move(&e, EDIT_LEFT, false); /* to the selection's start */
    assert_int_equal(e.caret, 4);
}

/* Whatever comes in, the text stays UTF-8 with positions between characters. */
static void a_line_stays_sound(void **state)
{
    (void)state;
    static const char *const bits[] = {"\xff",
                                       "\xc3",
                                       "\xc3\xa4",
                                       "\xed\xa0\x80",
                                       "\xf4\x90\x80\x80",
                                       "\xe7\x81\xab",
                                       "a\tb\r\nc",
                                       "\xc0\x80",
                                       "x"};
    struct edit e;
    uint32_t random = 7;
    edit_set(&e, "");
    for (int i = 0; i < 20000; i++) {
        random = random * 1664525 + 1013904223;
        const uint32_t r = random >> 8;
        const char *bit = bits[r / 16 % 9];
        switch (r % 8) {
        case 0:
        case 1:
        case 2:
        case 3:
            edit_insert(&e, bit, strlen(bit));
            break;
        case 4:
            edit_move(&e, (enum edit_move)(r / 8 % 6), r / 64 % 2);
            break;
        case 5:
            edit_delete(&e, (enum edit_move)(r / 8 % 6));
            break;
        case 6:
            edit_place(&e, r / 8 % (e.n + 9), r / 1024 % 2);
            break;
        default:
            edit_select_word(&e, r / 8 % (e.n + 1));
        }
        assert_int_equal(strlen(e.text), e.n);
        assert_true(e.n < EDIT_MAX && e.caret <= e.n && e.mark <= e.n);
        assert_int_not_equal((uint8_t)e.text[e.caret] & 0xc0, 0x80);
        assert_int_not_equal((uint8_t)e.text[e.mark] & 0xc0, 0x80);
    }
    for (size_t i = 0; i < e.n; i++) /* of the bits above only these are characters */
        assert_true(strchr("abcx \n\xc3\xa4\xe7\x81\xab", e.text[i]) != NULL);
    edit_set(&e, "");
    for (int i = 0; i < 2 * EDIT_MAX; i++)
        edit_insert(&e, "\xe7\x81\xab", 3);
    assert_in_range(e.n, EDIT_MAX - 4, EDIT_MAX - 1);
}

static void keys_are_clear(void **state)
{
    (void)state;
    size_t n;
    const struct key *key = keys_table(&n);
    assert_true(n > 40);
    assert_non_null(key[0].name);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(keys_command(key[i].symbol, key[i].with), key[i].command);
        assert_int_equal(key[i].name == NULL, key[i].does == NULL);
        assert_in_range(key[i].command, CMD_NONE + 1, CMD_COUNT - 1);
    }
    assert_int_equal(keys_command('~', 0), CMD_NONE);
    /* The first layer is drawn at the top. */
    assert_int_equal(keys_command(SDLK_UP, 0), CMD_LAYER_DOWN);
    assert_int_equal(keys_command(SDLK_DOWN, 0), CMD_LAYER_UP);
}

/* ---- colours -------------------------------------------------------------------------
 */

/* Relative luminance, WCAG 2.1. */
static double luminance(uint32_t c)
{
    static const double part[3] = {0.0722, 0.7152, 0.2126};
    double l = 0;
    for (int i = 0; i < 3; i++) {
        const double v = (double)(c >> 8 * i & 255) / 255;
        l += part[i] * (v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4));
    }
    return l;
}

static double contrast(uint32_t a, uint32_t b)
{
    const double x = luminance(a) + 0.05, y = luminance(b) + 0.05;
    return x > y ? x / y : y / x;
}

/* 4.5 to 1 is what WCAG asks of small letters, on all that they are drawn on. */
static void small_letters_can_be_read(void **state)
{
    (void)state;
    for (int light = 0; light < 2; light++) {
        const struct palette p = palette_make(light);
        const uint32_t ink[] = {p.text, p.quiet, p.faint, p.accent, p.warn};
        for (size_t i = 0; i < sizeof ink / sizeof *ink; i++) {
            assert_true(contrast(ink[i], p.panel) >= 4.5);
            if (ink[i] != p.warn)
                assert_true(contrast(ink[i], palette_ramp(&p, 0)) >= 4.5);
        }
        assert_true(contrast(p.text, p.raised) >= 4.5);
        assert_true(contrast(p.quiet, p.raised) >= 4.5);
    }
}

/* ---- files
 * ----------------------------------------------------------------------------- */

static void preferences_are_remembered(void **state)
{
    (void)state;
    struct scratch scratch;
    scratch_open(&scratch);
    char path[512], message[600];
    snprintf(path, sizeof path, "%s", scratch_path(&scratch, "viewer"));
    struct prefs p = {.side = VIEW_BANK};
    assert_false(prefs_read(&p, path, message, sizeof message));
    assert_string_equal(message, ""); /* the first time */
    const struct prefs want = {.w = 1300,
                               .h = 900,
                               .x = -20,
                               .y = 64,
                               .has_place = true,
                               .view = VIEW_FLOW,
                               .side = VIEW_COACT,
                               .color = COLOR_PROBABILITY,
                               .bank = BANK_LOAD,
                               .light = true};
    assert_true(prefs_write(&want, path, message, sizeof message));
    assert_true(prefs_read(&p, path, message, sizeof message));
    assert_int_equal(p.w, 1300);
    assert_int_equal(p.h, 900);
    assert_true(p.has_place && p.x == -20 && p.y == 64);
    assert_int_equal(p.view, VIEW_FLOW);
    assert_int_equal(p.side, VIEW_COACT);
    assert_int_equal(p.color, COLOR_PROBABILITY);
    assert_int_equal(p.bank, BANK_LOAD);
    assert_true(p.light);

    static const char *const damaged[] = {"",
                                          "\n",
                                          "something else\n",
                                          "lemnos-viewer state 2\nlight 1\n",
                                          "lemnos-viewer state 1\nlight 2\n",
                                          "lemnos-viewer state 1\nwindow 10x10\n",
                                          "lemnos-viewer state 1\nplace 10\n",
                                          "lemnos-viewer state 1\nplace 1,9999999\n",
                                          "lemnos-viewer state 1\nview none\n",
                                          "lemnos-viewer state 1\nbank 99\n",
                                          "lemnos-viewer state 1\nbank -1\n",
                                          "lemnos-viewer state 1\nlight\n"};
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        fputs(damaged[i], f);
        fclose(f);
        p = (struct prefs){.side = VIEW_BANK};
        assert_false(prefs_read(&p, path, message, sizeof message));
        assert_contains(message, "damaged");
        assert_int_equal(p.side, VIEW_BANK); /* as it was */
        assert_false(p.light);
    }
    assert_false(prefs_write(&want, "/no/such/dir/viewer", message, sizeof message));
    assert_contains(message, "/no/such/dir/viewer");
    scratch_close(&scratch);
}

/* What is saved is what the source has; the file appears whole or not at all. */
static void a_run_is_saved(void **state)
{
    (void)state;
    const struct made made = {
        .n_token = 40, .n_prompt = 6, .n_layer = 3, .n_expert = 20, .n_used = 4};
    struct scratch scratch;
    struct source a, b;
    char from[512], to[512], message[600] = "";
    scratch_open(&scratch);
    snprintf(from, sizeof from, "%s", scratch_path(&scratch, "from.lemtrace"));
    snprintf(to, sizeof to, "%s", scratch_path(&scratch, "to.lemtrace"));
    assert_true(made_recording(from, &made));
    assert_true(source_open_recording(&a, from, message, sizeof message));
    assert_true(save_recording(&a, to, message, sizeof message));
    assert_int_equal(scratch_count(&scratch), 2);
    source_close(&a);
    size_t n_a, n_b;
    char *data_a = program_read_file(from, &n_a), *data_b = program_read_file(to, &n_b);
    assert_int_equal(n_a, n_b);
    assert_memory_equal(data_a, data_b, n_a);
    free(data_a);
    free(data_b);

    assert_true(source_open_recording(&b, to, message, sizeof message));
    assert_false(save_recording(&b, "/no/such/dir/x.lemtrace", message, sizeof message));
    assert_contains(message, "/no/such/dir/x.lemtrace");
    source_close(&b);
    scratch_close(&scratch);
}

/* A recording's memory is told as it was at each token. */
static void memory_is_that_of_the_token(void **state)
{
    (void)state;
    const struct made made = {
        .n_token = 10, .n_prompt = 2, .n_layer = 2, .n_expert = 8, .n_used = 2};
    struct scratch scratch;
    struct source s, none;
    struct lem_trace_memory m;
    char message[600] = "";
    scratch_open(&scratch);
    const char *path = scratch_path(&scratch, "a.lemtrace");
    assert_true(made_recording(path, &made));
    assert_true(source_open_recording(&s, path, message, sizeof message));
    for (uint64_t i = 0; i <= 10; i++) {
        source_memory(&s, i, &m);
        assert_int_equal(m.weights, 4 << 20);
        assert_int_equal(m.peak, (i < 5 ? 7 : 9) << 20);
        assert_int_equal(m.n_ctx, 4096);
    }
    source_close(&s);
    source_open_failed(&none, "nothing");
    source_memory(&none, 0, &m);
    assert_int_equal(m.weights + m.peak + m.n_ctx, 0);
    source_close(&none);
    scratch_close(&scratch);
}

/* Pixels of the line above the views that says what is wrong. */
static unsigned banner_pixels(const struct ui *ui)
{
    const struct palette *p = &ui->palette;
    const uint32_t ground = palette_mix(p->panel, p->warn, 0.16f);
    unsigned n = 0;
    for (int i = 0; i < ui->canvas.w * ui->canvas.h; i++)
        n += (ui->canvas.pixel[i] & 0xffffff) == ground;
    return n;
}

static void flip_bytes(const char *path, long at, int n)
{
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    for (int i = 0; i < n; i++) {
        assert_int_equal(fseek(f, at + i, SEEK_SET), 0);
        const int c = getc(f);
        assert_int_equal(fseek(f, at + i, SEEK_SET), 0);
        assert_int_not_equal(putc(c ^ 0xff, f), EOF);
    }
    fclose(f);
}

/* Damaged tokens are in no sum, and their number is said. */
static void damaged_tokens_are_left_out(void **state)
{
    (void)state;
    const struct made made = {
        .n_token = 400, .n_prompt = 30, .n_layer = 3, .n_expert = 12, .n_used = 2};
    struct scratch scratch;
    char message[600];
    scratch_open(&scratch);
    const char *path = scratch_path(&scratch, "a.lemtrace");
    assert_true(made_recording(path, &made));
    for (int damaged = 0; damaged < 2; damaged++) {
        struct source s;
        struct scene scene;
        struct stats stats;
        struct ui ui;
        size_t size;
        free(program_read_file(path, &size));
        if (damaged)
            flip_bytes(path, (long)size / 2, 40);
        assert_true(source_open_recording(&s, path, message, sizeof message));
        assert_int_equal(source_n_token(&s), 400);
        scene_open(&scene, &s);
        assert_true(stats_open(&stats, &s));
        while (stats_read(&stats, 100))
            ;
        uint64_t load = 0;
        for (int i = 0; i < 3 * 12; i++)
            load += stats.load[i];
        assert_int_equal(stats.n_read, 400);
        assert_int_equal(load, stats_n(&stats) * 3 * 2);
        assert_int_equal(stats_n(&stats) < 400, damaged);
        assert_true(ui_open(&ui, &scene, &stats, 1280, 800, 1, true));
        layout_draw(&ui);
        assert_int_equal(banner_pixels(&ui) > 1000, damaged);
        ui_close(&ui);
        stats_close(&stats);
        source_close(&s);
    }
    scratch_close(&scratch);
}

/* ---- the prompt's groups
 * ----------------------------------------------------------------- */

static void a_prompt_is_grouped(void **state)
{
    (void)state;
    const struct made made = {
        .n_token = 50, .n_prompt = 30, .n_layer = 3, .n_expert = 12, .n_used = 2};
    struct scratch scratch;
    struct source s;
    struct groups g;
    char message[600];
    scratch_open(&scratch);
    const char *path = scratch_path(&scratch, "a.lemtrace");
    assert_true(made_recording(path, &made));
    assert_true(source_open_recording(&s, path, message, sizeof message));
    assert_true(groups_open(&g, &s));
    for (uint32_t layer = 0; layer < 3; layer++) {
        uint32_t n_member = 0, most = UINT32_MAX;
        groups_update(&g, layer);
        assert_int_equal(g.n, 30);
        for (uint32_t k = 0; k < g.n_busy; k++) {
            const uint32_t e = g.order[k], n = g.start[e + 1] - g.start[e];
            assert_in_range(n, 1, most); /* falling */
            most = n;
            assert_int_equal(g.count[layer * 12 + e], n);
            for (uint32_t i = g.start[e]; i < g.start[e + 1]; i++, n_member++) {
                uint16_t ids[6];
                float weights[6];
                assert_in_range(g.member[i], 0, 29);
                assert_true(source_routing(&s, g.member[i], ids, weights));
                const uint16_t *mine = ids + layer * 2;
                assert_true(mine[0] == e || mine[1] == e);
                assert_true(g.weight[i] == weights[layer * 2 + (mine[0] != e)]);
            }
        }
        assert_int_equal(n_member, 60);
    }
    groups_close(&g);
    source_close(&s);
    scratch_close(&scratch);
}

/* A display's dots to the inch as pixels to the point. */
static void points_follow_the_display(void **state)
{
    (void)state;
    static const struct {
        float dpi, scale;
    } of[] = {{96, 1},      {72, 1},       {100, 1},     {110, 1.25f},
              {120, 1.25f}, {144, 1.5f},   {163, 1.75f}, {192, 2},
              {220, 2.25f}, {384, 4},      {0, 1},       {-96, 1},
              {NAN, 1},     {INFINITY, 1}, {2000, 1},    {20, 1}};
    static const struct {
        const char *text;
        float scale;
    } named[] = {{"1", 1}, {"2", 2}, {"4", 4},  {"0", 0},   {"5", 0},
                 {"", 0},  {"x", 0}, {NULL, 0}, {"1.5", 0}, {"22", 0}};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++)
        if (dpi_scale(of[i].dpi) != of[i].scale)
            fail_msg("%g dpi: scale %g", (double)of[i].dpi, (double)dpi_scale(of[i].dpi));
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        assert_true(dpi_named(named[i].text) == named[i].scale);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_edited),
        cmocka_unit_test(a_line_stays_sound),
        cmocka_unit_test(keys_are_clear),
        cmocka_unit_test(small_letters_can_be_read),
        cmocka_unit_test(damaged_tokens_are_left_out),
        cmocka_unit_test(preferences_are_remembered),
        cmocka_unit_test(a_run_is_saved),
        cmocka_unit_test(memory_is_that_of_the_token),
        cmocka_unit_test(a_prompt_is_grouped),
        cmocka_unit_test(points_follow_the_display),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
