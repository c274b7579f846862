/* test_viewer_screen.c - what reaches the screen, and when: changed tiles, the pace of
 * frames, text that is read from the right, files dropped onto the window. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drop.h"
#include "fake_source.h"
#include "frames.h"
#include "present.h"
#include "support/scratch.h"
#include "ui.h"
#include "window.h"

/* ---- the screen ---------------------------------------------------------------------
 */

static void assert_shown(SDL_Window *window, const struct canvas *c)
{
    const SDL_Surface *s = SDL_GetWindowSurface(window);
    assert_non_null(s);
    for (int y = 0; y < c->h; y++)
        for (int x = 0; x < c->w; x++) {
            uint32_t got;
            memcpy(&got, (uint8_t *)s->pixels + (size_t)y * (size_t)s->pitch + 4 * x, 4);
            if ((got & 0xffffff) != (c->pixel[y * c->w + x] & 0xffffff))
                fail_msg("pixel %d, %d is %06x", x, y, got & 0xffffff);
        }
}

/* All sides that no tile divides, and a change in the last, narrow tile. */
static void what_changed_is_shown(void **state)
{
    (void)state;
    struct canvas c, other;
    assert_int_equal(SDL_Init(SDL_INIT_VIDEO), 0);
    present_prepare();
    SDL_Window *window = SDL_CreateWindow("test", 0, 0, 333, 101, 0);
    int w, h;
    assert_true(present_size(window, &w, &h));
    assert_int_equal(w, 333);
    assert_int_equal(h, 101);
    assert_true(canvas_open(&c, w, h));
    canvas_fill(&c, (struct box){0, 0, w, h}, 0x102030);
    assert_true(present_show(window, &c, true));
    assert_shown(window, &c);
    const struct box change[] = {{332, 100, 1, 1}, {0, 0, 1, 1}, {60, 14, 140, 4}};
    for (size_t i = 0; i < sizeof change / sizeof *change; i++) {
        canvas_fill(&c, change[i], 0x405060 + (uint32_t)i);
        assert_true(present_show(window, &c, false));
        assert_shown(window, &c);
    }
    /* of another size: it comes with the next frame */
    assert_true(canvas_open(&other, 100, 50));
    assert_true(present_show(window, &other, false));
    assert_shown(window, &c);
    canvas_close(&other);
    canvas_close(&c);
    SDL_DestroyWindow(window);
    SDL_Quit();
}

static void frames_leave_the_cores_free(void **state)
{
    (void)state;
    static const struct {
        float cost;
        double seconds;
    } want[] = {{0, 1.0 / 60}, {5, 1.0 / 60}, {7, 0.021}, {12, 1.0 / 30}, {80, 1.0 / 30}};
    const double per_second = (double)SDL_GetPerformanceFrequency();
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        struct frames f;
        assert_true(frames_open(&f, 0, false));
        /* Due late enough that no load of the machine makes a frame late. */
        const uint64_t due = f.due + (uint64_t)(100 * per_second);
        f.due = due;
        f.median = want[i].cost;
        assert_true(frames_wait(&f) > 1000);
        frames_begin(&f);
        frames_end(&f);
        const double got = (double)(f.due - due) / per_second;
        assert_true(got > want[i].seconds - 1e-4 && got < want[i].seconds + 1e-4);
        f.due = 1; /* long ago: the next ones do not hurry after it */
        frames_begin(&f);
        frames_end(&f);
        assert_true(f.due > f.last);
        assert_int_equal(f.n, 2);
        frames_close(&f);
    }
}

/* ---- from the right -----------------------------------------------------------------
 */

static const char *const piece[] = {"ok",
                                    " \xd7\xa9\xd7\x9c",
                                    "\xd7\x95\xd7\x9d",
                                    " \xd7\x98\xd7\x95\xd7\x91",
                                    " \xd8\xb3\xd9\x84",
                                    "\xd8\xa7\xd9\x85",
                                    " so"};
enum { N_PIECE = sizeof piece / sizeof *piece };

static void write_text(const char *path)
{
    struct lem_trace_writer *writer;
    const struct lem_trace_facts facts = {.name = "n",
                                          .architecture = "a",
                                          .device = "d",
                                          .n_layer_moe = 1,
                                          .n_expert = 4,
                                          .n_expert_used = 1,
                                          .n_vocab = N_PIECE};
    const uint16_t id = 1;
    const float weight = 1;
    assert_int_equal(lem_trace_writer_open(path, &facts, NULL, &writer), LEM_OK);
    for (int i = 0; i < N_PIECE; i++) {
        const struct lem_trace_token t = {.id = i, .probability = 0.5f};
        assert_int_equal(
            lem_trace_writer_token(writer, &t, piece[i], strlen(piece[i]), &id, &weight),
            LEM_OK);
    }
    assert_int_equal(lem_trace_writer_close(&writer), LEM_OK);
}

/* The leftmost place that selects a token, and the end of the rightmost. */
static struct box token_box(const struct ui *ui, uint64_t token)
{
    struct box all = {0};
    for (uint32_t i = 0; i < ui->n_hit; i++) {
        const struct hit *h = &ui->hit[i];
        if (h->kind != HIT_TOKEN || h->token != token)
            continue;
        if (all.w == 0 || h->box.x < all.x) {
            all.w += all.w ? all.x - h->box.x : 0;
            all.x = h->box.x;
        }
        if (h->box.x + h->box.w > all.x + all.w)
            all.w = h->box.x + h->box.w - all.x;
    }
    assert_true(all.w > 0);
    return all;
}

/* A letter that no font has looks as every other such letter does. */
static bool has_letters(struct fonts *f)
{
    static const char *const wide_narrow[2][2] = {{"\xd7\xa9", "\xd7\x95"},
                                                  {"\xd8\xb3", "\xd8\xa7"}};
    bool all = fonts_are_real(f);
    for (int i = 0; i < 2 && all; i++)
        all = fonts_width(f, FONT_READ, wide_narrow[i][0], 2) !=
              fonts_width(f, FONT_READ, wide_narrow[i][1], 2);
    return all;
}

static void the_first_of_them_stands_at_the_right(void **state)
{
    (void)state;
    struct scratch scratch;
    struct source source = {0};
    struct scene scene;
    struct stats stats;
    struct ui ui;
    char message[200];
    scratch_open(&scratch);
    const char *path = scratch_path(&scratch, "right.lemtrace");
    write_text(path);
    assert_true(source_open_recording(&source, path, message, sizeof message));
    scene_open(&scene, &source);
    scene.view = VIEW_TEXT;
    assert_true(stats_open(&stats, &source));
    assert_true(ui_open(&ui, &scene, &stats, 1000, 500, 1, false));
    layout_draw(&ui);
    const bool drawn = has_letters(ui.fonts);
    if (drawn) {
        struct box b[N_PIECE];
        for (uint64_t i = 0; i < N_PIECE; i++)
            b[i] = token_box(&ui, i);
        /* Tokens 1 to 3 are one stretch, the last of them at its left; the space before
         * it is token 1's, too. Then comes another script. */
        assert_int_equal(b[1].x, b[0].x + b[0].w);
        assert_int_equal(b[3].x + b[3].w, b[2].x);
        assert_true(b[1].x + b[1].w > b[2].x + b[2].w);
        assert_true(b[1].x < b[3].x);
        assert_int_equal(b[4].x, b[1].x + b[1].w);
        assert_true(b[5].x > b[4].x && b[5].x + b[5].w < b[4].x + b[4].w);
        assert_int_equal(b[6].x, b[4].x + b[4].w);
        /* Letters join across tokens: together they are as wide as the word is. */
        const char *word = "\xd8\xb3\xd9\x84\xd8\xa7\xd9\x85";
        const int word_w = fonts_width(ui.fonts, FONT_READ, word, 8);
        assert_int_equal(b[4].w, word_w + fonts_width(ui.fonts, FONT_READ, " ", 1));
        assert_true(word_w < fonts_width(ui.fonts, FONT_READ, word, 4) +
                                 fonts_width(ui.fonts, FONT_READ, word + 4, 4));
    }
    ui_close(&ui);
    stats_close(&stats);
    source_close(&source);
    scratch_close(&scratch);
    if (!drawn) {
        print_message("No font has Hebrew and Arabic: install fonts-dejavu-core.\n");
        skip();
    }
}

/* ---- dropped files ------------------------------------------------------------------
 */

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void dropped_files_are_taken(void **state)
{
    (void)state;
    struct scratch scratch;
    struct fake_run run = {.n = 0};
    struct source source;
    struct scene scene;
    struct steer steer;
    char next[64] = "";
    scratch_open(&scratch);
    const char *policy = scratch_path(&scratch, "p.json");
    write_file(policy, "{\"layers\": [{\"layer\": 2, \"ban\": [4]}]}");
    fake_source_open(&source, &run);
    scene_open(&scene, &source);
    assert_true(steer_open(&steer, &source, "unused.json"));
    scene.steer = &steer;

    drop_file(&scene, policy, next, sizeof next);
    assert_int_equal(run.n_ask, 1);
    assert_int_equal(run.asked.kind, SOURCE_ASK_POLICY);
    assert_int_equal(run.asked.n_entry, 1);
    assert_int_equal(run.entry[0].layer, 2);
    assert_int_equal(run.entry[0].expert, 4);
    assert_non_null(strstr(scene.notice, "Loaded from"));

    drop_file(&scene, "/some/thing.txt", next, sizeof next);
    assert_non_null(strstr(scene.notice, ".lemtrace"));
    char far[100];
    memset(far, 'x', sizeof far);
    memcpy(far + sizeof far - 6, ".gguf", 6);
    drop_file(&scene, far, next, sizeof next);
    assert_non_null(strstr(scene.notice, "too long"));
    assert_string_equal(next, "");
    assert_false(scene.quit);

    drop_file(&scene, "/some/tale.lemtrace", next, sizeof next);
    assert_string_equal(next, "/some/tale.lemtrace");
    assert_true(scene.quit);
    steer_close(&steer);
    scratch_close(&scratch);
}

/* Onto the real window, in its first frame. */
static void drop_once(void *priv, struct ui *ui)
{
    SDL_Event e = {.type = SDL_DROPFILE};
    (void)ui;
    if ((*(int *)priv)++ > 0)
        return;
    e.drop.file = SDL_strdup("/other/tale.lemtrace");
    assert_non_null(e.drop.file);
    assert_int_equal(SDL_PushEvent(&e), 1);
}

static void a_dropped_recording_ends_the_window(void **state)
{
    (void)state;
    struct scratch scratch;
    struct source source = {0};
    char message[200] = "", next[64] = "";
    int n_frame = 0;
    scratch_open(&scratch);
    const char *path = scratch_path(&scratch, "shown.lemtrace");
    write_text(path);
    assert_true(source_open_recording(&source, path, message, sizeof message));
    const struct window_options o = {.w = 400,
                                     .h = 500,
                                     .builtin_font = true,
                                     .at = -1,
                                     .layer = -1,
                                     .expert = -1,
                                     .next = next,
                                     .next_cap = sizeof next,
                                     .on_frame = drop_once,
                                     .priv = &n_frame};
    assert_true(window_run(&source, &o, message, sizeof message));
    assert_string_equal(next, "/other/tale.lemtrace");
    source_close(&source);
    SDL_Quit();
    scratch_close(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_changed_is_shown),
        cmocka_unit_test(frames_leave_the_cores_free),
        cmocka_unit_test(the_first_of_them_stands_at_the_right),
        cmocka_unit_test(dropped_files_are_taken),
        cmocka_unit_test(a_dropped_recording_ends_the_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
