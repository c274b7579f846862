/* dpi.h - how many pixels a point has on a display that gives the window pixels only. */
#ifndef VIEWER_DPI_H
#define VIEWER_DPI_H

/* Pixels per point where 96 dots to the inch are one, in steps of a quarter from 1 to 4.
 * What no screen has (below 48, above 400, NAN) is taken for not known: 1. */
float dpi_scale(float dpi);
/* GDK_SCALE as its users set it, "1" to "4"; 0 for anything else, NULL, too. */
float dpi_named(const char *text);
/* Of a display of SDL's: what the environment names, or else what its size in inches
 * asks for. 1 on systems whose windows are measured in points. */
float dpi_display(int display);

#endif
