/* test_sending_contention.c - many that send at once, time standing still: never
 * more than the limit, and no less
 *
 * Threads share one mapping, so that ThreadSanitizer sees what meets; processes
 * have each their own, as in life. */
#include "lockstep-config.h"

#include "sending_bed.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 8, PROCESSES = 20, MESSAGES = 1000 };

#define GUARD (LS_GUARD_WRITE | LS_CREATE | LS_CONTACTS)

/* What all of them send: so many messages, together. */
static struct {
	unsigned recipients, asks; /* of each; how often each is asked about */
	_Atomic unsigned next;
	_Atomic unsigned accepted, held, disagreed;
} *work;

static int setup(void **state)
{
	(void)state;
	world_init(&world);
	world_set(&world, NULL, "contacts", "10000");
	world_set(&world, "sending", "freeze-at", "100000");
	memset(work, 0, sizeof(*work));
	work->recipients = 1;
	work->asks = 1;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_fini(&world);
	return 0;
}

static void send_some(struct ls_state *state)
{
	static _Thread_local struct ls_gathered mine;
	unsigned number;

	while ((number = atomic_fetch_add(&work->next, 1)) < MESSAGES) {
		char instance[32], to[64];
		struct ls_message one = {
			.instance = instance,
			.user = "joe@example.com",
			.sender = "joe@example.com",
			.queue_id = "4Xyz",
			.recipients = work->recipients,
			.size = 1000,
			.gathered = &mine,
		};
		struct ls_decision first;

		snprintf(instance, sizeof(instance), "%x.%x", number, number);
		for (unsigned i = 0; i < work->recipients; i++) {
			snprintf(to, sizeof(to), "p%u-%u@example.net", number,
				 i);
			ls_gather(state, &mine, instance, one.user, to);
		}
		ls_send(state, &one, world.now_ms, world.real_ms, &first);
		atomic_fetch_add(&work->accepted, first.verdict == LS_ADMIT);
		atomic_fetch_add(&work->held, first.verdict == LS_HOLD);
		for (unsigned i = 1; i < work->asks; i++) {
			struct ls_decision again;

			ls_send(state, &one, world.now_ms, world.real_ms,
				&again);
			atomic_fetch_add(&work->disagreed,
					 again.verdict != first.verdict ||
						 again.reason != first.reason);
		}
	}
}

static void *thread(void *context)
{
	/* A copy, with the same mappings: a state belongs to one thread. */
	struct ls_state state = *(const struct ls_state *)context;

	send_some(&state);
	return NULL;
}

static void run_threads(void)
{
	pthread_t threads[THREADS];

	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, thread,
						world.state),
				 0);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static void run_processes(void)
{
	pid_t child[PROCESSES];
	unsigned well = 0;
	int status;

	for (unsigned i = 0; i < PROCESSES; i++) {
		child[i] = fork();
		assert_true(child[i] >= 0);
		if (child[i] == 0) {
			struct ls_state *state;
			struct ls_error error;

			if (world_join(&world, LS_GUARD_WRITE | LS_CONTACTS,
				       &state, &error) < 0)
				_exit(1);
			send_some(state);
			_exit(0);
		}
	}
	for (unsigned i = 0; i < PROCESSES; i++) {
		waitpid(child[i], &status, 0);
		well += WIFEXITED(status) && WEXITSTATUS(status) == 0;
	}
	check("all ended well", well, PROCESSES);
}

static void check_messages(void (*run)(void))
{
	world_set(&world, "sending", "messages", "200/30d");
	world_set(&world, "sending", "recipients", "100000/30d");
	work->recipients = 3;
	world_open(&world, GUARD);
	run();
	check("accepted", work->accepted, 200);
	check("messages", level_of("joe@example.com", LS_REASON_MESSAGES,
				   false),
	      200);
	check("recipients", level_of("joe@example.com", LS_REASON_RECIPIENTS,
				     false),
	      600);
	check("tried", level_of("joe@example.com", LS_REASON_MESSAGES, true),
	      MESSAGES);
}

static void check_recipients(void (*run)(void))
{
	world_set(&world, "sending", "messages", "100000/30d");
	world_set(&world, "sending", "recipients", "498/30d");
	work->recipients = 3;
	world_open(&world, GUARD);
	run();
	check("accepted", work->accepted, 166);
	check("recipients", level_of("joe@example.com", LS_REASON_RECIPIENTS,
				     false),
	      498);
	check("messages", level_of("joe@example.com", LS_REASON_MESSAGES,
				   false),
	      166);
}

/* Each asked about four times. */
static void check_once(void (*run)(void))
{
	world_set(&world, "sending", "messages", "700/30d");
	world_set(&world, "sending", "recipients", "100000/30d");
	work->asks = 4;
	world_open(&world, GUARD);
	run();
	check("accepted", work->accepted, 700);
	/* Two that end at once may share their place in the ring of instances, and
	 * the one be forgotten for the other: of a few, not of many. */
	check_within("disagreed", work->disagreed, 0, 3 * (work->asks - 1));
	check("tried", level_of("joe@example.com", LS_REASON_MESSAGES, true),
	      MESSAGES);
}

/* One is held, the account is frozen once. */
static void check_freeze(void (*run)(void))
{
	world_set(&world, "sending", "messages", "100/30d");
	world_set(&world, "sending", "recipients", "0");
	world_set(&world, "sending", "freeze-at", "300");
	world_open(&world, GUARD);
	run();
	check("accepted", work->accepted, 100);
	check("held", work->held, 1);
	check("frozen", events(LS_EVENT_FREEZE, NULL), 1);
}

#define BOTH(name)                                                             \
	static void test_##name##_of_threads(void **state)                     \
	{                                                                      \
		(void)state;                                                   \
		check_##name(run_threads);                                     \
	}                                                                      \
	static void test_##name##_of_processes(void **state)                   \
	{                                                                      \
		(void)state;                                                   \
		check_##name(run_processes);                                   \
	}
BOTH(messages)
BOTH(recipients)
BOTH(once)
BOTH(freeze)

/* All ask about the same message at once: one charge, and all get one answer. */
static void *ask_same(void *context)
{
	struct ls_state state = *(const struct ls_state *)context;

	for (unsigned i = 0; i < 500; i++) {
		char instance[32];
		const struct ls_message one = {
			.instance = instance,
			.user = "joe@example.com",
			.recipients = 1,
			.size = 1000,
		};
		struct ls_decision decision;

		snprintf(instance, sizeof(instance), "same.%x", i);
		ls_send(&state, &one, world.now_ms, world.real_ms, &decision);
		atomic_fetch_add(&work->accepted,
				 decision.verdict == LS_ADMIT);
	}
	return NULL;
}

static void test_same_message(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	world_set(&world, "sending", "messages", "1000/30d");
	world_set(&world, "sending", "recipients", "0");
	world_open(&world, GUARD);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_same,
						world.state),
				 0);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	check("all accepted", work->accepted, THREADS * 500);
	check("charged once",
	      level_of("joe@example.com", LS_REASON_MESSAGES, false), 500);
}

/* All from the same new senders, one after the other, at once: each is charged once,
 * though there is room for no more of them, and nobody is refused for another's
 * charge. */
enum { NEW_SENDERS = 50 };

static void *send_as_others(void *context)
{
	struct ls_state state = *(const struct ls_state *)context;
	static _Atomic unsigned number;

	for (unsigned i = 0; i < NEW_SENDERS; i++) {
		char instance[32], sender[32];
		const struct ls_message one = {
			.instance = instance,
			.user = "joe@example.com",
			.sender = sender,
			.recipients = 1,
			.size = 1000,
		};
		struct ls_decision decision;

		snprintf(instance, sizeof(instance), "o.%x",
			 atomic_fetch_add(&number, 1));
		snprintf(sender, sizeof(sender), "s%u@x", i);
		ls_send(&state, &one, world.now_ms, world.real_ms, &decision);
		atomic_fetch_add(&work->accepted,
				 decision.verdict == LS_ADMIT);
	}
	return NULL;
}

static void test_same_senders(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	world_set(&world, "sending", "messages", "0");
	world_set(&world, "sending", "recipients", "0");
	world_set(&world, "sending", "senders", "50/30d");
	world_open(&world, GUARD);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
						send_as_others, world.state),
				 0);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	check("all accepted", work->accepted, THREADS * NEW_SENDERS);
	check("each once",
	      level_of("joe@example.com", LS_REASON_SENDERS, false),
	      NEW_SENDERS);
}

/* ---- killed ------------------------------------------------------------ */

enum { ROOM = 100000, EACH = ROOM / PROCESSES / 2 };

/* One message after the other, each counted once it is accepted. */
static _Noreturn void send_until_killed(unsigned who)
{
	struct ls_state *state;
	struct ls_error error;

	if (world_join(&world, LS_GUARD_WRITE | LS_CONTACTS, &state, &error) <
	    0)
		_exit(1);
	for (unsigned number = 0; number < EACH; number++) {
		char instance[32];
		const struct ls_message one = {
			.instance = instance,
			.user = "joe@example.com",
			.recipients = 1,
			.size = 1000,
		};
		struct ls_decision decision;

		snprintf(instance, sizeof(instance), "k%u.%u", who, number);
		ls_send(state, &one, world.now_ms, world.real_ms, &decision);
		atomic_fetch_add(&work->accepted,
				 decision.verdict == LS_ADMIT);
	}
	for (;;)
		pause();
}

static void on_finding(void *context, const char *finding)
{
	(void)context;
	print_error("%s\n", finding);
}

/* Killed at any instruction, a process leaves nothing stuck, and no more charged
 * than the message that it was at. */
static void test_killed(void **state)
{
	pid_t child[PROCESSES];
	unsigned accepted;
	int status;

	(void)state;
	world_set(&world, "sending", "messages", "100000/30d");
	world_set(&world, "sending", "recipients", "0");
	world_open(&world, GUARD);
	for (unsigned i = 0; i < PROCESSES; i++) {
		child[i] = fork();
		assert_true(child[i] >= 0);
		if (child[i] == 0)
			send_until_killed(i);
	}
	for (unsigned i = 0; i < PROCESSES; i++) {
		/* While they all run, unless the machine is slow. */
		while (atomic_load(&work->accepted) < (i + 1) * EACH / PROCESSES)
			usleep(10);
		kill(child[i], SIGKILL);
		waitpid(child[i], &status, 0);
		check("killed", WIFSIGNALED(status), true);
	}
	accepted = atomic_load(&work->accepted);
	check_within("while they ran", accepted, EACH, ROOM / 2);
	/* It goes on, as far as there is room. */
	accepted += post_many(NULL, ROOM - accepted + 10);
	check_within("all, but for those that were killed", accepted,
		     ROOM - PROCESSES, ROOM);
	check("findings",
	      ls_verify(world.state, world.now_ms, on_finding, NULL), 0);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_messages_of_processes),
		TEST(test_recipients_of_processes),
		TEST(test_once_of_processes),
		TEST(test_freeze_of_processes),
		TEST(test_messages_of_threads),
		TEST(test_recipients_of_threads),
		TEST(test_once_of_threads),
		TEST(test_freeze_of_threads),
		TEST(test_same_message),
		TEST(test_same_senders),
		TEST(test_killed),
	};

	work = mmap(NULL, sizeof(*work), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (work == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
