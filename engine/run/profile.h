/* profile.h - time by stage and kind of layer, gathered after every submission of a
 * session that was opened with timed lists. */
#ifndef RUN_PROFILE_H
#define RUN_PROFILE_H

#include "lemnos/profile.h"
#include "plan/plan.h"

/* Kinds of layers: how tokens are mixed, times whether there are experts. */
enum { PROFILE_MIXERS = 4, PROFILE_KINDS = 2 * PROFILE_MIXERS };

struct profile_cell {
    uint32_t n_dispatch;
    uint64_t last_ns, sum_ns;
};

struct profile_phase {
    /* What stands in no layer is of kind 0. */
    struct profile_cell cell[PROFILE_KINDS][STAGE_COUNT];
    struct profile_cell idle, host, sampling;
    uint32_t last_token;
    uint64_t n_token, n_submission;
};

struct profile {
    bool device_times;             /* the device has timestamps */
    uint8_t *layer_kind;           /* [n_layer] */
    struct profile_phase phase[2]; /* by enum lem_phase */
};

/* For the model's layers. NULL in *out: no memory. */
struct profile *profile_open(const struct lem_model *model,
                             const struct lem_device *device);
/* Safe on NULL and pointer to NULL. */
void profile_close(struct profile **profile);

/* Lists `n_list` ran as one submission over `n_token` tokens. `wait_ns` of `wall_ns`
 * went by waiting for the device. */
struct profile_run {
    enum lem_phase phase;
    uint32_t n_token;
    struct gpu_list *const *lists;
    uint32_t n_list;
    uint64_t wall_ns, wait_ns;
};
void profile_add(struct profile *p, const struct profile_run *run);
void profile_add_sampling(struct profile *p, uint64_t ns);

#endif
