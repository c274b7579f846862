/* parts.h - what the files of model/ share while a model is being opened. */
#ifndef MODEL_PARTS_H
#define MODEL_PARTS_H

#include "model/model.h"

/* Each returns LEM_OK or has logged why not. In this order: */

/* The strings of m->info. */
enum lem_status facts_names(struct lem_model *m);
/* Every tensor of the descriptor's lists -> checked view. Needs m->arch, m->hp. */
enum lem_status tensors_bind(struct lem_model *m);
/* m->info.missing, of a file that cannot run. */
enum lem_status missing_describe(struct lem_model *m);
/* Are the divisors of rope_freqs.weight, if there are any, numbers above 0? */
enum lem_status rope_check(const struct lem_model *m);
/* The numbers of m->info. Needs info.unsupported: "" or why it cannot run. */
enum lem_status facts_sizes(struct lem_model *m);

/* Logs that memory ran out. */
enum lem_status model_no_memory(const struct lem_model *m);

#endif
