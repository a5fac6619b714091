/* proof.c - see proof.h */
#include "lockstep-config.h"
#include "auth-common.h"
#include "compat.h"
#include "ioloop.h"
#include "llist.h"
#include "auth/login.h"
#include "auth/proof.h"

static proof_overdue_t *overdue;

/* In the order in which they are due. One timer for all: it runs on when the last
 * one has gone, rather than being set for each login anew. */
static struct login *head, *tail;
static struct timeout *to_look;

static void look_at_proofs(void *context ATTR_UNUSED)
{
	uint64_t now = state_now_ms();

	timeout_remove(&to_look);
	while (head != NULL && head->proof_due_ms <= now) {
		struct login *login = head;

		proof_end(login);
		overdue(login);
	}
	if (head != NULL)
		to_look = timeout_add_short(
			(unsigned int)(head->proof_due_ms - now),
			look_at_proofs, NULL);
}

void proof_await(struct login *login)
{
	login->proof_due_ms = state_now_ms() + PROOF_MAX_MS;
	DLLIST2_APPEND(&head, &tail, login);
	if (to_look == NULL)
		to_look = timeout_add_short(PROOF_MAX_MS, look_at_proofs, NULL);
}

void proof_end(struct login *login)
{
	if (login->proof_due_ms == 0)
		return;
	DLLIST2_REMOVE(&head, &tail, login);
	login->proof_due_ms = 0;
}

void proof_init(proof_overdue_t *overdue_fn)
{
	overdue = overdue_fn;
}

void proof_deinit(void)
{
	timeout_remove(&to_look);
}
