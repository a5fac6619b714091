/* fields.c - the table of fields: see policy.h, and lockstep.conf(5) for what
 * each one means to an administrator */
#include "lockstep-config.h"

#include "policy/policy.h"

#include <assert.h>

static const char *const modes[] = { "enforce", "observe", NULL };
static const char *const reveals[] = { "never", "freeze", "always", NULL };
static const char *const rules[] = { "enforce", "observe", NULL };
static const char *const tls[] = { "never", "strangers", "always", NULL };
static const char *const on_freeze[] = { "hold", "reject", NULL };

#define IN_POLICY(member)                                                      \
	offsetof(struct ls_policy, member),                                    \
		sizeof(((struct ls_policy *)NULL)->member)

/* Bounds. */
enum {
	SECOND = 1000,
	UNITS_MAX = 10 * 1000 * 1000,
};
#define DAY UINT64_C(86400000)
#define TEN_YEARS (3660 * DAY)

#define OF_LIMIT 1, UNITS_MAX
#define OF_TIME SECOND, TEN_YEARS

#define BY_USER LS_FIELD_BY_USER
#define BY_NET LS_FIELD_BY_NET

/* clang-format off */
#define CHOICE(id, section, name, flags, member, preset, words) \
	{ id, section, name, LS_FIELD_CHOICE, flags, IN_POLICY(member), \
	  0, sizeof(words) / sizeof((words)[0]) - 2, preset, words }
#define NUMBER(id, section, name, flags, member, preset, min, max) \
	{ id, section, name, LS_FIELD_NUMBER, flags, IN_POLICY(member), \
	  min, max, preset, NULL }
#define DURATION(id, section, name, flags, member, preset) \
	{ id, section, name, LS_FIELD_DURATION, flags, IN_POLICY(member), \
	  OF_TIME, preset, NULL }
#define LIMIT(id, section, name, flags, member, preset) \
	{ id, section, name, LS_FIELD_LIMIT, flags, IN_POLICY(member), \
	  OF_LIMIT, preset, NULL }
#define LIMITS(id, section, name, flags, member, preset) \
	{ id, section, name, LS_FIELD_LIMITS, flags, IN_POLICY(member), \
	  OF_LIMIT, preset, NULL }
#define RANGE(id, section, name, flags, member, preset) \
	{ id, section, name, LS_FIELD_RANGE, flags, IN_POLICY(member), \
	  OF_TIME, preset, NULL }
#define FLAG(id, name, flags, member) \
	{ id, NULL, name, LS_FIELD_FLAG, flags, IN_POLICY(member), \
	  0, 1, "0", NULL }

const struct ls_field ls_fields[LS_FIELD_COUNT + 1] = {
	CHOICE(1, NULL, "mode", 0, mode, "enforce", modes),
	{ 2, NULL, "state-dir", LS_FIELD_PATH, 0, IN_POLICY(state_dir),
	  0, 0, "/run/lockstep", NULL },
	{ 3, NULL, "group", LS_FIELD_TEXT, 0, IN_POLICY(group),
	  0, 0, "lockstep", NULL },
	{ 11, NULL, "readers", LS_FIELD_TEXT, 0, IN_POLICY(readers),
	  0, 0, "", NULL },
	{ 12, NULL, "nat64", LS_FIELD_PREFIXES, 0, IN_POLICY(nat64),
	  0, 0, "", NULL },
	{ 14, NULL, "auth-user", LS_FIELD_TEXT, 0, IN_POLICY(auth_user),
	  0, 0, "dovecot", NULL },
	NUMBER(4, NULL, "subjects", 0, subjects, "262144", 1024, 1 << 26),
	NUMBER(5, NULL, "journal-size", 0, journal_size, "65536",
	       1024, 1 << 24),
	NUMBER(6, NULL, "contacts", 0, contacts, "2000000", 1024, 1 << 28),
	DURATION(7, NULL, "familiar-for", 0, familiar_ms, "30d"),
	DURATION(8, NULL, "strike-fades", 0, strike_fades_ms, "7d"),
	CHOICE(9, NULL, "reveal", BY_USER | BY_NET, reveal, "freeze", reveals),
	CHOICE(10, NULL, "require-tls", BY_USER | BY_NET, require_tls,
	       "strangers", tls),

	LIMITS(16, "ip", "failures", BY_NET, ip.failures, "10/10m, 50/1d"),
	LIMITS(17, "ip", "accounts", BY_NET, ip.accounts, "8/10m, 30/1d"),
	LIMIT(18, "ip", "logins", BY_NET, ip.logins, "600/5m"),
	RANGE(19, "ip", "lock", BY_NET, ip.lock, "10m..1d"),
	CHOICE(20, "ip", "mode", BY_NET, ip.mode, "enforce", rules),

	LIMITS(32, "net", "failures", BY_NET, net.failures, "60/10m, 300/1d"),
	LIMITS(33, "net", "accounts", BY_NET, net.accounts,
	       "20/10m, 80/1d"),
	RANGE(34, "net", "lock", BY_NET, net.lock, "10m..12h"),
	/* No override of these: one address must be in one network. */
	NUMBER(35, "net", "prefix4", 0, net.prefix4, "24", 8, 32),
	NUMBER(36, "net", "prefix6", 0, net.prefix6, "48", 16, 64),
	CHOICE(37, "net", "mode", BY_NET, net.mode, "enforce", rules),

	LIMITS(48, "user", "failures", BY_USER, user.failures,
	       "20/1h, 100/7d"),
	LIMIT(49, "user", "places", BY_USER, user.places, "10/1d"),
	LIMIT(50, "user", "logins", BY_USER, user.logins, "300/5m"),
	LIMIT(60, "user", "master-logins", BY_USER, user.master_logins, "0"),
	NUMBER(51, "user", "sessions", BY_USER, user.sessions, "50",
	       0, 1000000),
	RANGE(52, "user", "lock", BY_USER, user.lock, "15m..6h"),
	CHOICE(53, "user", "mode", BY_USER, user.mode, "enforce", rules),
	NUMBER(54, "user", "suspicious-at", BY_USER, user.suspicious_at, "50",
	       1, 100),
	DURATION(55, "user", "probation", BY_USER, user.probation_ms, "7d"),

	LIMITS(64, "place", "failures", BY_USER | BY_NET, place.failures,
	       "20/10m, 60/1d"),
	LIMIT(65, "place", "repeats", BY_USER | BY_NET, place.repeats,
	      "300/1h"),
	RANGE(66, "place", "lock", BY_USER | BY_NET, place.lock, "5m..2h"),
	CHOICE(67, "place", "mode", BY_USER | BY_NET, place.mode, "enforce",
	       rules),

	LIMIT(80, "guess", "accounts", 0, guess.accounts, "10/1d"),
	RANGE(81, "guess", "lock", 0, guess.lock, "1d..7d"),
	CHOICE(82, "guess", "mode", 0, guess.mode, "enforce", rules),

	LIMIT(96, "sending", "messages", BY_USER, sending.messages, "200/1h"),
	LIMIT(97, "sending", "recipients", BY_USER, sending.recipients,
	      "500/1h"),
	LIMIT(98, "sending", "new-recipients", BY_USER, sending.new_recipients,
	      "200/1d"),
	LIMIT(99, "sending", "senders", BY_USER, sending.senders, "5/1d"),
	NUMBER(100, "sending", "freeze-at", BY_USER, sending.freeze_at, "300",
	       100, 100000),
	CHOICE(101, "sending", "on-freeze", BY_USER, sending.on_freeze, "hold",
	       on_freeze),
	DURATION(102, "sending", "freeze", BY_USER, sending.freeze_ms, "1d"),
	NUMBER(103, "sending", "probation-divisor", BY_USER,
	       sending.probation_divisor, "4", 1, 1000),
	CHOICE(104, "sending", "mode", BY_USER, sending.mode, "enforce", rules),

	LIMIT(128, "relay", "messages", BY_NET, relay.messages, "0"),
	LIMIT(129, "relay", "recipients", BY_NET, relay.recipients, "0"),
	CHOICE(130, "relay", "mode", BY_NET, relay.mode, "enforce", rules),

	FLAG(112, "trusted", BY_NET, trusted),
	FLAG(113, "denied", BY_NET, denied),

	{ .name = NULL },
};
/* clang-format on */

void ls_policy_presets(struct ls_policy *policy_r)
{
	*policy_r = (struct ls_policy){ 0 };
	for (const struct ls_field *field = ls_fields; field->name; field++) {
		int ret = ls_field_parse(field, field->preset, policy_r, NULL);

		assert(ret == 0); /* a test parses each of them */
		(void)ret;
	}
}
