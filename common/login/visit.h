/* visit.h - one attempt at a door, with everything that is looked up for it
 *
 * Between judge.c, which decides, and the table, which remembers: finds the
 * slots of the attempt's subjects, takes and gives back charges, journals. */
#ifndef LS_VISIT_H
#define LS_VISIT_H

#include "login/judge.h"
#include "map/home.h"
#include "state/state.h"

enum { LS_VISIT_KINDS = LS_JUDGED_KINDS };

struct ls_visit {
	struct ls_state *state;
	const struct ls_policy *policy;
	const struct ls_meters *meters;
	struct ls_policy own; /* both, when something overrides the policy */
	struct ls_meters own_meters;
	const char *user; /* as typed; NULL: not known yet */
	const struct ls_addr *ip; /* NULL: not known */
	uint64_t key[LS_VISIT_KINDS]; /* GUESS: 0 when it is not known */
	struct ls_ref ref[LS_VISIT_KINDS];
	bool known[LS_VISIT_KINDS]; /* ref is good */
	unsigned crowded; /* bit 1 << kind: charged, or refused, without a slot */
	uint64_t crowd_at; /* when those without a slot will have room; 0: they
			    * have */
	uint64_t local_key; /* of its local part; 0: the name is known to have
			     * succeeded, or that was not asked */
	bool narrow; /* a familiar place: only it and its account were looked
		      * for, and nothing else of the attempt matters yet */
	/* Of a familiar place (inside.c): */
	enum ls_home home; /* what the address is to it */
	bool near;      /* the account has never logged in from the address */
	bool over;      /* the address or its network fails at too many accounts,
			 * by rules that are enforced */
	bool clean;     /* no other account fails at the address: only its own count
			 * is held against it. Known if near or over */
	bool estranged; /* near, and held against it: the login is a stranger's */
	bool part;      /* not near, and held against it: the policy is that of a
			 * place with a part of its limit */
	bool aliased;               /* key[USER] is another account's */
	uint64_t typed_key;         /* then: the typed name's */
	struct ls_subject account;  /* then: the other's name, if kind says so */
	bool master;                /* logs in to another account */
	unsigned marks; /* for the journal: LS_MARK_* */
	uint64_t now;
};

/* Begin: the keys of the attempt's subjects, their slots where they have any (see
 * `narrow`), and the policy that holds for this account at this address. A typed name that is
 * known to be an alias stands for the other account from here on.
 *   user, ip  NULL: not known, one of them; both live as long as the visit
 *   password  NULL: not known
 *   now       the map's clock, as everywhere here */
void ls_visit_init(struct ls_visit *visit, struct ls_state *state,
		   const char *user, const struct ls_addr *ip,
		   const char *password, uint64_t now);
/* It is a master's login to another account, which has a limit of its own. */
void ls_visit_be_master(struct ls_visit *visit);
/* Begin again with the subjects of a ticket, which the visit points into. */
void ls_visit_resume(struct ls_visit *visit, struct ls_state *state,
		     const struct ls_ticket *ticket, uint64_t now);
/* Look for all of them, if that was not done. */
void ls_visit_widen(struct ls_visit *visit);
/* ---- inside a familiar network (inside.c) ----------------------------- */

/* See whether the place is familiar at this address, and what limits hold for it;
 * ls_visit_init() has done it. */
void ls_visit_look_inside(struct ls_visit *visit);
/* Lay a place's part of its limit over the policy. */
void ls_visit_divide(struct ls_visit *visit);

/* The key of this password from this address. */
uint64_t ls_visit_spray_key(const struct ls_visit *visit);
/* Did this password fail from this address at another account, while that was over
 * its count? */
bool ls_visit_is_spray(const struct ls_visit *visit);
/* Is it being verified for another account just now? */
bool ls_visit_is_spray_flying(const struct ls_visit *visit);
/* Remember among those in flight what these two ask for; and forget it. */
void ls_visit_depart_inside(const struct ls_visit *visit,
			    struct ls_ticket *ticket);
void ls_visit_arrive_inside(const struct ls_visit *visit,
			    struct ls_ticket *ticket);
/* It failed at this account. */
void ls_visit_note_spray(struct ls_visit *visit);

/* A failure has filled a distinct count: the address or network is over it. Tells an
 * alarm, once for each time it is, when the failure was at a familiar place. */
void ls_visit_go_over(struct ls_visit *visit, const struct ls_ticket *ticket,
		      const struct ls_meter_use *count);
/* The account has logged in: a failure at it of the last few minutes was its owner's
 * slip, and leaves the counts of the address and network. */
void ls_visit_pardon(struct ls_visit *visit);

/* Put keys and places into the ticket, for ls_visit_resume(). */
void ls_visit_keep(const struct ls_visit *visit, struct ls_ticket *ticket);
/* Go on with the account of that name, where the typed one turned out to be an
 * alias, or no longer to be one. */
void ls_visit_rename(struct ls_visit *visit, const char *user);

/* Has the attempt a subject of this kind? */
static inline bool ls_visit_has(const struct ls_visit *visit, enum ls_kind kind)
{
	if (kind == LS_KIND_GUESS)
		return visit->key[kind] != 0;
	return (visit->user != NULL || kind <= LS_KIND_NET) &&
	       (visit->ip != NULL || kind == LS_KIND_USER);
}

/* What is known before the judgement (view.c).
 *   target  a master user's, or NULL */
void ls_visit_view(const struct ls_visit *visit, bool secured,
		   const char *target, struct ls_view *view_r);

/* Judge what is known, and where nothing else says no, whether names of that local part
 * may fail once more, and whether the account may have a session more.
 *   service  that the login is for; NULL: of no account's own */
void ls_visit_judge(struct ls_visit *visit, const char *service,
		    struct ls_view *view, struct ls_judgement *judgement_r);

/* What a name that never succeeded shares with others of its local part
 * (localpart.c): change the decision on an attempt that may go on if there is no room;
 * and charge one that turned out to be wrong. */
void ls_visit_judge_local(struct ls_visit *visit,
			  struct ls_decision *decision);
void ls_visit_fail_local(const struct ls_visit *visit,
			 const struct ls_ticket *ticket);
/* What is in those meters, as ls_local_read(); false: the name has succeeded. */
bool ls_visit_read_local(const struct ls_visit *visit,
			 uint64_t level_r[LS_SPEEDS]);
/* The set of meters of a local part's key. */
struct ls_local_set *ls_local_of(const struct ls_map *map, uint64_t key);

/* Is the account frozen (frozen.c)? As ls_frozen(). */
bool ls_visit_is_frozen(const struct ls_visit *visit,
			struct ls_decision *decision_r);

/* ---- wrong passwords that are known (repeated.c) ---------------------- */

/* The fingerprint of the password at this place, or, without an address, at this
 * account; 0: none. */
uint32_t ls_visit_print(const struct ls_visit *visit);
/* Was it wrong there before? */
bool ls_visit_knows(const struct ls_visit *visit, uint32_t print);
/* It is wrong; unsure: or may be right all the same. */
void ls_visit_note_wrong(struct ls_visit *visit, uint32_t print, bool unsure);
/* It is right: what is must not stand among the wrong. */
void ls_visit_note_right(const struct ls_visit *visit, uint32_t print);

/* Do the address and its network count for nothing: by the policy's word, or an
 * administrator's for a while, or because they are not known? */
bool ls_visit_is_trusted(const struct ls_visit *visit);

/* The subject of a kind, in readable form. */
void ls_visit_subject(const struct ls_visit *visit, enum ls_kind kind,
		      struct ls_subject *subject_r);

/* The slot of a subject, claimed if need be. Returns NULL when the attempt has no
 * such subject, or there is no room for it, and the table has counted that. */
const struct ls_ref *ls_visit_reach(struct ls_visit *visit, enum ls_kind kind);

/* Charge one meter, room or not if `force`, and note it in the ticket (NULL: it
 * will not be given back). A meter of failures whose subject finds no slot is charged
 * to its bucket's crowd, once for each subject. Returns false when there was no room:
 * in the crowd, if crowd_at is not 0. */
bool ls_visit_charge(struct ls_visit *visit, const struct ls_meter_use *meter,
		     bool force, struct ls_ticket *ticket);
/* Would one of the failure meters that the judgement takes find no slot? Then
 * *decision, if it admits, refuses where the crowd of its bucket has no room. Reads
 * only. */
bool ls_visit_foresee_crowd(const struct ls_visit *visit,
			    const struct ls_judgement *judgement,
			    struct ls_decision *decision);
/* Give back what the ticket notes, but for what is kept. */
enum ls_keep { LS_KEEP_NOTHING, LS_KEEP_LOGINS, LS_KEEP_FAILURES };
void ls_visit_refund(const struct ls_visit *visit, struct ls_ticket *ticket,
		     enum ls_keep keep);

/* Remember the attempt among those in flight, by what the judgement takes; and
 * forget it. */
void ls_visit_depart(const struct ls_visit *visit,
		     const struct ls_judgement *judgement,
		     struct ls_ticket *ticket);
void ls_visit_arrive(const struct ls_visit *visit, struct ls_ticket *ticket);

/* ---- the record of an attempt (attempt-record.c) ----------------------- */

/* Journal the end of an attempt, or a refusal; or count it, where the journal has
 * been told much of the same (told.h).
 *   failed  the passdb that failed on the way, or "" */
void ls_visit_journal(struct ls_visit *visit, enum ls_event event,
		      const struct ls_attempt *attempt,
		      const struct ls_decision *decision,
		      enum ls_outcome outcome, const char *failed);
/* Is a doubt about a success to be told? */
bool ls_told_doubt(const struct ls_visit *visit);

#endif
