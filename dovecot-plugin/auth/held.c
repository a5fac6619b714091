/* held.c - see held.h */
#include "lockstep-config.h"
#include "auth-common.h"
#include "compat.h"
#include "ioloop.h"
#include "auth-request.h"
#include "auth-request-handler.h"
#include "auth-request-handler-private.h"
#include "auth/held.h"
#include "auth/login.h"

static held_ask_t *ask;
static held_give_up_t *give_up;

static struct waiting *waiting; /* made when the first one has to wait */
static struct timeout *to_look, *to_settled;
static unsigned int looks;

static struct login *login_of(struct waiter *waiter)
{
	return container_of(waiter, struct login, waiter);
}

static bool is_client_gone(const struct auth_request *request)
{
	return request->removed_from_handler ||
	       (request->handler != NULL && request->handler->destroyed);
}

static bool is_smtp(const struct login *login)
{
	return strcmp(compat_request_service(login->request), "smtp") == 0;
}

static void let_go(struct login *login)
{
	struct auth_request *request = login->request;

	auth_request_unref(&request); /* may free the login */
}

/* Has it waited for so long that it is not asked about any more? */
static bool is_late(const struct login *login, uint64_t now)
{
	return now - login->held_since_ms >= HELD_MAX_MS;
}

static bool is_request_over(const struct login *login, uint64_t now)
{
	uint64_t since = now - login->held_since_ms;

	return is_client_gone(login->request) ||
	       since >= (is_smtp(login) ? HELD_SILENT_MS : HELD_MAX_MS);
}

static enum waiting_answer ask_one(struct waiter *waiter, uint64_t *key)
{
	struct login *login = login_of(waiter);
	enum waiting_answer answer = WAITING_LEFT;
	uint64_t now = state_now_ms();

	if (is_request_over(login, now))
		give_up(login);
	else if (!is_late(login, now))
		answer = ask(login, key);
	else {
		/* For time alone: in a queue of its own, not before the others. */
		*key = waiter->arrived;
		return WAITING_ON;
	}
	if (answer != WAITING_ON)
		let_go(login);
	return answer;
}

static void ask_settled(void *context ATTR_UNUSED)
{
	timeout_remove(&to_settled);
	waiting_ask_freed(waiting);
}

static void let_over_go(void)
{
	struct waiter *waiter = waiting_first(waiting), *next;
	uint64_t now = state_now_ms();

	for (; waiter != NULL; waiter = next) {
		struct login *login = login_of(waiter);

		next = waiter->next;
		if (!is_request_over(login, now))
			continue;
		waiting_remove(waiting, waiter);
		give_up(login);
		let_go(login);
	}
}

static void look_at_held(void *context ATTR_UNUSED)
{
	let_over_go();
	if (++looks % (HELD_ASK_MS / HELD_LOOK_MS) == 0)
		waiting_ask_all(waiting);
	else
		waiting_ask_first(waiting);
	if (waiting_count(waiting) == 0)
		timeout_remove(&to_look);
}

void held_add(struct login *login, uint64_t key)
{
	if (waiting == NULL)
		waiting = waiting_new(HELD_COUNT_MAX, ask_one);
	if (waiting == NULL || waiting_count(waiting) == HELD_COUNT_MAX) {
		give_up(login);
		return;
	}
	login->held_since_ms = state_now_ms();
	auth_request_ref(login->request);
	waiting_add(waiting, &login->waiter, key);
	if (to_look == NULL)
		to_look = timeout_add_short(HELD_LOOK_MS, look_at_held, NULL);
}

void held_settled(const struct ls_ticket *ticket)
{
	uint64_t key[LS_KIND_COUNT];
	unsigned int count;

	if (waiting == NULL || waiting_count(waiting) == 0)
		return;
	count = ls_ticket_holds(ticket, key);
	for (unsigned int i = 0; i < count; i++) {
		/* Not here and now: an event of the request that settles is
		 * being sent. */
		if (waiting_freed(waiting, key[i]) && to_settled == NULL)
			to_settled = timeout_add_short(0, ask_settled, NULL);
	}
}

void held_before_new(void)
{
	if (to_settled != NULL)
		ask_settled(NULL);
}

void held_init(held_ask_t *ask_fn, held_give_up_t *give_up_fn)
{
	ask = ask_fn;
	give_up = give_up_fn;
}

void held_deinit(void)
{
	while (waiting != NULL && waiting_first(waiting) != NULL) {
		struct login *login = login_of(waiting_first(waiting));

		waiting_remove(waiting, &login->waiter);
		give_up(login);
		let_go(login);
	}
	timeout_remove(&to_look);
	timeout_remove(&to_settled);
	waiting_free(&waiting);
}
