/* policyfile.h - routing policies as JSON text: for the program and the viewer alike,
 * over the public headers alone.
 *
 *   {"layers": [{"layer": 3, "experts": 1, "ban": [1, 4], "force": [2],
 *                "bias": {"5": 1.5}},
 *               {"layer": "all", "ban": [7]}]}
 *
 * "layer" is a block number or "all"; all else may be left out. "model" beside "layers"
 * is for people. Anything else is refused. */
#ifndef POLICYFILE_POLICYFILE_H
#define POLICYFILE_POLICYFILE_H

#include "lemnos/session.h"

/**
 * Read a policy: its settings in the order of the text, LEM_ALL_LAYERS where it says
 * "all". Whether a model has such layers and experts is seen by policyfile_apply().
 *
 * @param name     of the file, for messages
 * @param text     [n] bytes, no terminator needed
 * @param entries  receives a list of *n_entry to free(); NULL on failure
 * @return LEM_OK; LEM_ERR_FORMAT or LEM_ERR_MEMORY, said through `log`
 */
enum lem_status policyfile_read(const char *name, const char *text, size_t n,
                                const struct lem_log *log,
                                struct lem_policy_entry **entries, uint32_t *n_entry);

/**
 * Write settings as lem_session_policy() lists them, in the form above.
 *
 * @param model  name for people; may be NULL
 * @return terminated text to free(); NULL when memory ran out
 */
char *policyfile_write(const char *model, const struct lem_policy_entry *entries,
                       uint32_t n_entry);

/** Apply settings one after the other, after what is in force. Stops at the first that
 * the session refuses, which says why; those before it stay.
 *  @return as the calls of lemnos/session.h */
enum lem_status policyfile_apply(struct lem_session *session,
                                 const struct lem_policy_entry *entries,
                                 uint32_t n_entry);

#endif
