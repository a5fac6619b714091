/* penalty.h - Dovecot's own brake on addresses that fail
 *
 * Dovecot makes every login from an address that failed wait for 4 to 15 s, right
 * password or not, and keeps the count in its anvil process. Lockstep bounds
 * guesses itself and spares those who work behind the same address. So the brake
 * is off while Lockstep decides logins. It is on, as Dovecot made it, while
 * Lockstep does not: the state is missing, or the policy only observes.
 *
 * Nothing has to be configured for it. The brake is an object that Dovecot makes
 * before it loads modules, and asks at each login through a global variable; in
 * its place goes another one that never finds anvil. */
#ifndef LOCKSTEP_PENALTY_H
#define LOCKSTEP_PENALTY_H

#include <stdbool.h>

struct event;

/* From preinit, in the auth process. The brake stays as it is. Warns of a socket that an
 * older configuration has made useless. */
void penalty_init(struct event *event);
/* When the passdbs end, which is after Dovecot has freed the object in use. */
void penalty_deinit(void);

/* For the logins that come next. Cheap. */
void penalty_set(bool on);

#endif
