/* asked.h - addresses that Postfix asked about lately
 *
 * lockstep-policy is asked about a client when it connects, and about each of its
 * messages. A login of a client that it was never asked about came by a service of
 * Postfix that is not wired: nobody counts what is sent there. So the guard keeps,
 * for each address, when it was asked about last:
 *
 *    31              16 15              0
 *   +------------------+-----------------+
 *   |  of the address  |  when, in 8 s   |   0: nobody's
 *   +------------------+-----------------+
 *
 * An address has a set of four words, by its low bits, and takes the one that was
 * written longest ago. Where all four are other addresses' of the last minutes, one
 * may have been lost: then every address of that set counts as asked about, so that
 * no flood of connections makes a service that is wired look as if it were not. The
 * time goes round after six days. Any number of processes may write: a word is one
 * store. */
#ifndef LS_ASKED_H
#define LS_ASKED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { LS_ASKED_WORDS = 4096 };

/* A client may take so long between its connection and its AUTH: Postfix's
 * smtpd_timeout, and a little. */
enum { LS_ASKED_LATELY_MS = 330 * 1000 };

struct ls_asked {
	_Atomic uint32_t word[LS_ASKED_WORDS];
};
_Static_assert(sizeof(struct ls_asked) == 16384, "part of the map format");

/* Note that an address was asked about.
 *   key  the address's, as the table has it
 *   now  the map's clock */
void ls_asked_note(struct ls_asked *asked, uint64_t key, uint64_t now);

/* Was it, or may it have been, within LS_ASKED_LATELY_MS? */
bool ls_asked_lately(const struct ls_asked *asked, uint64_t key, uint64_t now);

#endif
