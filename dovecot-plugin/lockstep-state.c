/* lockstep-state.c - see lockstep-state.h */
#include "lockstep-config.h"
#include "compat.h"
#include "ioloop.h"
#include "master-service.h"
#include "net.h"
#include "lockstep-state.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

static uint64_t dovecot_clock_ms(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts) < 0)
		i_fatal("clock_gettime() failed: %m");
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

uint64_t state_now_ms(void)
{
	return dovecot_clock_ms(CLOCK_BOOTTIME);
}

/* The auth process: one for the whole server, which works on while maps come and go. */
static bool is_auth(const struct state *state)
{
	return (state->flags & LS_LOGINS) != 0;
}

static void tell_names(struct state *state)
{
	if (state->ls != NULL && state->names != 0)
		ls_names_tell(state->ls, state->names);
}

void state_set_names(struct state *state, unsigned int names)
{
	state->names = names | LS_NAMES_TOLD;
	tell_names(state);
}

static void take_over(struct state *state, struct ls_state *fresh)
{
	struct state_former *former;

	if (state->ls != NULL && state->held > 0) {
		former = i_new(struct state_former, 1);
		former->ls = state->ls;
		former->held = state->held;
		former->next = state->former;
		state->former = former;
	} else if (state->ls != NULL) {
		ls_close(&state->ls);
	}
	state->ls = fresh;
	state->held = 0;
	state->stale = FALSE;
	ls_crowding(state->ls, &state->crowding);
	tell_names(state);
}

/* Returns false when what was open goes on, with the reason. */
static bool try_to_open(struct state *state)
{
	struct ls_open_args args = {
		.policy_path = state->policy,
		.flags = state->flags,
		.now_ms = dovecot_clock_ms(CLOCK_BOOTTIME),
		.real_ms = dovecot_clock_ms(CLOCK_REALTIME),
		.root_fd = state->root_fd,
		.before = state->ls,
	};
	struct ls_state *fresh;

	state->try_ms = args.now_ms + STATE_TRY_MS;
	/* Who may not make maps is to hear that there is none. */
	if (geteuid() != 0)
		args.flags &= ~(unsigned int)(LS_CREATE | LS_SPACE);
	if (ls_open(&args, &fresh, &state->error) < 0)
		return FALSE;
	state->lacking_ms = ls_has_sessions(fresh)
				    ? 0
				    : args.now_ms + STATE_LACKING_MS;
	/* Not for the same again: it remembers what is in flight. */
	if (state->lacking_ms != 0 && state->ls != NULL && !state->stale) {
		ls_close(&fresh);
		return FALSE;
	}
	take_over(state, fresh);
	return TRUE;
}

static void write_note(struct state *state)
{
	ls_note_write(&state->note, state->ls, state->error.text);
}

/* Whoever loads the mail plugin is one of many. What is wrong with one of a service is
 * so with all: one a minute says it. */
static void begin_mail_note(struct state *state)
{
	uint64_t now = dovecot_clock_ms(CLOCK_REALTIME);

	if (state->ls != NULL && state->error.text[0] == '\0') {
		ls_note_remove(state->policy, state->name);
		return;
	}
	state->quiet = ls_note_is_fresh(state->policy, state->name, now,
					STATE_MAIL_MS);
	if (state->quiet ||
	    ls_note_begin(&state->note, state->policy, state->name) < 0)
		return;
	write_note(state);
	ls_note_end(&state->note);
}

void state_open(struct state *state, const char *name, unsigned int flags,
		const char *without)
{
	if (state->opened)
		return;
	state->opened = TRUE;
	state->name = name;
	state->flags = flags;
	state->without = without;
	state->policy = i_strdup(ls_policy_path(NULL));
	state->daemon_ms = state_now_ms() + STATE_DAEMON_MS;
	(void)try_to_open(state);
	if (!is_auth(state)) {
		begin_mail_note(state);
		return;
	}
	/* Paths are walked from there later; and the loop's descriptor 0 is none of
	 * ours. */
	state->root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	(void)ls_note_begin(&state->note, state->policy, state->name);
	write_note(state);
}

void state_close(struct state *state)
{
	timeout_remove(&state->to_follow);
	while (state->former != NULL) {
		struct state_former *former = state->former;

		state->former = former->next;
		ls_close(&former->ls);
		i_free(former);
	}
	if (state->ls != NULL)
		ls_close(&state->ls);
	ls_note_end(&state->note);
	if (state->root_fd > 0)
		i_close_fd(&state->root_fd);
	i_free(state->policy);
}

struct ls_state *state_hold(struct state *state)
{
	state->held++;
	return state->ls;
}

void state_release(struct state *state, struct ls_state *ls)
{
	struct state_former **at = &state->former, *former;

	if (ls == state->ls) {
		state->held--;
		return;
	}
	while (*at != NULL && (*at)->ls != ls)
		at = &(*at)->next;
	former = *at;
	if (former == NULL || --former->held > 0)
		return;
	*at = former->next;
	ls_close(&former->ls);
	i_free(former);
}

/* Nobody else can say that lockstepd is gone: guarding goes on, but nobody is
 * told of locks, and they do not outlive a reboot. */
static void check_lockstepd_runs(struct state *state, struct event *event)
{
	uint64_t now = state_now_ms(), seen;
	bool gone;

	/* Its sign may be what a truncated map lost, which is told. */
	if (!is_auth(state) || now < state->daemon_ms ||
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

	if (!is_auth(state) || now < state->crowd_ms)
		return;
	ls_crowding(state->ls, &crowding);
	/* Less than before: a map that was truncated. */
	if (crowding.locks > told->locks ||
	    crowding.slotless > told->slotless) {
		e_warning(event, "the table of subjects has no room: since this "
			  "was last said, logins and messages of strangers "
			  "without a slot: %llu, of these refused: %llu, and "
			  "locks that ended early: %llu: raise `subjects` in "
			  "lockstep.conf",
			  (unsigned long long)(crowding.slotless -
					       told->slotless),
			  (unsigned long long)(crowding.refused -
					       told->refused),
			  (unsigned long long)(crowding.locks - told->locks));
		state->crowd_ms = now + STATE_CROWD_MS;
	}
	state->crowding = crowding;
}

/* It is not there, or is to be replaced: try again, now and then. */
static void open_again(struct state *state, struct event *event)
{
	bool guarded = state->ls != NULL;

	if (state_now_ms() < state->try_ms)
		return;
	if (!try_to_open(state)) {
		write_note(state);
		return;
	}
	e_info(event, guarded ? "policy and maps were opened anew" :
				"policy and guard are open: logins are guarded "
				"again");
	state->report_ms = 0;
	state->missed = 0;
	write_note(state);
	state_report(state, event);
}

struct ls_state *state_get(struct state *state, struct event *event)
{
	struct ls_error error;
	int ret;

	if (state->ls == NULL && is_auth(state))
		open_again(state, event);
	if (state->ls == NULL) {
		state->missed++;
		state_report(state, event);
		return NULL;
	}
	ret = ls_refresh(state->ls, state_now_ms(), &error);
	if (ret > 0 && is_auth(state))
		e_info(event, "a new policy is in force");
	else if (ret > 0)
		e_debug(event, "a new policy is in force");
	else if (ret < 0 && is_auth(state))
		e_error(event, "%s", error.text);
	else if (ret < 0)
		e_debug(event, "%s", error.text);
	if (ret < 0 && ls_is_to_be_opened_anew(state->ls)) {
		/* The next mail process opens what is there. */
		if (!is_auth(state) && !state->stale)
			master_service_stop_new_connections(master_service);
		state->stale = TRUE;
	}
	if (state->lacking_ms != 0 && is_auth(state) && !state->stale &&
	    state_now_ms() >= state->lacking_ms)
		open_again(state, event);
	if (state->stale && is_auth(state)) {
		open_again(state, event);
		if (state->stale)
			state_report(state, event);
	}
	check_lockstepd_runs(state, event);
	check_crowd(state, event);
	return state->ls;
}

static void follow_changes(struct state *state)
{
	unsigned int missed = state->missed;

	if (state_get(state, state->event) == NULL)
		state->missed = missed; /* nobody wanted it */
	if (state->note.torn)
		write_note(state);
}

void state_follow(struct state *state, struct event *event)
{
	state->event = event;
	if (state->to_follow == NULL)
		state->to_follow =
			timeout_add(STATE_FOLLOW_MS, follow_changes, state);
}

/* Of what is open. */
static void report_open(struct state *state, struct event *event)
{
	if (state->stale)
		e_error(event, "what was open before goes on: %s",
			state->error.text);
	else if (is_auth(state))
		e_warning(event, "%s", state->error.text);
	else
		e_error(event, "%s: %s", state->without, state->error.text);
}

static void report_missing(struct state *state, struct event *event)
{
	const char *when = is_auth(state) ? "; it is tried again each second"
					  : "";

	if (state->missed <= 1)
		e_error(event, "%s: %s%s", state->without, state->error.text,
			when);
	else
		e_error(event, "%s (%u since this was last said): %s%s",
			state->without, state->missed, state->error.text, when);
}

void state_report(struct state *state, struct event *event)
{
	uint64_t now = state_now_ms();

	if (state->error.text[0] == '\0' || now < state->report_ms)
		return;
	if (state->quiet)
		e_debug(event, "%s: %s", state->without, state->error.text);
	else if (state->ls != NULL)
		report_open(state, event);
	else
		report_missing(state, event);
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
