/* dpi.c - how many pixels a point has on a display that gives the window pixels only. */
#include "dpi.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include <SDL.h>

#include "os.h"

float dpi_scale(float dpi)
{
    if (!(dpi >= 48 && dpi <= 400)) /* a projector tells of inches that it has not */
        return 1;
    const float scale = roundf(dpi / 96 * 4) / 4;
    return scale < 1 ? 1 : scale < 4 ? scale : 4;
}

float dpi_named(const char *text)
{
    if (!text || text[0] < '1' || text[0] > '4' || text[1])
        return 0;
    return (float)(text[0] - '0');
}

/* Those where SDL's windows are as many pixels as they say. */
static bool counts_pixels(const char *driver)
{
    return driver && (strcmp(driver, "x11") == 0 || strcmp(driver, "windows") == 0);
}

float dpi_display(int display)
{
    float dpi = 0;
    if (!counts_pixels(SDL_GetCurrentVideoDriver()))
        return 1;
    const float named = dpi_named(os_variable("GDK_SCALE"));
    if (named > 0)
        return named;
    return SDL_GetDisplayDPI(display, &dpi, NULL, NULL) == 0 ? dpi_scale(dpi) : 1;
}
