/* test_address.c - addresses and prefixes, read, written and compared */
#include "lockstep-config.h"

#include "harness.h"
#include "lockstep.h"

static void test_addr_parse(void **state)
{
	static const struct {
		const char *text, *want; /* NULL: refused */
		bool ipv4;
	} table[] = {
		{ "192.0.2.1", "192.0.2.1", true },
		{ "0.0.0.0", "0.0.0.0", true },
		{ "255.255.255.255", "255.255.255.255", true },
		{ "::ffff:192.0.2.1", "192.0.2.1", true },
		{ "::ffff:c000:201", "192.0.2.1", true },
		{ "0:0:0:0:0:FFFF:192.0.2.1", "192.0.2.1", true },
		{ "::", "::", false },
		{ "::1", "::1", false },
		{ "::192.0.2.1", "::192.0.2.1", false },
		{ "2001:DB8::1", "2001:db8::1", false },
		{ "64:ff9b::192.0.2.1", "192.0.2.1", true },
		{ "64:FF9B:0:0::c000:201", "192.0.2.1", true },
		{ "64:ff9b::", "0.0.0.0", true },
		{ "64:ff9b:1::192.0.2.1", "64:ff9b:1::c000:201", false },
		{ "64:ff9b::127.0.0.1", "64:ff9b::7f00:1", false },
		{ "64:ff9b::1:192.0.2.1", "64:ff9b::1:c000:201", false },
		{ "", NULL, false },
		{ " 192.0.2.1", NULL, false },
		{ "192.0.2.1 ", NULL, false },
		{ "192.0.2", NULL, false },
		{ "192.0.2.256", NULL, false },
		{ "192.0.2.01", NULL, false },
		{ "0xc0.0.2.1", NULL, false },
		{ "3221225985", NULL, false },
		{ "1:2:3:4:5:6:7", NULL, false },
		{ "1::2::3", NULL, false },
		{ "fe80::1%eth0", NULL, false },
		{ "[::1]", NULL, false },
		{ "joe@example.com", NULL, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		static const struct ls_addr zero;
		char text[LS_ADDR_TEXT];
		struct ls_addr addr;
		int ret;

		memset(&addr, 0xee, sizeof(addr));
		ret = ls_addr_parse(table[i].text, &addr);
		check(table[i].text, ret, table[i].want != NULL ? 0 : LS_EARG);
		if (table[i].want == NULL) {
			check(table[i].text, ls_addr_equal(&addr, &zero), 1);
			continue;
		}
		check(table[i].text, ls_addr_is_ipv4(&addr), table[i].ipv4);
		ls_addr_format(&addr, text);
		check_text(table[i].text, text, table[i].want);
	}
}

static void test_longest_text_fits(void **state)
{
	struct ls_prefix prefix;
	char text[LS_PREFIX_TEXT];

	(void)state;
	check("prefix",
	      ls_prefix_parse("1111:2222:3333:4444:5555:6666:7777:8888/127",
			      &prefix),
	      0);
	ls_prefix_format(&prefix, text);
	check_text("prefix", text,
		   "1111:2222:3333:4444:5555:6666:7777:8888/127");
	check("mapped",
	      ls_prefix_parse("0000:0000:0000:0000:0000:ffff:255.255.255.255",
			      &prefix),
	      0);
	check("one more",
	      ls_prefix_parse("00000:0000:0000:0000:0000:ffff:255.255.255.255",
			      &prefix),
	      LS_EARG);
}

static void test_prefix_parse(void **state)
{
	static const struct {
		const char *text;
		int ret;
		const char *want;
		unsigned bits;
	} table[] = {
		{ "0.0.0.0/0", 0, "0.0.0.0/0", 96 },
		{ "10.0.0.0/8", 0, "10.0.0.0/8", 104 },
		{ "192.0.2.0/24", 0, "192.0.2.0/24", 120 },
		{ "192.0.2.128/25", 0, "192.0.2.128/25", 121 },
		{ "192.0.2.254/31", 0, "192.0.2.254/31", 127 },
		{ "192.0.2.1/32", 0, "192.0.2.1", 128 },
		{ "192.0.2.1", 0, "192.0.2.1", 128 },
		{ "::/0", 0, "::/0", 0 },
		{ "8000::/1", 0, "8000::/1", 1 },
		{ "2001:db8::/32", 0, "2001:db8::/32", 32 },
		{ "2001:db8::1/128", 0, "2001:db8::1", 128 },
		{ "2001:db8::1", 0, "2001:db8::1", 128 },
		{ "::ffff:192.0.2.0/120", 0, "192.0.2.0/24", 120 },
		{ "::ffff:0.0.0.0/96", 0, "0.0.0.0/0", 96 },
		{ "::ffff:192.0.2.1", 0, "192.0.2.1", 128 },
		{ "192.0.2.0/024", 0, "192.0.2.0/24", 120 },
		{ "64:ff9b::192.0.2.0/120", 0, "192.0.2.0/24", 120 },
		{ "64:ff9b::192.0.2.1", 0, "192.0.2.1", 128 },
		{ "64:ff9b::/96", 0, "64:ff9b::/96", 96 },
		{ "64:ff9b::/95", 0, "64:ff9b::/95", 95 },
		/* host bits */
		{ "1.2.3.4/0", LS_EFORMAT, "0.0.0.0/0", 96 },
		{ "192.0.2.1/24", LS_EFORMAT, "192.0.2.0/24", 120 },
		{ "192.0.2.129/25", LS_EFORMAT, "192.0.2.128/25", 121 },
		{ "192.0.2.255/31", LS_EFORMAT, "192.0.2.254/31", 127 },
		{ "64:ff9b::192.0.2.1/120", LS_EFORMAT, "192.0.2.0/24", 120 },
		{ "::1/127", LS_EFORMAT, "::/127", 127 },
		{ "::1/0", LS_EFORMAT, "::/0", 0 },
		{ "2001:db8::1/32", LS_EFORMAT, "2001:db8::/32", 32 },
		{ "::ffff:0.0.0.0/95", LS_EFORMAT, "::fffe:0:0/95", 95 },
		/* none */
		{ "192.0.2.0/33", LS_EARG, NULL, 0 },
		{ "::/129", LS_EARG, NULL, 0 },
		{ "::/1000", LS_EARG, NULL, 0 },
		{ "::/", LS_EARG, NULL, 0 },
		{ "192.0.2.0/", LS_EARG, NULL, 0 },
		{ "192.0.2.0/-1", LS_EARG, NULL, 0 },
		{ "192.0.2.0/+8", LS_EARG, NULL, 0 },
		{ "192.0.2.0/ 8", LS_EARG, NULL, 0 },
		{ "192.0.2.0/8 ", LS_EARG, NULL, 0 },
		{ "192.0.2.0/24/8", LS_EARG, NULL, 0 },
		{ "192.0.2.0/255.255.255.0", LS_EARG, NULL, 0 },
		{ "192.0.2.0/18446744073709551640", LS_EARG, NULL, 0 },
		{ "/24", LS_EARG, NULL, 0 },
		{ "", LS_EARG, NULL, 0 },
		{ "192.0.2/24", LS_EARG, NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		char text[LS_PREFIX_TEXT];
		struct ls_prefix prefix;

		check(table[i].text, ls_prefix_parse(table[i].text, &prefix),
		      table[i].ret);
		if (table[i].want == NULL)
			continue;
		check(table[i].text, prefix.bits, table[i].bits);
		ls_prefix_format(&prefix, text);
		check_text(table[i].text, text, table[i].want);
	}
}

static void test_prefix_of(void **state)
{
	static const struct {
		const char *addr;
		unsigned bits4, bits6;
		const char *want;
	} table[] = {
		{ "192.0.2.77", 32, 64, "192.0.2.77" },
		{ "192.0.2.77", 24, 48, "192.0.2.0/24" },
		{ "192.0.2.77", 0, 48, "0.0.0.0/0" },
		{ "192.0.2.77", 1, 48, "128.0.0.0/1" },
		{ "192.0.2.77", 33, 48, "192.0.2.77" },
		{ "::ffff:192.0.2.77", 24, 48, "192.0.2.0/24" },
		{ "2001:db8:1:2:3:4:5:6", 32, 64, "2001:db8:1:2::/64" },
		{ "2001:db8:1:2:3:4:5:6", 24, 48, "2001:db8:1::/48" },
		{ "2001:db8:1:2:3:4:5:6", 24, 0, "::/0" },
		{ "2001:db8:1:2:3:4:5:6", 24, 128, "2001:db8:1:2:3:4:5:6" },
		{ "2001:db8:1:2:3:4:5:6", 24, 129, "2001:db8:1:2:3:4:5:6" },
		{ "ffff:ffff:ffff:ffff:ffff::", 24, 63,
		  "ffff:ffff:ffff:fffe::/63" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		char text[LS_PREFIX_TEXT];
		struct ls_prefix prefix;
		struct ls_addr addr;

		check(table[i].addr, ls_addr_parse(table[i].addr, &addr), 0);
		prefix = ls_prefix_of(&addr, table[i].bits4, table[i].bits6);
		ls_prefix_format(&prefix, text);
		check_text(table[i].addr, text, table[i].want);
	}
}

static void test_covers(void **state)
{
	static const struct {
		const char *prefix, *addr;
		bool want;
	} table[] = {
		{ "192.0.2.0/24", "192.0.2.0", true },
		{ "192.0.2.0/24", "192.0.2.255", true },
		{ "192.0.2.0/24", "192.0.3.0", false },
		{ "192.0.2.0/24", "192.0.1.255", false },
		{ "192.0.2.0/24", "::ffff:192.0.2.9", true },
		{ "192.0.2.0/24", "::192.0.2.9", false },
		{ "192.0.2.128/25", "192.0.2.127", false },
		{ "192.0.2.1/32", "192.0.2.1", true },
		{ "192.0.2.1/32", "192.0.2.0", false },
		{ "0.0.0.0/0", "255.255.255.255", true },
		{ "0.0.0.0/0", "::1", false },
		{ "::/0", "2001:db8::1", true },
		/* Mapped as they are, IPv4's addresses are none of IPv6. */
		{ "::/0", "192.0.2.1", false },
		{ "::/48", "192.0.2.1", false },
		{ "::/64", "0.0.0.0", false },
		{ "::1/128", "::1", true },
		{ "::1/128", "::", false },
		{ "8000::/1", "7fff::", false },
		{ "8000::/1", "ffff::", true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct ls_prefix prefix;
		struct ls_addr addr;
		char row[120];

		snprintf(row, sizeof(row), "%s in %s", table[i].addr,
			 table[i].prefix);
		check(row, ls_prefix_parse(table[i].prefix, &prefix), 0);
		check(row, ls_addr_parse(table[i].addr, &addr), 0);
		check(row, ls_prefix_covers(&prefix, &addr), table[i].want);
	}
}

/* Every length: a prefix covers its own address, and not that with the last of
 * its bits turned. */
static void test_covers_every_length(void **state)
{
	struct ls_addr addr, other;

	(void)state;
	check("addr",
	      ls_addr_parse("a5a5:5a5a:ffff:0:1234:5678:9abc:def1", &addr), 0);
	for (unsigned bits = 0; bits <= 128; bits++) {
		struct ls_prefix prefix = ls_prefix_of(&addr, 0, bits);
		char row[16];

		snprintf(row, sizeof(row), "/%u", bits);
		check(row, prefix.bits, bits);
		check(row, ls_prefix_covers(&prefix, &addr), true);
		other = addr;
		if (bits < 128) { /* the first bit outside */
			other.octet[bits / 8] ^= (uint8_t)(0x80U >> bits % 8);
			check(row, ls_prefix_covers(&prefix, &other), true);
		}
		other = addr;
		if (bits > 0) { /* the last bit inside */
			other.octet[(bits - 1) / 8] ^=
				(uint8_t)(0x80U >> (bits - 1) % 8);
			check(row, ls_prefix_covers(&prefix, &other), false);
		}
	}
}

static void test_subject_format(void **state)
{
	static const struct {
		enum ls_kind kind;
		const char *user, *net, *want;
	} table[] = {
		{ LS_KIND_IP, "", "192.0.2.1", "192.0.2.1" },
		{ LS_KIND_IP, "", "2001:db8:1:2::/64", "2001:db8:1:2::/64" },
		{ LS_KIND_NET, "", "192.0.2.0/24", "192.0.2.0/24" },
		{ LS_KIND_USER, "joe@example.com", "::/0", "joe@example.com" },
		{ LS_KIND_PLACE, "joe", "192.0.2.0/24",
		  "joe from 192.0.2.0/24" },
		{ LS_KIND_NONE, "joe", "192.0.2.0/24", "joe" },
	};
	struct ls_subject subject;
	char text[LS_SUBJECT_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		memset(&subject, 0, sizeof(subject));
		subject.kind = table[i].kind;
		strcpy(subject.user, table[i].user);
		check(table[i].want,
		      ls_prefix_parse(table[i].net, &subject.net), 0);
		ls_subject_format(&subject, text);
		check_text(table[i].want, text, table[i].want);
	}
	/* The longest there is must fit whole. */
	memset(subject.user, 'x', LS_USER_MAX);
	subject.user[LS_USER_MAX] = '\0';
	subject.kind = LS_KIND_PLACE;
	check("longest",
	      ls_prefix_parse("1111:2222:3333:4444:5555:6666:7777:8888/127",
			      &subject.net),
	      0);
	ls_subject_format(&subject, text);
	check("longest", strlen(text), LS_USER_MAX + 6 + 43);
}

static void test_words(void **state)
{
	(void)state;
	check_text("kind", ls_kind_name(LS_KIND_PLACE), "place");
	check_text("kind", ls_kind_name(LS_KIND_ALIAS), "alias");
	check_text("kind", ls_kind_name(LS_KIND_COUNT), "?");
	check_text("kind", ls_kind_name((enum ls_kind) - 1), "?");
	check_text("reason", ls_reason_name(LS_REASON_FAILURES_SLOW),
		   "failures-slow");
	check_text("reason", ls_reason_name(LS_REASON_ADMIN), "admin");
	check_text("reason", ls_reason_name(LS_REASON_COUNT), "?");
	check_text("origin", ls_origin_name(LS_ORIGIN_PEER), "peer");
	check_text("origin", ls_origin_name(LS_ORIGIN_COUNT), "?");
	check_text("verdict", ls_verdict_name(LS_WAIT), "wait");
	check_text("verdict", ls_verdict_name(LS_VERDICT_COUNT), "?");
	check_text("outcome", ls_outcome_name(LS_OUTCOME_ABANDONED),
		   "abandoned");
	check_text("outcome", ls_outcome_name(LS_OUTCOME_COUNT), "?");
	check_text("event", ls_event_name(LS_EVENT_SESSION), "session");
	check_text("event", ls_event_name(LS_EVENT_COUNT), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addr_parse),
		cmocka_unit_test(test_longest_text_fits),
		cmocka_unit_test(test_prefix_parse),
		cmocka_unit_test(test_prefix_of),
		cmocka_unit_test(test_covers),
		cmocka_unit_test(test_covers_every_length),
		cmocka_unit_test(test_subject_format),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
