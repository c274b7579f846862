/* policy.h - a session's hand on the router: the settings, and their copy in the small
 * buffer that the router kernels read (its form is in shaders/common/params.h). */
#ifndef RUN_POLICY_H
#define RUN_POLICY_H

#include "lemnos/session.h"

struct policy {
    uint32_t n_layer; /* that route; 0 = a dense model: all below is NULL */
    uint32_t n_expert;
    uint32_t n_used;
    const struct lem_model *model; /* knows the layers' block numbers */
    float *rule;      /* [n_layer][n_expert] bias; -inf: banned; +inf: forced; 0: none */
    uint32_t *limit;  /* [n_layer] 0: none */
    uint32_t *device; /* [n_layer][1 + n_expert] the mapped buffer */
};

/* An empty policy for `model`; `device` has a layer's words one after the other.
 * Returns LEM_OK or LEM_ERR_MEMORY, logged. Close is safe on {0}. */
enum lem_status policy_open(struct policy *p, const struct lem_model *model,
                            uint32_t *device, const struct lem_log *log);
void policy_close(struct policy *p);

#endif
