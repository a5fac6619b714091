/* note.h - what a process of the mail server says of itself, for `lockstep status`
 *
 * A line in a file beside the policy, which anybody may read: which maps the process
 * has open, and what is wrong. Dovecot's auth process makes one when it starts, as
 * root, and keeps it true while it runs; a mail process makes one only when it goes
 * without its maps. So `status` knows it at once when logins pass unguarded, whatever
 * is wrong with the state: no map has to be there for that.
 *
 *   DIRECTORY/dovecot-NAME:  pid start pid-namespace parent guard sessions text
 *
 * guard and sessions are the inodes of these maps, 0 for none. */
#ifndef LS_NOTE_H
#define LS_NOTE_H

#include "base/process.h"

#include <stdbool.h>
#include <stdint.h>

struct ls_state;

/* A note that this process writes. All zero: none. */
struct ls_note_writer {
	int fd;
	bool torn; /* not written as it is: a full disk. To be written again */
	struct ls_process self;
};

/* As root: make the note anew, empty.
 *   policy  of ls_open_args; its directory is where the note is
 *   name    "auth", "imap", ...
 * Returns 0, or LS_ESYS: then nobody can be told. */
int ls_note_begin(struct ls_note_writer *writer, const char *policy,
		  const char *name);
/* Say how it is.
 *   state  what is open; NULL: nothing
 *   text   what is wrong, "" if nothing is; one line */
void ls_note_write(struct ls_note_writer *writer,
		   const struct ls_state *state, const char *text);
void ls_note_end(struct ls_note_writer *writer);

/* Nothing is wrong any more. */
void ls_note_remove(const char *policy, const char *name);
/* Was it written less than so many ms ago? */
bool ls_note_is_fresh(const char *policy, const char *name, uint64_t real_ms,
		      uint64_t age_ms);

/* A note that was read. */
struct ls_note {
	uint32_t pid, parent;
	bool gone;  /* its process has ended, for certain */
	bool guard, sessions; /* it has those of `state` open */
	bool no_guard, no_sessions; /* it has none open at all */
	char text[256];
};
/* Returns 0, LS_ENOENT, or LS_EFORMAT for one that is not whole.
 *   state  with the maps that count; NULL: none is there */
int ls_note_read(const char *policy, const char *name,
		 const struct ls_state *state, struct ls_note *note_r);

#endif
