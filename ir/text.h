/* Names that print.c and parse.c share, and which fields an op uses. */
#ifndef KILN_IR_TEXT_H
#define KILN_IR_TEXT_H

#include "ir/ir.h"

enum { CALL_KIND_COUNT = CALL_TAIL + 1, EFFECT_COUNT = 8 };

extern const char *const cc_names[CC_COUNT];
extern const char *const rmw_names[RMW_COUNT];
extern const char *const region_names[REGION_COUNT];
extern const char *const call_kind_names[CALL_KIND_COUNT];
extern const char *const effect_names[EFFECT_COUNT];

#endif
