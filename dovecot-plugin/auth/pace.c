/* pace.c - see pace.h */
#include "lockstep-config.h"
#include "auth-common.h"
#include "compat.h"
#include "ioloop.h"
#include "llist.h"
#include "randgen.h"
#include "time-util.h"
#include "auth/login.h"
#include "auth/pace.h"

/* How long the last verifications took, in ms. */
static struct samples {
	uint16_t ms[PACE_SAMPLES];
	unsigned int count, next;
} samples[PACE_KINDS];

/* A refusal that waits. */
struct paced {
	struct paced *prev, *next;
	struct login *login;
	struct auth_request *request; /* the login lives as long as it */
	pace_answer_t *answer;
	struct timeout *to;
};
static struct paced *waiting;
static unsigned int count;

void pace_begin(struct login *login)
{
	login->begun_us = i_microseconds();
}

void pace_end(struct login *login)
{
	login->answered_us = i_microseconds();
}

enum pace_of pace_kind(const struct login *login)
{
	return login->lookup != NULL ? PACE_CREDENTIALS : PACE_PASSWORD;
}

void pace_learn(const struct login *login)
{
	struct samples *of = &samples[pace_kind(login)];
	uint64_t ms;

	/* A clock that was set back tells nothing. */
	if (login->begun_us == 0 || login->answered_us < login->begun_us)
		return;
	ms = (login->answered_us - login->begun_us + 500) / 1000;
	of->ms[of->next] = (uint16_t)I_MIN(ms, PACE_MAX_MS);
	of->next = (of->next + 1) % PACE_SAMPLES;
	if (of->count < PACE_SAMPLES)
		of->count++;
}

static void paced_answer(struct paced *paced)
{
	struct auth_request *request = paced->request;

	timeout_remove(&paced->to);
	DLLIST_REMOVE(&waiting, paced);
	count--;
	paced->answer(paced->login);
	i_free(paced);
	auth_request_unref(&request);
}

void pace_refusal(struct login *login, enum pace_of what, pace_answer_t *answer)
{
	const struct samples *of = &samples[what];
	unsigned int ms = 0;
	struct paced *paced;

	if (of->count > 0 && count < PACE_COUNT_MAX)
		ms = of->ms[i_rand_limit(of->count)];
	if (ms == 0) {
		answer(login);
		return;
	}
	paced = i_new(struct paced, 1);
	paced->login = login;
	paced->request = login->request;
	paced->answer = answer;
	auth_request_ref(paced->request);
	DLLIST_PREPEND(&waiting, paced);
	count++;
	paced->to = timeout_add_short(ms, paced_answer, paced);
}

void pace_deinit(void)
{
	while (waiting != NULL)
		paced_answer(waiting);
}
