/* claim.pml - claiming, evicting and protecting the slots of one bucket
 *
 * The protocol of common/map/table.c and common/map/slot.c. Each SHARED(...) is one
 * load or one compare-and-swap of a shared word, with the thinking that follows
 * it; between any two of them every other process may run, and the process may
 * be killed. README tells what is left out, and why nothing is lost by it.
 *
 * Scenes, one by -D, each with three processes:
 *   SCENE_CLAIM    three claimers whose clocks differ about when locks end
 *   SCENE_LOCK     two claimers, and one that locks and unlocks
 *   SCENE_LOCKERS  a claimer, and two that lock the same subject
 *   SCENE_CHARGE   a claimer, and two that charge
 *   SCENE_PLACES   a claimer by force, and two that mark places as familiar;
 *                  a lock stands for familiarity here, locking for marking. So it
 *                  does for a claimer without force among locks of rules that are
 *                  too many: more than one, of two slots */

#ifndef WAYS
#define WAYS 2
#endif
#define NOWHERE WAYS

#define MOST_TRIES 2 /* CLAIM_TRIES of table.c; for the last claim: */
#define ENOUGH_TRIES 3
#ifdef SCENE_LOCK
#define MOST_REACH 1 /* REACH_TRIES of marks.c; done again in SCENE_LOCKERS */
#else
#define MOST_REACH 2
#endif

/* Subjects. */
#define NONE 0
#define ANN 1
#define BEN 2
#define CAY 3
#define NAME(subject) ((subject) -> 'A' + (subject) - 1 : '-')

/* A tag: owner, sequence. */
#define TAG(owner, seq) ((owner) << 4 | (seq))
#define TAG_OWNER(tag) ((tag) >> 4)
#define TAG_SEQ(tag) ((tag) & 15)
#define MOST_TAG_SEQ 15

/* A victim as it was seen: the parity of its sequence, and if it was chosen as
 * a familiar place. */
#define SEEN(tag, familiar) ((tag) & 1 | (familiar) << 1)
#define SEEN_FAMILIAR(seen) ((seen) >> 1)

/* An intent: owner, way, the victim as seen, own sequence. */
#define INTENT(owner, way, seen, seq) \
	((owner) << 9 | (way) << 7 | (seen) << 5 | (seq))
#define INTENT_OWNER(intent) ((intent) >> 9)
#define INTENT_WAY(intent) ((intent) >> 7 & 3)
#define INTENT_FAMILIAR(intent) ((intent) >> 6 & 1)
#define INTENT_PARITY(intent) ((intent) >> 5 & 1)
#define INTENT_SEQ(intent) ((intent) & 31)
#define MOST_INTENT_SEQ 31

/* A word of a slot: stamp, value. A lock's value is when it ends; a meter's,
 * how many charges it holds. */
#define WORD(stamp, value) ((stamp) << 3 | (value))
#define WORD_STAMP(word) ((word) >> 3)
#ifdef BUG_NO_STAMP
#define WORD_VALUE(word, stamp) ((word) & 7)
#else
#define WORD_VALUE(word, stamp) \
	(WORD_STAMP(word) == (stamp) -> ((word) & 7) : 0)
#endif

byte tag[WAYS];
short intent;
byte lock[WAYS];
byte meter[WAYS];

/* Ghosts: what the properties speak of, and no process acts upon. */
byte safe[WAYS];     /* a lock that ends then was placed, and known to stand */
byte meter_of[WAYS]; /* the subject that charged the meter last */
byte done;           /* processes that ended or were killed */

mtype = { yes, no };
#define YES(condition) ((condition) -> yes : no)

/* One step that others can see; or the process is killed instead. */
#define SHARED(...) \
	if \
	:: atomic { __VA_ARGS__ } \
	:: mortal -> printf("%d: killed\n", _pid); goto killed \
	fi

#ifdef BUG_NO_SEQ
#define NEXT_TAG_SEQ(tag) TAG_SEQ(tag)
#else
#define NEXT_TAG_SEQ(tag) (TAG_SEQ(tag) + 1)
#endif
#ifdef BUG_NO_INTENT_SEQ
#define NEXT_INTENT_SEQ(intent) INTENT_SEQ(intent)
#else
#define NEXT_INTENT_SEQ(intent) (INTENT_SEQ(intent) + 1)
#endif

/* table.c: find(). Leaves the way in `at`, or NOWHERE. */
#define LOOK_AT(w) \
	SHARED( \
		if \
		:: at == NOWHERE && TAG_OWNER(tag[w]) == x -> at = w \
		:: else \
		fi; \
		printf("%d: find %c: tag %d is %c.%d\n", _pid, NAME(x), w, \
		       NAME(TAG_OWNER(tag[w])), TAG_SEQ(tag[w])) \
	)

inline find()
{
	at = NOWHERE;
	LOOK_AT(0);
	LOOK_AT(1);
#if WAYS > 2
	LOOK_AT(2);
#endif
}

#ifdef SCENE_PLACES
#define FORCE true
#else
#define FORCE false
#endif

/* table.c: cheapest(), worth_at(). Which of the slots that may go is the
 * cheapest is left open: any of them, but by force a familiar place only where
 * no other may. */
#define PRICE(w) \
	SHARED( \
		t = tag[w]; \
		printf("%d: cheapest: tag %d is %c.%d\n", _pid, w, \
		       NAME(TAG_OWNER(t)), TAG_SEQ(t)) \
	); \
	SHARED( \
		word = WORD_VALUE(lock[w], TAG_OWNER(t)); \
		printf("%d: cheapest: slot %d locked: %e\n", _pid, w, \
		       YES(now < word)); \
		if \
		:: now >= word -> at = w; seen = SEEN(t, 0) \
		:: FORCE && now < word && \
		   (at == NOWHERE || SEEN_FAMILIAR(seen)) -> \
			at = w; seen = SEEN(t, 1) \
		:: now < word && !(FORCE && at == NOWHERE) \
		:: now >= word && at != NOWHERE && !SEEN_FAMILIAR(seen) \
		fi; \
		t = 0; \
		word = 0 \
	)

inline cheapest()
{
	PRICE(0);
	PRICE(1);
#if WAYS > 2
	PRICE(2);
#endif
}

/* Was the intent decided upon when the tag was read? */
#ifdef BUG_TWO_DECISIONS
#define DECIDED(tag, intent) (TAG_OWNER(tag) == INTENT_OWNER(intent))
#else
#define DECIDED(tag, intent) (((tag) & 1) != INTENT_PARITY(intent))
#endif

#if WAYS > 2
#define OTHERS_ARE_NOT(owner, w) \
	(TAG_OWNER(tag[((w) + 1) % 3]) != (owner) && \
	 TAG_OWNER(tag[((w) + 2) % 3]) != (owner))
#else
#define OTHERS_ARE_NOT(owner, w) (TAG_OWNER(tag[1 - (w)]) != (owner))
#endif

/* May the victim go, though there is something to keep in its slot? */
#ifdef BUG_FORCE_ALL
#define MAY_GO(intent) FORCE
#else
#define MAY_GO(intent) INTENT_FAMILIAR(intent)
#endif

/* Nothing in the bucket is cheaper than w. */
#define KEPT(w) (now < WORD_VALUE(lock[w], TAG_OWNER(tag[w])))
#if WAYS > 2
#define OTHERS_ARE_KEPT(w) (KEPT(((w) + 1) % 3) && KEPT(((w) + 2) % 3))
#else
#define OTHERS_ARE_KEPT(w) KEPT(1 - (w))
#endif

/* The compare-and-swap that decides. */
inline decide(w)
{
	if
	:: tag[w] != t ->
		printf("%d: end intent: tag %d has changed\n", _pid, w)
	:: tag[w] == t && now < word && !MAY_GO(e) ->
		tag[w] = TAG(TAG_OWNER(t), NEXT_TAG_SEQ(t));
		printf("%d: end intent: tag %d spared, %c.%d\n", _pid, w,
		       NAME(TAG_OWNER(t)), NEXT_TAG_SEQ(t))
	:: tag[w] == t && (now >= word || MAY_GO(e)) ->
		tag[w] = TAG(INTENT_OWNER(e), NEXT_TAG_SEQ(t));
		printf("%d: end intent: tag %d to %c.%d\n", _pid, w,
		       NAME(INTENT_OWNER(e)), NEXT_TAG_SEQ(t));
		/* An active lock is not evicted; a familiar place only where
		 * all in its bucket are. */
		assert(now >= safe[w] || (FORCE && OTHERS_ARE_KEPT(w)));
		/* No subject has two slots. */
		assert(OTHERS_ARE_NOT(INTENT_OWNER(e), w));
		safe[w] = 0
	fi;
	assert(TAG_SEQ(t) < MOST_TAG_SEQ)
}

/* table.c: end_intent(), step 5, of the intent e. */
inline end_intent()
{
	SHARED(
		t = tag[INTENT_WAY(e)];
		printf("%d: end intent: tag %d is %c.%d\n", _pid,
		       INTENT_WAY(e), NAME(TAG_OWNER(t)), TAG_SEQ(t))
	);
	SHARED(
		same = (intent == e);
#ifdef BUG_NO_RECHECK
		same = true;
#endif
		printf("%d: end intent: still intended: %e\n", _pid,
		       YES(same))
	);
	if
	:: same && !DECIDED(t, e) ->
		SHARED(
			word = WORD_VALUE(lock[INTENT_WAY(e)], TAG_OWNER(t));
			printf("%d: end intent: slot %d locked: %e\n", _pid,
			       INTENT_WAY(e), YES(now < word))
		);
		SHARED(decide(INTENT_WAY(e)); word = 0)
	:: else
	fi;
	t = 0;
	if
	:: same ->
		SHARED(
			if
			:: intent == e ->
				assert(INTENT_SEQ(e) < MOST_INTENT_SEQ);
				intent = NEXT_INTENT_SEQ(e);
				printf("%d: end intent: none.%d\n", _pid,
				       intent)
			:: else ->
				printf("%d: end intent: done by another\n",
				       _pid)
			fi;
			same = false;
			e = 0
		)
	:: else ->
		e = 0
	fi
}

/* Steps 3 and 4 of a claim. Leaves `no_room`, or the round is over. */
inline publish()
{
	cheapest();
	if
	:: at == NOWHERE ->
		SHARED(
			no_room = (intent == e);
#ifdef BUG_FULL_UNCHECKED
			no_room = true;
#endif
			printf("%d: claim %c: full: %e\n", _pid, NAME(x),
			       YES(no_room));
			/* No room is not said of a subject that has a slot. */
			assert(!no_room || OTHERS_ARE_NOT(x, 0));
			assert(!no_room || OTHERS_ARE_NOT(x, 1));
			e = 0
		)
	:: else ->
		SHARED(
			same = (intent == e);
			e = INTENT(x, at, seen, INTENT_SEQ(e));
			at = NOWHERE;
			seen = 0;
			if
			:: same ->
				intent = e;
				printf("%d: claim %c: intends slot %d, %d\n",
				       _pid, NAME(x), INTENT_WAY(e),
				       INTENT_SEQ(e))
			:: else ->
				printf("%d: claim %c: again\n", _pid, NAME(x));
				e = 0
			fi
		);
		if
		:: same -> end_intent()
		:: else
		fi
	fi
}

/* The first search of ls_table_claim(), which nothing guards. One step will do:
 * a search that misses has seen a moment without the subject. */
inline glance()
{
	SHARED(
		if
		:: TAG_OWNER(tag[0]) == x -> at = 0
		:: TAG_OWNER(tag[1]) == x -> at = 1
#if WAYS > 2
		:: TAG_OWNER(tag[2]) == x -> at = 2
#endif
		:: else -> at = NOWHERE
		fi;
		printf("%d: claim %c: at a glance: %e\n", _pid, NAME(x),
		       YES(at != NOWHERE))
	)
}

/* table.c: ls_table_claim(). Leaves the way in `at`, or NOWHERE: LS_EFULL. */
inline claim()
{
	glance();
	do
	:: at != NOWHERE || no_room -> break
	:: at == NOWHERE && !no_room &&
	   tries == (mortal -> MOST_TRIES : ENOUGH_TRIES) ->
		/* Only where others disturb. */
		assert(mortal);
		break
	:: at == NOWHERE && !no_room &&
	   tries < (mortal -> MOST_TRIES : ENOUGH_TRIES) ->
#ifdef BUG_SEARCH_FIRST
		find();
#endif
		SHARED(
			tries++;
			e = intent;
			printf("%d: claim %c: intent is %c.%d\n", _pid, NAME(x),
			       NAME(INTENT_OWNER(e)), INTENT_SEQ(e))
		);
		if
		:: INTENT_OWNER(e) != NONE ->
#ifdef BUG_NO_HELP
			e = 0
#else
			end_intent()
#endif
		:: else ->
#ifndef BUG_SEARCH_FIRST
			find();
#endif
			if
			:: at == NOWHERE -> publish()
			:: else
			fi
		fi
	od;
	no_room = false;
	tries = 0;
	e = 0
}

/* table.c: ls_table_protect(), its look at the intent. */
inline look_at_intent()
{
	SHARED(
		e = intent;
		printf("%d: protect: intent is %c.%d for %d\n", _pid,
		       NAME(INTENT_OWNER(e)), INTENT_SEQ(e), INTENT_WAY(e))
	);
	if
	:: INTENT_OWNER(e) != NONE && INTENT_WAY(e) == at -> end_intent()
	:: else -> e = 0
	fi
}

/* table.c: ls_table_protect(). The answer is in `stands`. */
inline protect()
{
#ifndef BUG_PROTECT_LOOKS_FIRST
	look_at_intent();
#endif
	SHARED(
		stands = (TAG_OWNER(tag[at]) == x);
		printf("%d: protect: slot %d stands: %e\n", _pid, at,
		       YES(stands));
		if
		:: stands && lock[at] == WORD(x, until) -> safe[at] = until
		:: else
		fi
	)
}

/* slot.c: writable(), of the word just read. */
inline writable()
{
	stands = true;
	if
	:: WORD_STAMP(word) != x ->
		SHARED(
			stands = (TAG_OWNER(tag[at]) == x);
			printf("%d: writable: slot %d stands: %e\n", _pid, at,
			       YES(stands))
		)
	:: else
	fi
}

/* The slot went back to the subject whose left-over is written over: what that
 * subject relied on is lost, as table.h tells. */
inline stray(old)
{
	if
	:: TAG_OWNER(tag[at]) != x &&
	   TAG_OWNER(tag[at]) == WORD_STAMP(old) -> safe[at] = 0
	:: else
	fi
}

/* slot.c: ls_slot_lock(). Leaves in `stands` whether there is a lock to
 * protect, in `until` when it ends. */
inline slot_lock()
{
	do
	:: SHARED(
			word = lock[at];
			printf("%d: lock %c: slot %d has %c, until %d\n", _pid,
			       NAME(x), at, NAME(WORD_STAMP(word)), word & 7)
		);
		writable();
		if
		:: !stands -> break
		:: stands && now < WORD_VALUE(word, x) ->
			until = WORD_VALUE(word, x);
#ifdef BUG_STOOD_UNSEEN
			stood = true;
#endif
			break
		:: stands && now >= WORD_VALUE(word, x) ->
			SHARED(
				same = (lock[at] == word);
				printf("%d: lock %c: slot %d until %d: %e\n",
				       _pid, NAME(x), at, until, YES(same));
				if
				:: same ->
					stray(lock[at]);
					lock[at] = WORD(x, until)
				:: else
				fi
			);
			if
			:: same -> same = false; break
			:: else
			fi
		fi
	od;
	word = 0
}

/* marks.c: ls_state_lock() */
inline lock_subject()
{
	do
	:: reach == MOST_REACH -> at = NOWHERE; break
	:: reach < MOST_REACH ->
		reach++;
		claim();
		if
		:: at == NOWHERE -> break
		:: else
		fi;
#ifdef BUG_PROTECT_LOOKS_FIRST
		look_at_intent();
#endif
		slot_lock();
		if
		:: stood ->
			atomic {
				stood = false;
				if
				:: TAG_OWNER(tag[at]) == x &&
				   lock[at] == WORD(x, until) ->
					safe[at] = until
				:: else
				fi
			};
			break
		:: stands && !stood ->
			protect();
			if
			:: stands -> break
			:: else
			fi
		:: !stands && !stood
		fi
	od;
	stands = false
}

/* slot.c: ls_slot_set(LS_WORD_LOCK, 0), for ls_unlock() of locks.c */
inline unlock()
{
	do
	:: SHARED(word = lock[at]);
		writable();
		if
		:: !stands -> break
		:: else
		fi;
		SHARED(
			same = (lock[at] == word);
			printf("%d: unlock %c: slot %d: %e\n", _pid,
			       NAME(x), at, YES(same));
			if
			:: same ->
				lock[at] = WORD(x, 0);
				safe[at] = (TAG_OWNER(tag[at]) == x -> 0
								    : safe[at])
			:: else
			fi
		);
		if
		:: same -> same = false; break
		:: else
		fi
	od;
	stands = false;
	word = 0
}

/* slot.c: ls_slot_charge(). Leaves in `stands` whether it is LS_TAKEN. */
inline slot_charge()
{
	do
	:: SHARED(
			word = meter[at];
			printf("%d: charge %c: slot %d has %c's %d\n", _pid,
			       NAME(x), at, NAME(WORD_STAMP(word)), word & 7);
			/* No subject sees what another charged. */
			assert(WORD_VALUE(word, x) == 0 || meter_of[at] == x)
		);
		writable();
		if
		:: !stands -> break
		:: else
		fi;
		SHARED(
			same = (meter[at] == word);
			printf("%d: charge %c: slot %d: %e\n", _pid,
			       NAME(x), at, YES(same));
			if
			:: same ->
				meter[at] = WORD(x, WORD_VALUE(word, x) + 1);
				meter_of[at] = x;
				seen = tag[at]
			:: else
			fi
		);
		if
		:: same -> same = false; break
		:: else
		fi
	od;
	word = 0;
	if
	:: stands ->
		SHARED(
#ifndef BUG_CHARGE_NO_LOOK
			stands = (TAG_OWNER(tag[at]) == x);
#endif
			printf("%d: charge %c: slot %d stands: %e\n", _pid,
			       NAME(x), at, YES(stands));
			/* Whose charge went astray learns of it, unless the
			 * slot was lost and won back since. */
			assert(!stands || tag[at] != seen ||
			       (TAG_OWNER(seen) == x &&
				WORD_STAMP(meter[at]) == x));
			seen = 0
		)
	:: else
	fi
}

/* admit.c: charge() */
inline charge()
{
	do
	:: reach == MOST_REACH -> break
	:: reach < MOST_REACH ->
		reach++;
		claim();
		if
		:: at == NOWHERE -> break
		:: else
		fi;
		slot_charge();
		if
		:: stands -> break
		:: else
		fi
	od;
	stands = false
}

mtype = { CLAIM, LOCK, UNLOCK, CHARGE };

proctype worker(mtype role; byte x; byte now; byte until; bool mortal)
{
	byte at, tries, reach, t, word, seen;
	short e;
	bool same, stands, no_room, stood;

	if
	:: role == CLAIM -> claim()
	:: role == CHARGE -> charge()
	:: role == LOCK -> lock_subject()
	:: role == UNLOCK ->
		lock_subject();
		if
		:: at != NOWHERE -> unlock()
		:: else
		fi
	fi;
killed:
	atomic {
		at = 0; tries = 0; reach = 0; t = 0; word = 0; seen = 0; e = 0;
		same = 0; stands = 0; no_room = 0; stood = 0;
		x = 0; now = 0; until = 0; role = 0; mortal = 0;
		done++
	}
}

/* A slot to begin with. */
#define EMPTY(w) tag[w] = TAG(NONE, 0)
#define IDLE(w, who) tag[w] = TAG(who, 0)
#define LOCKED(w, who, end) \
	tag[w] = TAG(who, 0); lock[w] = WORD(who, end); safe[w] = end

init {
	byte now, x, until;

	atomic {
#if WAYS > 2
		LOCKED(2, 4, 1);
#endif
#ifdef SCENE_CLAIM
		if
		:: EMPTY(0); IDLE(1, BEN)
		:: IDLE(0, ANN); LOCKED(1, BEN, 1); select(now : 0 .. 1)
		:: LOCKED(0, ANN, 1); LOCKED(1, BEN, 1); now = 1
		fi;
		run worker(CLAIM, CAY, now, 0, true);
		run worker(CLAIM, CAY, 0, 0, true);
		if
		:: now == 1 -> select(now : 0 .. 1)
		:: else
		fi;
		if :: x = ANN :: x = CAY fi;
		run worker(CLAIM, x, now, 0, true);
#endif
#ifdef SCENE_LOCK
		IDLE(0, ANN);
		EMPTY(1);
		run worker(CLAIM, CAY, 0, 0, true);
		run worker(CLAIM, BEN, 0, 0, true);
		run worker(UNLOCK, ANN, 0, 1, true);
#endif
#ifdef SCENE_LOCKERS
		if
		:: IDLE(0, ANN); EMPTY(1)
		:: IDLE(0, ANN); IDLE(1, BEN)
		fi;
		run worker(CLAIM, CAY, 0, 0, true);
		run worker(LOCK, ANN, 0, 1, true);
		run worker(LOCK, ANN, 0, 1, true);
#endif
#ifdef SCENE_PLACES
		if
		:: IDLE(0, ANN); IDLE(1, BEN)
		:: IDLE(0, ANN); LOCKED(1, BEN, 1)
		fi;
		run worker(CLAIM, CAY, 0, 0, true);
		run worker(LOCK, ANN, 0, 1, true);
		run worker(LOCK, BEN, 0, 1, true);
#endif
#ifdef SCENE_CHARGE
		IDLE(0, ANN);
		LOCKED(1, BEN, 1);
		run worker(CLAIM, ANN, 0, 0, true);
		run worker(CHARGE, CAY, 0, 0, true);
		run worker(CHARGE, ANN, 0, 0, true);
#endif
		now = 0; x = 0
	};
	/* Whatever they left, the next claimer ends, with a slot or without. */
	atomic { done == 3 -> done = 0; if :: x = ANN :: x = CAY fi };
	run worker(CLAIM, x, 0, 0, false);
	x = 0;
	done == 1
}
