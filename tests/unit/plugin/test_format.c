/* test_format.c - what a username format keeps of a name */
#include "lockstep-config.h"

#include "auth/format.h"
#include "harness.h"

static void test_formats(void **state)
{
	static const struct {
		const char *format;
		bool drops, lowers;
	} table[] = {
		{ "%Lu", false, true },
		{ "%u", false, false },
		{ "%Uu", false, false },
		{ "", false, false },
		{ "%n", true, false },
		{ "%Ln", true, true },
		{ "%20Ln", true, true },
		{ "%L{username}", true, true },
		{ "%{username}", true, false },
		{ "%{user}", false, false },
		{ "%Ln@%Ld", false, true },
		{ "%Ln-AT-%d", false, false },
		{ "%n@example.com", true, false },
		{ "100%%n", false, false },
		{ "%", false, false },
		{ "%{user", false, false },
		/* 2.4 */
		{ "%{user | lower}", false, true },
		{ "%{user|username|lower}", true, true },
		{ "%{user | username}", true, false },
		{ "%{user | username}@%{user | domain}", false, false },
		{ "%{user|username} /etc/users", true, false },
		{ "%{user|username} /etc/%{user|domain}/users", false, false },
		/* args of a passwd-file in 2.3 */
		{ "scheme=CRYPT username_format=%n /etc/dovecot/users", true,
		  false },
		{ "scheme=CRYPT username_format=%u /etc/dovecot/users", false,
		  false },
		{ "username_format=%n /etc/%d/passwd", false, false },
		{ "/etc/dovecot/users", false, false },
		{ "/etc/dovecot/dovecot-sql.conf.ext", false, false },
		{ "session=yes cache_key=%s %{service}", false, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		check(table[i].format, format_drops_domain(table[i].format),
		      table[i].drops);
		check(table[i].format, format_lowers(table[i].format),
		      table[i].lowers);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
