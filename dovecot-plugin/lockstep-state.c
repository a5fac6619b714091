/* lockstep-state.c - see lockstep-state.h */
#include "lockstep-config.h"
#include "compat.h"
#include "net.h"
#include "lockstep-state.h"

#include <time.h>

static uint64_t clock_ms(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts) < 0)
		i_fatal("clock_gettime() failed: %m");
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

uint64_t state_now_ms(void)
{
	return clock_ms(CLOCK_BOOTTIME);
}

void state_open(struct state *state, unsigned int flags, const char *without)
{
	struct ls_open_args args = {
		.flags = flags,
		.now_ms = clock_ms(CLOCK_BOOTTIME),
		.real_ms = clock_ms(CLOCK_REALTIME),
	};

	if (state->opened)
		return;
	state->opened = TRUE;
	state->flags = flags;
	state->without = without;
	state->daemon_ms = args.now_ms + STATE_DAEMON_MS;
	if (ls_open(&args, &state->ls, &state->error) < 0)
		state->ls = NULL;
	else
		ls_crowding(state->ls, &state->crowding);
}

void state_close(struct state *state)
{
	if (state->ls != NULL)
		ls_close(&state->ls);
}

/* Mail processes are many, and each would say it: lockstepd has the same maps
 * open and says it once, the auth process too. */
static bool is_loud(const struct state *state)
{
	return (state->flags & LS_GUARD_WRITE) != 0;
}

/* Nobody else can say that lockstepd is gone: guarding goes on, but nobody is
 * told of locks, and they do not outlive a reboot. */
static void check_daemon(struct state *state, struct event *event)
{
	uint64_t now = state_now_ms(), seen;
	bool gone;

	/* Its sign may be what a truncated map lost, which is told. */
	if (!is_loud(state) || now < state->daemon_ms ||
	    ls_is_truncated(state->ls))
		return;
	state->daemon_ms = now + STATE_DAEMON_MS;
	seen = ls_daemon_seen_ms(state->ls);
	gone = seen == 0 || now > seen + STATE_DAEMON_MS;
	if (gone && !state->daemon_gone)
		e_warning(event, "lockstepd is not running: logins are "
			  "guarded, but no webhooks are sent and no snapshots "
			  "saved");
	else if (!gone && state->daemon_gone)
		e_info(event, "lockstepd is running again");
	state->daemon_gone = gone;
}

/* While the table has no room: strangers that cannot be told apart are refused, and
 * locks end early. */
static void check_crowd(struct state *state, struct event *event)
{
	const struct ls_crowding *told = &state->crowding;
	struct ls_crowding crowding;
	uint64_t now = state_now_ms();

	if (!is_loud(state) || now < state->crowd_ms)
		return;
	ls_crowding(state->ls, &crowding);
	/* Less than before: a map that was truncated. */
	if (crowding.locks > told->locks ||
	    crowding.slotless > told->slotless) {
		e_warning(event, "the table of subjects has no room: since this "
			  "was last said, %llu logins and messages of strangers "
			  "found no slot, %llu of these were refused, and %llu "
			  "locks ended early: raise `subjects` in lockstep.conf",
			  (unsigned long long)(crowding.slotless -
					       told->slotless),
			  (unsigned long long)(crowding.refused -
					       told->refused),
			  (unsigned long long)(crowding.locks - told->locks));
		state->crowd_ms = now + STATE_CROWD_MS;
	}
	state->crowding = crowding;
}

struct ls_state *state_get(struct state *state, struct event *event)
{
	struct ls_error error;
	int ret;

	if (state->ls == NULL) {
		state->missed++;
		state_report(state, event);
		return NULL;
	}
	ret = ls_refresh(state->ls, state_now_ms(), &error);
	if (ret > 0 && is_loud(state))
		e_info(event, "a new policy is in force");
	else if (ret > 0)
		e_debug(event, "a new policy is in force");
	else if (ret < 0 && is_loud(state))
		e_error(event, "%s", error.text);
	else if (ret < 0)
		e_debug(event, "%s", error.text);
	check_daemon(state, event);
	check_crowd(state, event);
	return state->ls;
}

void state_report(struct state *state, struct event *event)
{
	uint64_t now = state_now_ms();

	if (state->ls != NULL && is_loud(state) &&
	    state->error.text[0] != '\0') {
		e_warning(event, "%s", state->error.text);
		state->error.text[0] = '\0';
	}
	if (state->ls != NULL || now < state->report_ms)
		return;
	if (!is_loud(state)) {
		e_debug(event, "%s: %s", state->without, state->error.text);
	} else if (state->report_ms == 0) {
		e_error(event, "%s: %s (mend it, then: doveadm reload)",
			state->without, state->error.text);
	} else {
		e_error(event, "%s (%u since this was last said): %s "
			"(mend it, then: doveadm reload)",
			state->without, state->missed, state->error.text);
	}
	state->missed = 0;
	state->report_ms = now + STATE_REPORT_MS;
}

struct event *state_event_create(struct event *parent)
{
	struct event *event = event_create(parent);

	event_set_append_log_prefix(event, "lockstep: ");
	return event;
}

bool state_addr(const struct ls_state *state, const struct ip_addr *ip,
		struct ls_addr *addr_r)
{
	memset(addr_r, 0, sizeof(*addr_r));
	if (ip == NULL || ip->family == 0)
		return FALSE;
	if (IPADDR_IS_V4(ip)) {
		addr_r->octet[10] = addr_r->octet[11] = 0xff;
		memcpy(addr_r->octet + 12, &ip->u.ip4, 4);
	} else {
		memcpy(addr_r->octet, &ip->u.ip6, 16);
		ls_addr_unwrap(ls_nat64_of(state), addr_r);
	}
	return TRUE;
}

const char *state_service(const char *service)
{
	return strcmp(service, "managesieve") == 0 ? "sieve" : service;
}
