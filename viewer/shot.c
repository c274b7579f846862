/* shot.c - pictures of the window as PNG files. */
#include "shot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

bool shot_write(const struct canvas *c, const char *path, char *message, size_t cap)
{
    const size_t n = (size_t)c->w * (size_t)c->h;
    uint8_t *rgb = malloc(n * 3);
    if (!rgb) {
        snprintf(message, cap, "no memory for a picture of %d x %d", c->w, c->h);
        return false;
    }
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < 3; k++)
            rgb[3 * i + (size_t)k] = (uint8_t)(c->pixel[i] >> (16 - 8 * k));
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)c->w,
                       .height = (png_uint_32)c->h,
                       .format = PNG_FORMAT_RGB};
    const int ok = png_image_write_to_file(&image, path, 0, rgb, 0, NULL);
    if (!ok)
        snprintf(message, cap, "%s: the picture cannot be written: %s", path,
                 image.message);
    png_image_free(&image);
    free(rgb);
    return ok != 0;
}
