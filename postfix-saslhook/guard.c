/* guard.c - the lockout state as lockstep-policy works on it */
#include "lockstep-config.h"

#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "guard.h"
#include "log.h"

static uint64_t guard_clock_ms(clockid_t clock)
{
	struct timespec ts = { 0 };

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

uint64_t guard_now_ms(void)
{
	return guard_clock_ms(CLOCK_BOOTTIME);
}

uint64_t guard_real_ms(void)
{
	return guard_clock_ms(CLOCK_REALTIME);
}

/* Returns the new state, or NULL with *error_r. */
static struct ls_state *try_open(struct guard *guard, uint64_t now_ms,
				 struct ls_error *error_r)
{
	struct ls_open_args args = {
		.policy_path = guard->policy_path,
		.flags = LS_GUARD_WRITE | LS_CONTACTS,
		.now_ms = now_ms,
		.real_ms = guard_real_ms(),
	};
	struct ls_state *state = NULL;

	guard->tried_ms = now_ms;
	if (ls_open(&args, &state, error_r) < 0)
		return NULL;
	return state;
}

/* Remember what is wrong. Returns whether it is news. */
static bool news(struct guard *guard, const struct ls_error *error)
{
	if (strcmp(guard->complaint, error->text) == 0)
		return false;
	snprintf(guard->complaint, sizeof(guard->complaint), "%s", error->text);
	return true;
}

/* What was opened may come with a warning: without its contacts, whom an account
 * never wrote to is not limited. That there is no such file yet is no news: lockstepd
 * makes it, and `lockstep status` says so. */
static void warn_once(struct guard *guard, const struct ls_error *error)
{
	if (error->text[0] != '\0' &&
	    strstr(error->text, ": no such file") == NULL && news(guard, error))
		log_line(LOG_WARNING, "%s; going on without it", error->text);
}

static void open_first(struct guard *guard, uint64_t now_ms)
{
	struct ls_error error = { 0 };

	guard->state = try_open(guard, now_ms, &error);
	if (guard->state == NULL) {
		if (news(guard, &error))
			log_line(LOG_ERR, "%s; answering DUNNO to everything "
				 "until that is mended", error.text);
	} else if (guard->complaint[0] != '\0') {
		log_line(LOG_NOTICE, "policy and guard are open: "
			 "connections are decided again");
		guard->complaint[0] = '\0';
	}
	if (guard->state != NULL)
		warn_once(guard, &error);
}

/* A refresh failed: what is open goes on, until it can be opened anew.
 * ls_refresh() says only once what is wrong, so this does not say it again. */
static void replace_state(struct guard *guard, uint64_t now_ms)
{
	struct ls_error error = { 0 };
	struct ls_state *state = try_open(guard, now_ms, &error);

	if (state == NULL)
		return;
	ls_close(&guard->state);
	guard->state = state;
	guard->stale = false;
	guard->complaint[0] = '\0';
	log_line(LOG_NOTICE, "policy and guard were opened anew");
	warn_once(guard, &error);
}

void guard_init(struct guard *guard, const char *policy_path, uint64_t now_ms)
{
	memset(guard, 0, sizeof(*guard));
	guard->policy_path = policy_path;
	open_first(guard, now_ms);
}

struct ls_state *guard_state(struct guard *guard, uint64_t now_ms)
{
	struct ls_error error = { 0 };
	bool retry = now_ms - guard->tried_ms >= GUARD_RETRY_MS;

	if (guard->state == NULL) {
		if (retry)
			open_first(guard, now_ms);
		return guard->state;
	}
	int refreshed = ls_refresh(guard->state, now_ms, &error);
	if (refreshed > 0) {
		guard->complaint[0] = '\0';
	} else if (refreshed < 0) {
		if (news(guard, &error))
			log_line(LOG_ERR, "%s; going on with what was loaded "
				 "before", error.text);
		retry = retry || !guard->stale;
		guard->stale = true;
	} else {
		warn_once(guard, &error);
	}
	if (guard->stale && retry)
		replace_state(guard, now_ms);
	return guard->state;
}

void guard_deinit(struct guard *guard)
{
	ls_close(&guard->state);
}
