/* success.h - what the right password does
 *
 * Makes its place familiar, and teaches which account an alias stands for; but
 * for a stranger's success that may be a thief's: then the account goes on
 * probation, and nothing becomes familiar. */
#ifndef LS_SUCCESS_H
#define LS_SUCCESS_H

#include "login/visit.h"

/* The ticket's charges were given back. */
void ls_succeed(struct ls_visit *visit, struct ls_ticket *ticket);

#endif
