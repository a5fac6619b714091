/* player.h - plays a scenario against the real engine, under simulated time
 *
 * A statement is a line; its first word, or its second for a login, says which
 * function plays it. What was got and is not what was wanted fails the running
 * cmocka test, with the file and the line. */
#ifndef PLAYER_H
#define PLAYER_H

#include "scenario.h"
#include "world.h"

enum {
	PLAYER_ACCOUNTS = 2048,
	PLAYER_TICKETS = 512,
	PLAYER_SESSIONS = 64,
	PLAYER_WORD = 96,
	PLAYER_TEXT = 512,
	PLAYER_LOOPS = 2,
};

struct player_account {
	char name[PLAYER_WORD], password[PLAYER_WORD];
	char final[PLAYER_WORD]; /* of an alias: what it is; else "" */
};

/* An attempt in flight. */
struct player_flight {
	char name[PLAYER_WORD]; /* "": none */
	struct ls_ticket ticket;
	enum ls_outcome outcome; /* that its password will have */
};

/* A mail session that lives. */
struct player_session {
	char name[PLAYER_WORD]; /* "": none */
	char user[PLAYER_WORD], service[PLAYER_WORD];
	struct ls_addr ip;
	struct ls_session session;
};

struct player {
	struct world world;
	const struct scenario *scenario;
	const struct scenario_line *line; /* that is played */
	bool over;                        /* played to its end */
	bool opened;                      /* the guard is open */
	bool stale; /* the policy was changed since it was compiled */
	unsigned accounts;
	struct player_account account[PLAYER_ACCOUNTS];
	struct player_flight flight[PLAYER_TICKETS];
	struct player_session session[PLAYER_SESSIONS];
	unsigned admitted, refused,
		waiting; /* logins and messages, since they were counted */
	unsigned held;   /* messages */
	struct ls_gathered gathered;
	unsigned messages; /* all that were sent: names for them */
	struct ls_cursor seen; /* in the journal, by `event` */
	unsigned loops;
	struct {
		unsigned line, times, counter;
	} loop[PLAYER_LOOPS];
	/* The line's words, with counters put in. */
	unsigned words;
	const char *word[SCENARIO_WORDS];
	char room[SCENARIO_WORDS][PLAYER_WORD];
};

/* Play it all. The player is zeroed; world_fini() is the caller's. */
void player_play(struct player *player, const struct scenario *scenario);

/* For the statements. */

/* End the test: this line cannot be played. */
_Noreturn void player_reject(const struct player *player, const char *why,
			     const char *what);
/* End the test if what was got is not what was wanted. */
void player_want(const struct player *player, const char *what, const char *got,
		 const char *want);
void player_want_number(const struct player *player, const char *what,
			uint64_t got, uint64_t want);
/* A length of time; what ends on a full second may be that much longer. */
void player_want_time(const struct player *player, const char *what,
		      uint64_t got_ms, uint64_t want_ms);

/* The word at i, or reject the line. */
const char *player_word(const struct player *player, unsigned i);
/* Is it this one? Also false beyond the last. */
bool player_is(const struct player *player, unsigned i, const char *word);
uint64_t player_duration(const struct player *player, unsigned i);
unsigned player_number(const struct player *player, unsigned i);
struct ls_addr player_addr(const struct player *player, unsigned i);
/* The words from i on, as one text. */
void player_rest(const struct player *player, unsigned i,
		 char text_r[PLAYER_TEXT]);

/* "ip 192.0.2.1", "place joe from 192.0.2.0/24", "guess hunter2": a subject and
 * its key. Returns the number of words. */
unsigned player_subject(const struct player *player, unsigned i,
			struct ls_subject *subject_r, uint64_t *key_r);

/* The account of that name, or NULL. */
struct player_account *player_find_account(struct player *player,
					   const char *name);

/* What the guard is opened with: as the processes of logins and of messages. */
enum {
	PLAYER_FLAGS = LS_GUARD_WRITE | LS_SESSIONS_WRITE | LS_CREATE |
		       LS_LOGINS | LS_CONTACTS,
};

typedef void player_fn(struct player *player);
struct player_statement {
	const char *name;
	player_fn *play;
	bool early; /* needs no open guard */
};
/* Each ends with a NULL name. */
extern const struct player_statement player_setup[], player_admin[],
	player_looks[];

/* What is wanted of a decision, in words from i on; 0: nothing.
 *   ticket  NULL: it is no login's */
void player_want_decision(const struct player *player, unsigned i,
			  const struct ls_decision *decision,
			  const struct ls_ticket *ticket);

/* The statements of a message: play_send.c. */
extern const struct player_statement player_messages[];

/* The statements of a login: play_login.c. */
void player_login(struct player *player, unsigned at, const char *flight);
extern const struct player_statement player_logins[];

/* What was decided, and what is wanted from the word at i on; 0: nothing.
 *   ticket  NULL: of no login */
void player_want_decision(const struct player *player, unsigned i,
			  const struct ls_decision *decision,
			  const struct ls_ticket *ticket);

/* The statements of a mail session: play_session.c. */
extern const struct player_statement player_sessions[];

#endif
