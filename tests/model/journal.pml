/* journal.pml - appending to the journal's ring, and reading it
 *
 * The protocol of common/map/journal.c. Each SHARED(...) is one access to a shared
 * word; between any two of them every other process may run, and a writer may
 * be killed. README tells what is left out, and why nothing is lost by it.
 *
 * A record is its number: every word a writer stores says which record it is
 * of. The checksum is a word that says so too, and it fits when all agree with
 * the number the reader wants. */

#ifndef RING
#define RING 2
#endif
#ifndef APPENDS
#define APPENDS 1 /* by each of three writers */
#endif
#define WRITERS 3
#define MOST (WRITERS * APPENDS)

/* Words of a place. 0: never written; else number + 1. */
byte state[RING];
byte check[RING];
byte front[RING]; /* the payload, in two words */
byte back[RING];
byte head;

/* Ghosts. */
byte done;
bool published[MOST]; /* its number was written */
bool spoiled[MOST];   /* another record's writer stored a word over it */

#define PLACE(number) ((number) % RING)

#define SHARED(...) \
	if \
	:: atomic { __VA_ARGS__ } \
	:: printf("%d: killed\n", _pid); goto killed \
	fi

mtype = { yes, no };
#define YES(condition) ((condition) -> yes : no)

/* A store into the place of `number` spoils the other records that live there
 * or will: of those taken so far. */
#define SPOIL(i) \
	if \
	:: (i) < head && (i) != number && PLACE(i) == PLACE(number) -> \
		spoiled[i] = true \
	:: else \
	fi

inline spoil()
{
	SPOIL(0);
	SPOIL(1);
	SPOIL(2);
#if APPENDS > 1
	SPOIL(3);
	SPOIL(4);
	SPOIL(5);
#endif
}

/* The last store, with release. */
inline publish()
{
	SHARED(
		state[PLACE(number)] = number + 1;
		published[number] = true;
		spoil();
		printf("%d: append %d: number\n", _pid, number)
	)
}

/* journal.c: ls_ring_append() */
proctype writer()
{
	byte number, left, appends;

	do
	:: appends == APPENDS -> break
	:: appends < APPENDS ->
		SHARED(
			appends++;
			number = head;
			head++;
			printf("%d: append %d: taken\n", _pid, number)
		);
#ifdef BUG_EARLY_NUMBER
		publish();
#endif
		/* Relaxed stores: others may see them in any order. */
		left = 7;
		do
		:: left == 0 -> break
		:: left & 1 ->
			SHARED(
				check[PLACE(number)] = number + 1;
				left = left - 1;
				spoil();
				printf("%d: append %d: check\n", _pid, number)
			)
		:: left & 2 ->
			SHARED(
				front[PLACE(number)] = number + 1;
				left = left - 2;
				spoil();
				printf("%d: append %d: front\n", _pid, number)
			)
		:: left & 4 ->
			SHARED(
				back[PLACE(number)] = number + 1;
				left = left - 4;
				spoil();
				printf("%d: append %d: back\n", _pid, number)
			)
		od;
#ifndef BUG_EARLY_NUMBER
		publish();
#endif
		number = 0
	od;
killed:
	atomic { number = 0; left = 0; appends = 0; done++ }
}

/* A record is lost for a reason only: its number was not there when it was
 * looked for (its writer is slow, or dead), or the ring went round. */
inline lose(reason)
{
	assert(reason || spoiled[next] || now_head > next + RING);
	printf("%d: next: %d is lost\n", _pid, next);
	next++;
#ifndef BUG_LOSS_UNCOUNTED
	lost++
#endif
}

#if defined(BUG_NO_CHECKSUM)
#define FITS true
#elif defined(BUG_CHECKSUM_WITHOUT_NUMBER)
#define FITS (sum == first && first == second)
#else
#define FITS (sum == next + 1 && first == next + 1 && second == next + 1)
#endif
#ifdef BUG_ANY_NUMBER
#define WANTED(number) (number > next)
#else
#define WANTED(number) (number == next + 1)
#endif

/* journal.c: copy(), and what follows from it. */
inline copy()
{
	atomic { sum = check[PLACE(next)] };
	atomic { first = front[PLACE(next)] };
	atomic {
		second = back[PLACE(next)];
#ifndef WITHOUT_SECOND_LOOK
	};
	atomic {
		number = state[PLACE(next)];
#endif
		printf("%d: next: number %d, check %d, words %d and %d\n",
		       _pid, number - 1, sum - 1, first - 1, second - 1);
		if
		:: WANTED(number) && sum > 0 && FITS ->
			/* Whole, and this one. */
			assert(first == next + 1 && second == next + 1);
			printf("%d: next: %d is read\n", _pid, next);
			delivered++;
			next++
		:: else ->
			lose(false)
		fi;
		sum = 0; first = 0; second = 0; number = 0
	}
}

/* journal.c: ls_ring_next(), again and again until nothing more can come. */
proctype reader()
{
	byte next, lost, delivered, now_head, first, second, sum, number;
	bool last_round;

	do
	:: atomic {
			last_round = (done == WRITERS);
			now_head = head;
			assert(delivered + lost == next);
			do
			:: now_head - next > RING -> lose(false)
			:: else -> break
			od
		};
		do
		:: atomic { next == now_head -> break }
		:: atomic {
				next < now_head ->
				number = state[PLACE(next)];
				printf("%d: next: number %d, wanted %d\n",
				       _pid, number - 1, next);
				if
				:: WANTED(number)
				:: number > next && !WANTED(number) ->
					lose(false);
					number = 0
				:: number <= next && now_head <= next + 1 ->
					number = 0;
					break
				/* give_up(): not yet a second ... */
				:: number <= next && now_head > next + 1 &&
				   !last_round ->
					number = 0;
					break
				/* ... or more than one. */
				:: number <= next && now_head > next + 1 ->
					lose(!published[next]);
					number = 0
				fi
			};
			if
			:: number != 0 -> copy()
			:: else
			fi
		od;
		if
		:: last_round -> break
		:: else
		fi
	od;
	/* Everything is told of, but perhaps the last number's record. */
	assert(delivered + lost == next);
	assert(next == head || (next + 1 == head &&
				(!published[next] || spoiled[next])))
}

init {
	atomic {
		run writer();
		run writer();
		run writer();
		run reader()
	}
}
