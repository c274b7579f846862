/* policyfile_keys.h - the names in a policy, for its reader and its writer. */
#ifndef POLICYFILE_POLICYFILE_KEYS_H
#define POLICYFILE_POLICYFILE_KEYS_H

#include "lemnos/session.h" /* what the keys speak of */

#define KEY_MODEL  "model"
#define KEY_LAYERS "layers"
#define KEY_LAYER  "layer"
#define KEY_LIMIT  "experts"
#define KEY_BAN    "ban"
#define KEY_FORCE  "force"
#define KEY_BIAS   "bias"

#endif
