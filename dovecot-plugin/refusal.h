/* refusal.h - what people are told when they are refused, on every protocol,
 * and what the log is */
#ifndef LOCKSTEP_REFUSAL_H
#define LOCKSTEP_REFUSAL_H

#include "lockstep.h"

/* One line, where the policy lets the reason be known. */
const char *refusal_text(enum ls_reason reason);

/* For the log, whatever the client is told: "too many wrong passwords (failures of
 * ip)". What stands in brackets is for scripts. From the data stack. */
const char *refusal_log(const struct ls_decision *decision);

#endif
