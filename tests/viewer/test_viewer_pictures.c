/* test_viewer_pictures.c - the viewer's pictures of the shipped recording against stored
 * ones; of what only a model at work shows, with the recording played as if it were one.
 * With the built-in face, so that they do not depend on the system's fonts. To store them
 * anew after a change that is meant (and looked at):
 *
 *   test_viewer_pictures tests/viewer/pictures */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <png.h>

#include "played_source.h"
#include "shot.h"
#include "support/program.h"
#include "support/scratch.h"
#include "ui.h"

static const char recording[] = LEM_TEST_ASSETS "/tale.lemtrace";

static const struct picture {
    const char *name;
    const char *option[6]; /* pairs */
} pictures[] = {
    {"overview", {"--at", "120"}},
    {"phone", {"--at", "60", "--size", "390x844"}},
    {"flow", {"--view", "flow", "--size", "640x480", "--scale", "0.8"}},
    {"coactivation", {"--view", "coactivation", "--size", "640x480", "--scale", "0.8"}},
    {"prompt", {"--view", "prompt", "--size", "640x480", "--scale", "0.8"}},
    {"figures", {"--view", "figures", "--size", "390x844", "--light"}},
    {"inspector", {"--view", "inspector", "--size", "400x700", "--expert", "9"}},
    {"inspector-wide", {"--view", "inspector", "--size", "1000x420", "--light"}},
    {"text", {"--view", "text", "--size", "760x360", "--light"}},
    {"bank", {"--view", "bank", "--size", "760x400", "--light"}},
    {"score", {"--view", "score", "--size", "760x400", "--light"}},
    {"flow-light", {"--view", "flow", "--size", "390x600", "--light"}},
    {"phone-light", {"--at", "60", "--size", "390x844", "--light"}},
};

/* Of a model at work that is stepped in on: an expert is banned, and the run is beside
 * the one that it was before. */
static const struct live_picture {
    const char *name;
    enum view view;
    int w, h;
    bool light;
} live_pictures[] = {
    {"ab", VIEW_AB, 900, 480, false},
    {"ab-light", VIEW_AB, 390, 700, true},
    {"steer", VIEW_STEER, 390, 844, false},
    {"steering", VIEW_OVERVIEW, 1000, 640, true},
};

struct image {
    uint8_t *rgb;
    size_t n; /* bytes */
    unsigned w, h;
};

static struct image read_image(const char *path)
{
    png_image png = {.version = PNG_IMAGE_VERSION};
    if (!png_image_begin_read_from_file(&png, path))
        fail_msg("%s: %s", path, png.message);
    png.format = PNG_FORMAT_RGB;
    struct image out = {.n = PNG_IMAGE_SIZE(png), .w = png.width, .h = png.height};
    out.rgb = malloc(out.n);
    assert_non_null(out.rgb);
    if (!png_image_finish_read(&png, NULL, out.rgb, 0, NULL))
        fail_msg("%s: %s", path, png.message);
    return out;
}

/* Positions and colours are computed in floats, which another compiler may round to the
 * next pixel or shade: 8 of 255 are taken as equal, and one pixel of 500 may be off. */
static void compare(const char *name, const struct image *got, const struct image *want)
{
    size_t n_off = 0;
    assert_int_equal(got->w, want->w);
    assert_int_equal(got->h, want->h);
    for (size_t i = 0; i < got->n; i += 3) {
        int worst = 0;
        for (size_t k = 0; k < 3; k++) {
            const int d = abs((int)got->rgb[i + k] - (int)want->rgb[i + k]);
            worst = d > worst ? d : worst;
        }
        n_off += worst > 8;
    }
    if (n_off * 500 > got->n / 3)
        fail_msg("%s: %zu of %zu pixels differ from the stored picture", name, n_off,
                 got->n / 3);
}

static void take_picture(const struct picture *p, const char *path)
{
    const char *argv[16] = {LEM_TEST_VIEWER, "--builtin-font", "--shot", path};
    int n = 4;
    for (int k = 0; k < 6 && p->option[k]; k++)
        argv[n++] = p->option[k];
    argv[n] = recording;
    struct program run = {0};
    program_run(&run, argv);
    assert_string_equal(run.err, "");
    assert_int_equal(run.code, 0);
    program_free(&run);
}

static void play(struct played *played, struct source *source)
{
    played_open(played, source, recording);
    played->policy[0] =
        (struct lem_policy_entry){LEM_POLICY_BAN, source->facts.layer[2], 9, 0, 0};
    played->policy[1] =
        (struct lem_policy_entry){LEM_POLICY_BIAS, source->facts.layer[3], 4, 0.3f, 0};
    played->n_policy = 2;
    played->is_pinned = true;
    played->cut = 90;
    played->n_cut = 6;
    played->n -= played->n_cut;
}

static void take_live_picture(const struct live_picture *p, const char *path)
{
    struct played played;
    struct source source;
    struct scene scene;
    struct stats stats = {0};
    struct ui ui = {0};
    char message[200] = "";
    play(&played, &source);
    scene_open(&scene, &source);
    scene_seek(&scene, 100);
    scene_select(&scene, 2, 9);
    scene.view = p->view;
    scene.light = p->light;
    scene.steering = true;
    assert_true(stats_open(&stats, &source));
    assert_true(ui_open(&ui, &scene, &stats, p->w, p->h, 1, true));
    while (stats_read(&stats, 1 << 16))
        ;
    layout_draw(&ui);
    if (!shot_write(&ui.canvas, path, message, sizeof message))
        fail_msg("%s", message);
    ui_close(&ui);
    stats_close(&stats);
    source_close(&source);
}

static void check_picture(const char *name, const char *path)
{
    char stored[512];
    snprintf(stored, sizeof stored, "%s/%s.png", LEM_TEST_PICTURES, name);
    struct image got = read_image(path), want = read_image(stored);
    compare(name, &got, &want);
    free(got.rgb);
    free(want.rgb);
}

static void pictures_are_as_stored(void **state)
{
    (void)state;
    struct scratch scratch;
    scratch_open(&scratch);
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++) {
        take_picture(&pictures[i], scratch_path(&scratch, "shot.png"));
        check_picture(pictures[i].name, scratch_path(&scratch, "shot.png"));
    }
    scratch_close(&scratch);
}

static void pictures_of_work_are_as_stored(void **state)
{
    (void)state;
    struct scratch scratch;
    scratch_open(&scratch);
    for (size_t i = 0; i < sizeof live_pictures / sizeof *live_pictures; i++) {
        take_live_picture(&live_pictures[i], scratch_path(&scratch, "shot.png"));
        check_picture(live_pictures[i].name, scratch_path(&scratch, "shot.png"));
    }
    scratch_close(&scratch);
}

/* `*state` is the folder. */
static void pictures_are_stored(void **state)
{
    const char *folder = *state;
    char path[512];
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++) {
        snprintf(path, sizeof path, "%s/%s.png", folder, pictures[i].name);
        take_picture(&pictures[i], path);
    }
    for (size_t i = 0; i < sizeof live_pictures / sizeof *live_pictures; i++) {
        snprintf(path, sizeof path, "%s/%s.png", folder, live_pictures[i].name);
        take_live_picture(&live_pictures[i], path);
    }
}

static void same_call_same_picture(void **state)
{
    (void)state;
    struct scratch scratch;
    scratch_open(&scratch);
    struct image image[2];
    for (int i = 0; i < 2; i++) {
        const char *path = scratch_path(&scratch, i ? "b.png" : "a.png");
        struct program run = {0};
        program_run(&run,
                    (const char *[]){LEM_TEST_VIEWER, "--shot", path, recording, NULL});
        assert_int_equal(run.code, 0);
        program_free(&run);
        image[i] = read_image(path);
    }
    assert_int_equal(image[0].n, image[1].n);
    assert_memory_equal(image[0].rgb, image[1].rgb, image[0].n);
    free(image[0].rgb);
    free(image[1].rgb);
    scratch_close(&scratch);
}

static void says_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *argv[6];
        int code;
        const char *says;
    } wrong[] = {
        {{LEM_TEST_VIEWER, "--shot", "never.png", "/etc/passwd", NULL},
         1,
         "not a recording"},
        {{LEM_TEST_VIEWER, "--shot", "/no/such/dir/x.png", recording, NULL},
         1,
         "/no/such/dir/x.png"},
        {{LEM_TEST_VIEWER, "--shot", "never.png", "/no/such.lemtrace", NULL},
         1,
         "/no/such.lemtrace"},
        {{LEM_TEST_VIEWER, "--size", "7x7", recording, NULL}, 2, "--size"},
        {{LEM_TEST_VIEWER, "--view", "nothing", recording, NULL}, 2, "--view"},
        {{LEM_TEST_VIEWER, "--bogus", recording, NULL}, 2, "--bogus"},
        {{LEM_TEST_VIEWER, "--shot", "x.png", NULL}, 2, "--shot takes"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct program run = {0};
        program_run(&run, wrong[i].argv);
        assert_int_equal(run.code, wrong[i].code);
        assert_contains(run.err, wrong[i].says);
        program_free(&run);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest store[] = {
        cmocka_unit_test_prestate(pictures_are_stored, argv[argc - 1])};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_are_as_stored),
        cmocka_unit_test(pictures_of_work_are_as_stored),
        cmocka_unit_test(same_call_same_picture),
        cmocka_unit_test(says_what_is_wrong),
    };
    return argc == 2 ? cmocka_run_group_tests(store, NULL, NULL)
                     : cmocka_run_group_tests(tests, NULL, NULL);
}
