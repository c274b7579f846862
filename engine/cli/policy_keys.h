/* policy_keys.h - the names in a policy file, for its reader and its writer. */
#ifndef CLI_POLICY_KEYS_H
#define CLI_POLICY_KEYS_H

#include "lemnos/session.h" /* what the keys speak of */

#define KEY_LAYERS "layers"
#define KEY_LAYER  "layer"
#define KEY_LIMIT  "experts"
#define KEY_BAN    "ban"
#define KEY_FORCE  "force"
#define KEY_BIAS   "bias"

#endif
