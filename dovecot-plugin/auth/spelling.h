/* spelling.h - what Dovecot makes of the names that people type
 *
 * Postfix and administrators name accounts, too, and are understood as Dovecot would
 * understand them: so the guard is told what auth_username_format does.
 *
 * Where that keeps the domain, and a passdb or userdb looks at what stands before it
 * alone, one account has as many names as there are domains to type, and each has its own limits,
 * locks and freezes. That is a mistake of the configuration, logged at start, and a problem of
 * `lockstep status` from then on. SQL, LDAP and Lua are not looked into. */
#ifndef LOCKSTEP_SPELLING_H
#define LOCKSTEP_SPELLING_H

struct event;

/* Look at the settings of the auth process, once all its passdbs are there. Returns
 * LS_NAMES_*, for state_set_names(). */
unsigned int spelling_look(struct event *event);

#endif
