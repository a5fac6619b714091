/* held.c - see held.h */
#include "lockstep-config.h"
#include "auth-common.h"
#include "compat.h"
#include "ioloop.h"
#include "llist.h"
#include "auth-request.h"
#include "auth-request-handler.h"
#include "auth-request-handler-private.h"
#include "held.h"
#include "login.h"

static held_ask_t *ask;
static held_give_up_t *give_up;

static struct login *head, *tail;
static unsigned int count;
static struct timeout *to_ask, *to_settled;
static bool asking;

static bool is_gone(const struct auth_request *request)
{
	return request->removed_from_handler ||
	       (request->handler != NULL && request->handler->destroyed);
}

static bool is_smtp(const struct login *login)
{
	return strcmp(compat_request_service(login->request), "smtp") == 0;
}

/* Returns false when the login stays. */
static bool look_after(struct login *login, uint64_t now)
{
	uint64_t since = now - login->held_since_ms;

	if (is_gone(login->request)) {
		give_up(login);
	} else if (since < HELD_MAX_MS) {
		return ask(login);
	} else {
		if (is_smtp(login) && since < HELD_SILENT_MS)
			return FALSE;
		give_up(login);
	}
	return TRUE;
}

static void ask_all(void *context ATTR_UNUSED)
{
	struct login *login, *next;
	uint64_t now = state_now_ms();

	timeout_remove(&to_settled);
	if (asking)
		return;
	asking = TRUE;
	for (login = head; login != NULL; login = next) {
		struct auth_request *request = login->request;

		next = login->next;
		if (!look_after(login, now))
			continue;
		DLLIST2_REMOVE(&head, &tail, login);
		count--;
		auth_request_unref(&request); /* may free the login */
	}
	asking = FALSE;
	if (head == NULL)
		timeout_remove(&to_ask);
}

void held_add(struct login *login)
{
	if (count == HELD_COUNT_MAX) {
		give_up(login);
		return;
	}
	login->held_since_ms = state_now_ms();
	auth_request_ref(login->request);
	DLLIST2_APPEND(&head, &tail, login);
	count++;
	if (to_ask == NULL)
		to_ask = timeout_add_short(HELD_ASK_MS, ask_all, NULL);
}

void held_settled(void)
{
	/* Not here and now: an event of the request that settles is being sent. */
	if (head != NULL && to_settled == NULL)
		to_settled = timeout_add_short(0, ask_all, NULL);
}

void held_before_new(void)
{
	if (to_settled != NULL)
		ask_all(NULL);
}

void held_init(held_ask_t *ask_fn, held_give_up_t *give_up_fn)
{
	ask = ask_fn;
	give_up = give_up_fn;
}

void held_deinit(void)
{
	while (head != NULL) {
		struct login *login = head;
		struct auth_request *request = login->request;

		DLLIST2_REMOVE(&head, &tail, login);
		give_up(login);
		auth_request_unref(&request);
	}
	count = 0;
	timeout_remove(&to_ask);
	timeout_remove(&to_settled);
}
