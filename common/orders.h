/* orders.h - what an administrator undoes, exempts and looks at
 *
 * For the command line, and for lockstepd, which tells of an account's places; the
 * rest of the orders are in lockstep.h. `by` goes to the journal and may be NULL:
 * who, of LS_DETAIL_MAX bytes, and after ": " why, of LS_MORE_MAX; what is longer is
 * cut. Times are as now_ms. */
#ifndef LS_ORDERS_H
#define LS_ORDERS_H

#include "explain.h"

/* ---- unlocking (unlock.c) -------------------------------------------- */

/* What was taken from a subject. */
struct ls_cleared {
	bool locked;      /* it was */
	unsigned strikes; /* that had not faded */
	unsigned levels;  /* meters that were not empty */
	struct ls_level level[LS_LEVELS_MAX];
};

/* ls_unlock(), telling what it cleared. */
int ls_clear(struct ls_state *state, const struct ls_subject *subject,
	     const char *by, uint64_t now_ms, struct ls_cleared *cleared_r);

/* End every lock that is in force, of wrong passwords too, and empty the meters
 * of those subjects. Freezes stay. Returns how many, or LS_EACCES. */
int ls_clear_all(struct ls_state *state, const char *by, uint64_t now_ms);

/* The same for a wrong password that was tried on many accounts: it may be tried
 * again. Reads the secret, which root alone can. Returns 1 when it was locked, 0
 * when it was not; LS_EACCES, or what ls_secret_open() says, with the reason. */
int ls_clear_guess(struct ls_state *state, const char *password,
		   const char *by, uint64_t now_ms,
		   struct ls_cleared *cleared_r, struct ls_error *error_r);

/* ---- trusting for a while (trust.c) ---------------------------------- */

/* Exempt an IP or a NET for length_ms, as a network that the policy trusts: its
 * own locks and meters, and those around it, count for nothing. The last order
 * holds, be it longer or shorter. Returns 0, LS_EARG, LS_EACCES or LS_EFULL. */
int ls_trust(struct ls_state *state, const struct ls_subject *subject,
	     uint64_t length_ms, const char *by, uint64_t now_ms);
/* What the policy trusts for good of a network. Looks at every override. */
enum ls_share { LS_SHARE_NONE, LS_SHARE_PART, LS_SHARE_ALL };
enum ls_share ls_trusted_share(const struct ls_state *state,
			       const struct ls_prefix *net);

/* End it. Returns 1, 0 when it was not trusted, LS_EARG or LS_EACCES. */
int ls_distrust(struct ls_state *state, const struct ls_subject *subject,
		const char *by, uint64_t now_ms);

struct ls_trusted {
	struct ls_subject subject; /* kind alone, where not named */
	bool named;
	uint64_t until_ms;
};
/* Visit what is trusted so: as ls_lock_next(). */
int ls_trusted_next(struct ls_state *state, uint64_t *cursor, uint64_t now_ms,
		    struct ls_trusted *trusted_r);

/* ---- familiar places (places.c) -------------------------------------- */

struct ls_place {
	char user[LS_USER_MAX + 1]; /* "": the name is not known any more */
	bool placed;                /* `net` is known */
	struct ls_prefix net;
	uint64_t first_seen_ms, until_ms;
};

/* Which places. */
struct ls_places_of {
	const char *user;            /* an account or an alias of it; NULL: any */
	const struct ls_prefix *net; /* those in it, or of the network around
				      * it; NULL: anywhere */
};

typedef void ls_place_fn(void *context, const struct ls_place *place);

/* Visit familiar places. Names are those of accounts that logged in since the
 * map was made, as long as there is room for them; which places are those of a
 * given account is known for sure. Returns how many, or LS_EACCES, or LS_ESYS
 * when out of memory. Looks at every slot. */
int ls_places(struct ls_state *state, const struct ls_places_of *of,
	      uint64_t now_ms, ls_place_fn *found, void *context);

/* The same, and forget them: who logs in from there is a stranger again. With
 * them go the stamps of a network in which all are forgotten, by which its
 * connections are spared. */
int ls_forget(struct ls_state *state, const struct ls_places_of *of,
	      const char *by, uint64_t now_ms, ls_place_fn *forgot,
	      void *context);

#endif
