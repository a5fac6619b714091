/* announce.pml - what a number in the guard's header announces
 *
 * Processes keep what they have read, and read it again when a number has gone up. Each
 * SHARED(...) is one access to what they share; between any two of them every other
 * process may run, and who gives an order or compiles a policy may be killed. README
 * tells what is left out, and why nothing is lost by it.
 *
 * Scenes, one by -D:
 *   SCENE_LOCK     two that lock an account, one that unlocks it, and its session
 *   SCENE_FREEZE   the same, frozen and released
 *   SCENE_POLICY   two that compile, and one that opens a state */

#ifndef ASKS
#define ASKS 2 /* of a session; refreshes of a state */
#endif

#define SHARED(...) \
	if \
	:: atomic { __VA_ARGS__ } \
	:: printf("%d: killed\n", _pid); goto killed \
	fi

/* Of one that lives. */
#define SEEN(...) atomic { __VA_ARGS__ }

#ifdef SCENE_POLICY

byte file;       /* which policy is in place; the name is replaced by rename */
byte generation; /* policy_generation of the header */

/* Ghosts. */
byte made;
byte told; /* the newest policy whose compilation has ended */

inline put_in_place()
{
	SHARED(
		made++;
		file = made;
		mine = made;
		printf("%d: compile: policy %d is in place\n", _pid, mine)
	)
}

/* state.c: ls_policy_announce() */
inline announce_policy()
{
	SHARED(
		generation++;
		printf("%d: compile: generation %d\n", _pid, generation)
	)
}

/* compile.c of the command line: compile() */
proctype compiler()
{
	byte mine;

#ifdef BUG_ANNOUNCED_FIRST
	announce_policy();
	put_in_place();
#else
	put_in_place();
	announce_policy();
#endif
	atomic { told = (mine > told -> mine : told) };
killed:
	mine = 0
}

inline read_policy()
{
	SEEN(
		policy = file;
		printf("%d: policy %d is read\n", _pid, policy)
	)
}

inline read_generation()
{
	SEEN(
		kept = generation;
		printf("%d: generation %d is kept\n", _pid, kept)
	)
}

/* state.c: the end of open_all() */
inline look_once_more()
{
	SEEN(
		same = (policy == file);
		printf("%d: policy %d is still there: %d\n", _pid, policy, same)
	);
	if
	:: !same -> read_policy()
	:: else
	fi;
	same = false
}

/* state.c: ls_refresh() */
inline refresh()
{
	SEEN(
		due = told;
		same = (generation == kept);
#ifndef BUG_READ_BEFORE_THE_NUMBER_IS_KEPT
		kept = generation;
#endif
		printf("%d: refresh: generation %d\n", _pid, generation)
	);
	if
	:: !same ->
		read_policy();
#ifdef BUG_READ_BEFORE_THE_NUMBER_IS_KEPT
		read_generation()
#endif
	:: else
	fi;
	same = false;
	/* What was compiled before the look is in force. */
	assert(policy >= due)
}

proctype opener()
{
	byte policy, kept, due, asks;
	bool same;

	read_policy();
#ifdef BUG_NUMBER_AFTER_THE_LOOK
	look_once_more();
#endif
	read_generation();
#if !defined(BUG_NUMBER_AFTER_THE_LOOK) && !defined(BUG_NO_SECOND_LOOK)
	look_once_more();
#endif
	do
	:: asks == ASKS -> break
	:: asks < ASKS -> asks++; refresh()
	od
}

init {
	atomic {
		run compiler();
		run compiler();
		run opener()
	}
}

#else

byte word;   /* the lock, or the freeze: 0, or when it ends */
byte since;  /* the word behind it; 0: before all this began */
byte orders; /* of the header */

/* Ghosts. */
byte fallen; /* orders that were written: the number of the last one */
byte given;  /* the last one whose giver, or who found it there, was told that it
	      * stands; 0: none, or it was taken back */
byte ended;  /* how often one was taken back */
byte done;   /* givers that ended or were killed */

#define NOW 1
#ifdef SCENE_FREEZE
#define FREEZES true
#else
#define FREEZES false
#endif
#define GIVERS 3 /* one of them takes back */

inline write_since()
{
	SHARED(
		since = NOW;
		printf("%d: lock: since now\n", _pid)
	)
}

/* slot.c: ls_slot_lock(). One that ends later stays: LS_NO_ROOM. */
inline write_order()
{
	do
	:: SHARED(
			old = word;
			era = ended;
			stood = (old >= until);
			mine = fallen;
			printf("%d: lock: was until %d\n", _pid, old)
		);
		if
		:: stood -> break
		:: else
		fi;
#ifndef BUG_SINCE_LAST
		write_since();
#endif
		SHARED(
			same = (word == old);
			word = (same -> until : word);
			era = ended;
			fallen = (same -> fallen + 1 : fallen);
			mine = fallen;
			printf("%d: lock: until %d: %d\n", _pid, until, same)
		);
		if
		:: same -> break
		:: else
		fi
	od;
#ifdef BUG_SINCE_LAST
	if
	:: !stood -> write_since()
	:: else
	fi;
#endif
	old = 0;
	same = false
}

inline raise_number()
{
	SHARED(
		orders++;
		printf("%d: lock: order %d\n", _pid, orders)
	)
}

/* marks.c: ls_state_lock() */
proctype giver(byte until)
{
	byte old, era, mine;
	bool stood, same;

#ifdef BUG_RAISED_FIRST
	raise_number();
	write_order();
#else
	write_order();
#ifdef BUG_STOOD_UNTOLD
	if
	:: !stood -> raise_number()
	:: else
	fi;
#else
	raise_number();
#endif
#endif
	atomic {
		given = (ended == era && mine > given -> mine : given);
		printf("%d: lock: is given\n", _pid)
	};
killed:
	atomic { until = 0; old = 0; era = 0; mine = 0; stood = 0; same = 0; done++ }
}

/* unlock.c: clear_lock(), and freeze.c: clear_freeze(). */
proctype taker()
{
	SHARED(
		word = 0;
		ended++;
		given = 0;
		printf("%d: unlock\n", _pid)
	);
killed:
	done++
}

inline keep_number()
{
	SEEN(
		kept = orders;
		printf("%d: session: order %d is kept\n", _pid, kept)
	)
}

/* revoked.c: ls_session_look(). Leaves its answer in `revoked`. */
inline look()
{
	SEEN(
		revoked = (word != 0);
		printf("%d: session: until %d\n", _pid, word)
	);
#ifdef SCENE_LOCK
	if
	:: revoked ->
		SEEN(
			revoked = (since >= NOW);
			printf("%d: session: since %d\n", _pid, since)
		)
	:: else
	fi
#endif
}

inline begin()
{
	due = (given > 0);
	before = fallen;
	era = ended
}

/* session.c: the beginning of ls_session_open(). A lock that fell before is the login's
 * to see. */
inline open_session()
{
#ifdef BUG_OPEN_LOOKS_FIRST
	atomic { begin(); look() };
	keep_number();
#else
	atomic { begin(); keep_number() };
	look();
#endif
#ifdef SCENE_FREEZE
	/* An account that is frozen opens none. */
	assert(revoked || !due || ended != era);
#else
	revoked = false;
#endif
	due = false
}

/* revoked.c: ls_session_is_revoked(). That more than a minute has gone by: `late`. */
inline ask()
{
	SEEN(
		due = (given > (FREEZES -> 0 : before));
		era = ended;
		same = (orders == kept);
		printf("%d: session: asks, order %d\n", _pid, orders)
	);
	if
	:: !same || late ->
#ifdef BUG_LOOK_BEFORE_THE_NUMBER_IS_KEPT
		look();
		keep_number()
#else
		keep_number();
		look()
#endif
	:: else
	fi;
	same = false;
	/* An order that was given before it asks ends it, if it is not taken back. */
	assert(revoked || !due || ended != era);
	due = false
}

proctype session()
{
	byte kept, before, era, asks;
	bool revoked, due, same, late;

	open_session();
	do
	:: revoked || asks == ASKS -> break
	:: !revoked && asks < ASKS -> asks++; ask()
	od;
	/* Whoever was killed: a minute later it is seen what they left. */
	atomic { done == GIVERS -> late = !revoked };
	if
	:: late -> ask(); assert(revoked || word == 0)
	:: else
	fi
}

init {
	atomic {
		run giver(1);
		run giver(2);
		run taker();
		run session()
	}
}
#endif
