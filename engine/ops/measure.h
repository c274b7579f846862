/* measure.h - what the measurements of a device share, and the parts of the one that
 * chooses kernels. For ops/ and its tests alone. */
#ifndef OPS_MEASURE_H
#define OPS_MEASURE_H

#include "ops/weight.h"

/* Fill a buffer with the same 64 random rows of n_col weights again and again; its size
 * is a multiple of theirs, theirs at most 4 MiB. Returns LEM_OK, LEM_ERR_MEMORY (logged)
 * or what uploads do. */
enum lem_status ops_fill_weights(struct gpu_buf *to, struct lem_device *device,
                                 const struct quant_info *type, uint32_t n_col);

/* What is known of a use: the way chosen, and its speed over that of the rule's way; 0 =
 * there was nothing to choose from. */
struct ops_tuned {
    enum ops_way way;
    double gain;
};

/* ---- tune.c ----------------------------------------------------------------- */

/* lem_device_tune(); `cpu_too`: measure on CPU devices, too. */
enum lem_status ops_tune(struct lem_device *device, enum lem_kernels kernels,
                         bool cpu_too, struct lem_device_kernels *out);

/* ---- tune_bed.c ------------------------------------------------------------- */

/* Matrices and rows of activations to try ways of a product on. */
struct ops_bed;
enum lem_status ops_bed_open(struct lem_device *device, struct ops_bed **out);
void ops_bed_close(struct ops_bed **bed);
/* Time the ways [n] (at most OPS_N_WAY) in turn; the first is the yardstick. A way that
 * does not give what the first gives is left out with a warning. best[i]: nanoseconds of
 * the best pass, 0 = left out. Returns LEM_OK or what lists return. */
enum lem_status ops_bed_time(struct ops_bed *bed, enum ops_use use,
                             const enum ops_way *way, uint32_t n, uint64_t *best);

/* ---- tune_file.c ------------------------------------------------------------ */

/* All uses as text and back; `cap` of at least 256. Reading says false where it is not
 * what writing gives, or not possible on the device. */
void ops_tuned_write(const struct ops_tuned *tuned, char *out, size_t cap);
bool ops_tuned_read(const struct lem_device *device, const char *text,
                    struct ops_tuned *tuned);

#endif
