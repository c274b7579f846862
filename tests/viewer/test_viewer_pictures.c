/* test_viewer_pictures.c - the viewer's pictures of the shipped recording against stored
 * ones. With the built-in face, so that they do not depend on the system's fonts. To
 * store them anew after a change that is meant (and looked at), take the lines of
 * `pictures` below:
 *
 *   lemnos-viewer --builtin-font OPTIONS --shot tests/viewer/pictures/NAME.png \
 *       assets/tale.lemtrace */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <png.h>

#include "support/program.h"
#include "support/scratch.h"

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

static void pictures_are_as_stored(void **state)
{
    (void)state;
    struct scratch scratch;
    scratch_open(&scratch);
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++) {
        const struct picture *p = &pictures[i];
        const char *argv[16] = {LEM_TEST_VIEWER, "--builtin-font", "--shot",
                                scratch_path(&scratch, "shot.png")};
        int n = 4;
        for (int k = 0; k < 6 && p->option[k]; k++)
            argv[n++] = p->option[k];
        argv[n] = recording;
        struct program run = {0};
        char stored[512];
        program_run(&run, argv);
        assert_string_equal(run.err, "");
        assert_int_equal(run.code, 0);
        snprintf(stored, sizeof stored, "%s/%s.png", LEM_TEST_PICTURES, p->name);
        struct image got = read_image(argv[3]), want = read_image(stored);
        compare(p->name, &got, &want);
        free(got.rgb);
        free(want.rgb);
        program_free(&run);
    }
    scratch_close(&scratch);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_are_as_stored),
        cmocka_unit_test(same_call_same_picture),
        cmocka_unit_test(says_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
