/* refusal.h - what people are told when they are refused, on every protocol */
#ifndef LOCKSTEP_REFUSAL_H
#define LOCKSTEP_REFUSAL_H

#include "lockstep.h"

/* One line, where the policy lets the reason be known. */
const char *refusal_text(enum ls_reason reason);

#endif
