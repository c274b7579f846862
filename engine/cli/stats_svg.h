/* stats_svg.h - what the files of figures share. */
#ifndef CLI_STATS_SVG_H
#define CLI_STATS_SVG_H

#include "cli/stats.h"
#include "cli/svg.h"

/* Size of a cell so that n of them fill `room`, within bounds. */
double stats_cell(uint32_t n, double room, double least, double most);
/* Block numbers of the layers, to free(); NULL, said on stderr, without memory. */
uint32_t *stats_blocks(const struct stats *s);

/* (stats_svg_groups.c) */
bool stats_write_pairs(const struct stats *s, const char *dir);
bool stats_write_groups(const struct stats *s, const char *dir);

#endif
