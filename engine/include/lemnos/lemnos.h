/* lemnos/lemnos.h - all of Lemnos: include this one. */
#ifndef LEMNOS_LEMNOS_H
#define LEMNOS_LEMNOS_H

#include "lemnos/chat.h"
#include "lemnos/common.h"
#include "lemnos/device.h"
#include "lemnos/layer.h"
#include "lemnos/model.h"
#include "lemnos/profile.h"
#include "lemnos/quantize.h"
#include "lemnos/session.h"
#include "lemnos/synthetic.h"
#include "lemnos/text.h"
#include "lemnos/trace.h"

#endif
