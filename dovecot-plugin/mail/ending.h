/* ending.h - ending a live session on its protocol's own terms
 *
 * One plugin is loaded by the programs of all protocols, and what a client is
 * differs between them: struct client, the list of those that are connected, and
 * how one is told to go. Each protocol has a file of its own that includes its
 * program's header and refers to the program's symbols weakly: in any other
 * program they are not there, and that file's functions find no client.
 *
 * To be called from the event loop, never from a hook: a client that is being
 * made cannot be ended. */
#ifndef LOCKSTEP_ENDING_H
#define LOCKSTEP_ENDING_H

#include "lib.h"
#include "lockstep.h"

struct mail_user;

/* Tell the client whose user this is, in one line, and disconnect it.
 *   reason  of the refusal: some protocols have a code for it
 * Returns FALSE when there is no such client here (yet). */
typedef bool ending_fn(struct mail_user *user, const char *text,
		       enum ls_reason reason);

/* What a user's client is to be told because his session was refused; NULL: it was
 * not. */
typedef const char *ending_farewell_fn(struct mail_user *user);

/* "* BYE [UNAVAILABLE] text"; nothing in the middle of a literal. */
ending_fn ending_imap;
/* "-ERR [SYS/TEMP] text", and [IN-USE] of too many sessions, which clients show in
 * words; nothing in the middle of an answer. */
ending_fn ending_pop3;
/* "421 4.3.2 text". */
ending_fn ending_submission;
/* "BYE", in the server's words, to every client of this process, which ends:
 * Pigeonhole installs no header for its clients. It has one client, unless its
 * service was given a client_limit. */
ending_fn ending_sieve;

/* The user's IMAP client, NULL if there is none here (yet); and whether it ends
 * because it is handed to imap-hibernate, to be asked when its user is freed: it
 * is still there then, and no more in the list. */
const void *ending_imap_client(const struct mail_user *user);
bool ending_imap_hibernates(const void *client);

/* To be called as the plugin comes and goes: an IMAP client whose session was
 * refused is told so before a command is read, however early that came. Other
 * programs have no place for that: there a command that came in one packet with
 * the login may still be answered. */
void ending_imap_init(ending_farewell_fn *farewell);
void ending_imap_deinit(void);

#endif
