/* test_fields.c - fields as text: every default, every way to get one wrong */
#include "lockstep-config.h"

#include "policy/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct ls_field *field_of(const char *section, const char *name)
{
	for (const struct ls_field *field = ls_fields; field->name; field++) {
		if (strcmp(field->name, name) == 0 &&
		    (section == NULL) == (field->section == NULL) &&
		    (section == NULL || strcmp(field->section, section) == 0))
			return field;
	}
	fail_msg("no field %s %s", section ? section : "", name);
	return NULL;
}

static void test_table(void **state)
{
	size_t count = 0;

	(void)state;
	for (const struct ls_field *a = ls_fields; a->name; a++, count++) {
		assert_true(a->id > 0);
		assert_true(a->offset + a->size <= sizeof(struct ls_policy));
		assert_true(a->preset != NULL);
		assert_true((a->type == LS_FIELD_CHOICE) ==
			    (a->choices != NULL));
		for (const struct ls_field *b = ls_fields; b < a; b++) {
			assert_true(a->id != b->id);
			/* no two lie over each other */
			assert_true(a->offset + a->size <= b->offset ||
				    b->offset + b->size <= a->offset);
		}
	}
	assert_int_equal(count, LS_FIELD_COUNT);
}

/* The defaults are the administrator's to rely on: as text and as numbers. */
static void test_presets(void **state)
{
	struct ls_policy policy;

	(void)state;
	memset(&policy, 0xff, sizeof(policy));
	ls_policy_presets(&policy);
	for (const struct ls_field *field = ls_fields; field->name; field++) {
		char text[LS_FIELD_TEXT_SIZE];

		ls_field_format(field, &policy, text);
		assert_string_equal(text, field->preset);
	}
	assert_int_equal(policy.mode, LS_MODE_ENFORCE);
	assert_int_equal(policy.reveal, LS_REVEAL_FREEZE);
	assert_int_equal(policy.require_tls, LS_TLS_STRANGERS);
	assert_string_equal(policy.state_dir, "/run/lockstep");
	assert_string_equal(policy.group, "lockstep");
	assert_int_equal(policy.subjects, 262144);
	assert_int_equal(policy.familiar_ms, 30 * 86400000ULL);
	assert_int_equal(policy.ip.failures[LS_FAST].units, 10);
	assert_int_equal(policy.ip.failures[LS_FAST].period_ms, 600000);
	assert_int_equal(policy.ip.failures[LS_SLOW].units, 50);
	assert_int_equal(policy.ip.failures[LS_SLOW].period_ms, 86400000);
	assert_int_equal(policy.ip.lock.min_ms, 600000);
	assert_int_equal(policy.ip.lock.max_ms, 86400000);
	assert_int_equal(policy.net.prefix4, 24);
	assert_int_equal(policy.net.prefix6, 48);
	assert_int_equal(policy.sending.freeze_at, 300);
	assert_int_equal(policy.sending.on_freeze, LS_ON_FREEZE_HOLD);
	assert_int_equal(policy.trusted, 0);
	assert_int_equal(policy.denied, 0);
}

static void test_durations(void **state)
{
	static const struct {
		const char *text;
		uint64_t want;
		const char *back; /* NULL: refused */
	} table[] = {
		{ "250ms", 250, "250ms" },
		{ "1000ms", 1000, "1s" },
		{ "0s", 0, "0s" },
		{ "90s", 90000, "90s" },
		{ "120s", 120000, "2m" },
		{ "10m", 600000, "10m" },
		{ "12h", 43200000, "12h" },
		{ "36h", 129600000, "36h" },
		{ "30d", 2592000000ULL, "30d" },
		{ "2w", 1209600000ULL, "14d" },
		{ " 5m ", 300000, "5m" },
		{ "18446744073709551616ms", 0, NULL }, /* 2^64 */
		{ "213503982335d", 0, NULL },          /* over 2^64 ms */
		{ "", 0, NULL },
		{ "90", 0, NULL },
		{ "s", 0, NULL },
		{ "1.5h", 0, NULL },
		{ "-5m", 0, NULL },
		{ "5 m", 0, NULL },
		{ "5min", 0, NULL },
		{ "0x5m", 0, NULL },
		{ "1h30m", 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char text[LS_DURATION_TEXT];
		uint64_t got = 1;
		int ret = ls_duration_parse(table[i].text, &got);

		if (table[i].back == NULL) {
			assert_int_equal(ret, LS_EARG);
			continue;
		}
		assert_int_equal(ret, 0);
		assert_int_equal(got, table[i].want);
		ls_duration_format(got, text);
		assert_string_equal(text, table[i].back);
	}
}

static void test_good(void **state)
{
	static const struct {
		const char *section, *name, *text, *back;
	} table[] = {
		{ NULL, "mode", "observe", "observe" },
		{ NULL, "state-dir", "/var/tmp/x", "/var/tmp/x" },
		{ NULL, "group", "", "" },
		{ NULL, "subjects", "1024", "1024" },
		{ NULL, "familiar-for", "4w", "28d" },
		{ NULL, "reveal", "always", "always" },
		{ "ip", "failures", "10/10m,50/1d", "10/10m, 50/1d" },
		{ "ip", "failures", " 1 / 1s ,  2/1m ", "1/1s, 2/1m" },
		{ "ip", "failures", "0", "0, 0" },
		{ "ip", "failures", "5/10m, 0", "5/10m, 0" },
		{ "ip", "failures", "0, 5/10m", "0, 5/10m" },
		{ "ip", "logins", "0", "0" },
		{ "ip", "logins", "10000000/3h", "10000000/3h" },
		{ "ip", "logins", "1000/1s", "1000/1s" },
		{ "ip", "logins", "1/366d", "1/366d" },
		{ "ip", "lock", "1s..1s", "1s..1s" },
		{ "ip", "lock", "10m .. 1d", "10m..1d" },
		{ "net", "prefix4", "8", "8" },
		{ "net", "prefix6", "64", "64" },
		{ "user", "sessions", "0", "0" },
		{ "sending", "on-freeze", "reject", "reject" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct ls_field *field =
			field_of(table[i].section, table[i].name);
		char text[LS_FIELD_TEXT_SIZE];
		struct ls_policy policy;
		struct ls_error error = { 0, "" };

		ls_policy_presets(&policy);
		if (ls_field_parse(field, table[i].text, &policy, &error) < 0)
			fail_msg("%s: %s", table[i].text, error.text);
		ls_field_format(field, &policy, text);
		assert_string_equal(text, table[i].back);
	}
}

static void test_bad(void **state)
{
	static const struct {
		const char *section, *name, *text, *reason;
	} table[] = {
		{ NULL, "mode", "observ",
		  "\"observ\" is none of: enforce, observe" },
		{ NULL, "mode", "", "\"\" is none of: enforce, observe" },
		{ NULL, "mode", "Enforce",
		  "\"Enforce\" is none of: enforce, observe" },
		{ NULL, "state-dir", "run/lockstep",
		  "\"run/lockstep\" does not begin with /" },
		{ NULL, "state-dir", "", "\"\" does not begin with /" },
		{ NULL, "group", "a\nb", "has a control character" },
		{ NULL, "group",
		  "0123456789012345678901234567890123456789"
		  "012345678901234567890123",
		  "longer than 63 characters" },
		{ NULL, "subjects", "many", "\"many\" is not a whole number" },
		{ NULL, "subjects", "", "\"\" is not a whole number" },
		{ NULL, "subjects", "-1", "\"-1\" is not a whole number" },
		{ NULL, "subjects", "1e6", "\"1e6\" is not a whole number" },
		{ NULL, "subjects", "99999999999999999999",
		  "\"99999999999999999999\" is not a whole number" },
		{ NULL, "subjects", "1023",
		  "1023 is not within 1024 and 67108864" },
		{ NULL, "familiar-for", "30",
		  "\"30\" has no unit: write 30s, 30m, 30h or 30d" },
		{ NULL, "familiar-for", "30 days",
		  "\"30 days\" is not a duration like 90s, 10m, 12h or 30d" },
		{ NULL, "familiar-for", "5ms",
		  "5ms is not within 1s and 3660d" },
		{ NULL, "familiar-for", "9999d",
		  "9999d is not within 1s and 3660d" },
		{ "ip", "failures", "10/10m",
		  "\"10/10m\" is one limit; two are wanted, fast and slow, "
		  "like \"10/10m, 50/1d\" (0 is none)" },
		{ "ip", "failures", "10, 50",
		  "\"10, 50\" is not two limits, fast and slow, like "
		  "\"10/10m, 50/1d\" (0 is none)" },
		{ "ip", "failures", "10/10m, 50/1d, 3/1s",
		  "\"10/10m, 50/1d, 3/1s\" is not two limits, fast and slow, "
		  "like \"10/10m, 50/1d\" (0 is none)" },
		{ "ip", "failures", "10/10m, 50/1y",
		  "\"10/10m, 50/1y\" is not two limits, fast and slow, like "
		  "\"10/10m, 50/1d\" (0 is none)" },
		{ "ip", "failures", "10/10m, 20000000/1d",
		  "20000000 is not within 1 and 10000000" },
		{ "ip", "logins", "600",
		  "\"600\" is not a limit like 600/5m (0 is none)" },
		{ "ip", "logins", "0/5m",
		  "\"0/5m\" is not a limit like 600/5m (0 is none)" },
		{ "ip", "logins", "600/5m, 1/1s",
		  "\"600/5m, 1/1s\" is not a limit like 600/5m (0 is none)" },
		{ "ip", "logins", "1/0s",
		  "a period of 0s is not within 1ms and 366d" },
		{ "ip", "logins", "1/367d",
		  "a period of 367d is not within 1ms and 366d" },
		{ "ip", "logins", "1001/1s",
		  "1001/1s is more than one a millisecond" },
		{ "ip", "lock", "10m",
		  "\"10m\" is not a range, first and longest, like 10m..1d" },
		{ "ip", "lock", "1d..10m",
		  "the first is longer than the longest" },
		{ "ip", "lock", "10..1d",
		  "\"10\" has no unit: write 10s, 10m, 10h or 10d" },
		{ "ip", "lock", "10m..",
		  "\"\" is not a duration like 90s, 10m, 12h or 30d" },
		{ "ip", "lock", "0s..1d", "0s is not within 1s and 3660d" },
		{ "net", "prefix4", "33", "33 is not within 8 and 32" },
		{ "net", "prefix6", "128", "128 is not within 16 and 64" },
		{ "sending", "freeze-at", "99",
		  "99 is not within 100 and 100000" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct ls_policy policy, untouched;
		struct ls_error error = { 0, "" };

		ls_policy_presets(&policy);
		untouched = policy;
		assert_int_equal(ls_field_parse(field_of(table[i].section,
							 table[i].name),
						table[i].text, &policy, &error),
				 LS_EARG);
		assert_string_equal(error.text, table[i].reason);
		assert_memory_equal(&policy, &untouched, sizeof(policy));
	}
}

/* A value of any length fits in a message of fixed size. */
static void test_long(void **state)
{
	char text[4096];
	struct ls_policy policy;

	(void)state;
	ls_policy_presets(&policy);
	for (size_t len = 0; len < sizeof(text); len = len * 2 + 1) {
		static const char fill[] = "9/.,d";

		for (size_t i = 0; i < sizeof(fill) - 1; i++) {
			memset(text, fill[i], len);
			text[len] = '\0';
			for (const struct ls_field *f = ls_fields; f->name;
			     f++) {
				struct ls_error error;

				ls_field_parse(f, text, &policy, &error);
				ls_field_parse(f, text, &policy, NULL);
			}
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_presets),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
