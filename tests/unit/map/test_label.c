/* test_label.c - names of locked subjects: kept, verified by hash, given up */
#include "lockstep-config.h"

#include "base/key.h"
#include "harness.h"
#include "map/label.h"

#include <sodium.h>

static const uint64_t start = UINT64_C(34560000000); /* 400 days */

enum { HOUR = 3600000 };

static struct ls_bucket bucket;
static struct ls_label record[LS_WAYS];
static struct ls_table_counters counters;
static const struct ls_table labels = {
	.bucket = &bucket,
	.record = (uint8_t *)record,
	.buckets = 1,
	.record_size = sizeof(struct ls_label),
	.worth = ls_label_worth,
	.counters = &counters,
};
static const uint8_t hash_key[LS_HASH_KEY_SIZE] = "0123456789abcde";

static int setup(void **state)
{
	(void)state;
	memset(&bucket, 0, sizeof(bucket));
	memset(record, 0, sizeof(record));
	memset(&counters, 0, sizeof(counters));
	return sodium_init() < 0 ? -1 : 0;
}

static struct ls_subject subject_of(enum ls_kind kind, const char *user,
				    const char *net)
{
	struct ls_subject subject;

	memset(&subject, 0, sizeof(subject));
	subject.kind = kind;
	strcpy(subject.user, user);
	if (net != NULL)
		check(net, ls_prefix_parse(net, &subject.net), 0);
	return subject;
}

static uint64_t put(const struct ls_subject *subject, uint64_t until)
{
	uint64_t key = ls_key_subject(hash_key, subject);

	ls_label_put(&labels, key, subject, LS_LABEL_LOCK, until, start);
	return key;
}

static bool kept(uint64_t key, enum ls_kind kind)
{
	struct ls_subject subject;

	return ls_label_get(&labels, hash_key, key, kind, &subject);
}

static void test_round_trip(void **state)
{
	static char longest[LS_USER_MAX + 1];
	const struct {
		enum ls_kind kind;
		const char *user, *net, *want;
	} rows[] = {
		{ LS_KIND_IP, "", "192.0.2.1", "192.0.2.1" },
		{ LS_KIND_IP, "", "2001:db8:1:2::/64", "2001:db8:1:2::/64" },
		{ LS_KIND_NET, "", "192.0.2.0/24", "192.0.2.0/24" },
		{ LS_KIND_NET, "", "::/0", "::/0" },
		{ LS_KIND_USER, "joe@example.com", NULL, "joe@example.com" },
		{ LS_KIND_USER, "j", NULL, "j" },
		{ LS_KIND_USER, "", NULL, "" },
		{ LS_KIND_USER, longest, NULL, longest },
		{ LS_KIND_PLACE, "joe", "192.0.2.0/24",
		  "joe from 192.0.2.0/24" },
	};

	(void)state;
	memset(longest, 'x', LS_USER_MAX);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ls_subject subject =
			subject_of(rows[i].kind, rows[i].user, rows[i].net);
		char text[LS_SUBJECT_TEXT];
		struct ls_subject got;
		uint64_t key;

		setup(NULL);
		memset(record, 0xaa, sizeof(record));
		key = put(&subject, start + HOUR);
		check(rows[i].want,
		      ls_label_get(&labels, hash_key, key, rows[i].kind, &got),
		      true);
		check(rows[i].want, got.kind, rows[i].kind);
		ls_subject_format(&got, text);
		check_text(rows[i].want, text, rows[i].want);
		check("another kind", kept(key, LS_KIND_GUESS), false);
		check("another key", kept(key ^ 1, rows[i].kind), false);
	}
}

/* A label that is torn, forged or of another is none. */
static void test_verified(void **state)
{
	struct ls_subject subject =
		subject_of(LS_KIND_PLACE, "joe@example.com", "192.0.2.0/24");
	uint64_t key = put(&subject, start + HOUR);

	(void)state;
	check("kept", kept(key, LS_KIND_PLACE), true);
	/* Kind, length, address, and the name with the byte that ends it. */
	for (unsigned word = 0; word < 5; word++)
		for (unsigned bit = 0; bit < 64; bit++) {
			uint64_t flip = UINT64_C(1) << bit;
			bool filler = word == 0 && bit >= 16;
			char row[32];

			snprintf(row, sizeof(row), "word %u bit %u", word, bit);
			atomic_fetch_xor(&record[0].text[word], flip);
			check(row, kept(key, LS_KIND_PLACE), filler);
			atomic_fetch_xor(&record[0].text[word], flip);
		}
	/* A name that does not end. */
	for (unsigned word = 3; word < LS_LABEL_TEXT_WORDS; word++)
		atomic_store(&record[0].text[word],
			     UINT64_C(0x7878787878787878));
	check("no end", kept(key, LS_KIND_PLACE), false);
}

static void test_shortest_goes(void **state)
{
	static const unsigned hours[LS_WAYS] = { 5, 2, 7, 3, 1, 6, 4 };
	uint64_t key[LS_WAYS];
	char name[16];

	(void)state;
	for (unsigned i = 0; i < LS_WAYS; i++) {
		struct ls_subject subject;

		snprintf(name, sizeof(name), "user%u", i);
		subject = subject_of(LS_KIND_USER, name, NULL);
		key[i] = put(&subject, start + (uint64_t)hours[i] * HOUR);
		/* Once more, and shorter: it is kept as long as before. */
		ls_label_put(&labels, key[i], &subject, LS_LABEL_LOCK,
			     start + 1, start);
	}
	for (unsigned gone = 1; gone <= 3; gone++) {
		struct ls_subject subject;

		snprintf(name, sizeof(name), "other%u", gone);
		subject = subject_of(LS_KIND_USER, name, NULL);
		check(name,
		      kept(put(&subject, start + UINT64_C(9) * HOUR),
			   LS_KIND_USER),
		      true);
		for (unsigned i = 0; i < LS_WAYS; i++)
			check(name, kept(key[i], LS_KIND_USER),
			      hours[i] > gone);
	}
}

/* Names of accounts that aliases mean go before labels of locks, however long
 * they are wanted. */
static void test_names_go_before_locks(void **state)
{
	uint64_t key[LS_WAYS];
	char name[16];

	(void)state;
	for (unsigned i = 0; i < LS_WAYS; i++) {
		struct ls_subject subject;

		snprintf(name, sizeof(name), "user%u", i);
		subject = subject_of(LS_KIND_USER, name, NULL);
		key[i] = ls_key_subject(hash_key, &subject);
		ls_label_put(&labels, key[i], &subject,
			     i % 2 == 0 ? LS_LABEL_LOCK : LS_LABEL_NAME,
			     start + (i % 2 == 0 ? 1 : 9) * (uint64_t)HOUR,
			     start);
	}
	for (unsigned others = 0; others < LS_WAYS / 2; others++) {
		struct ls_subject subject;

		snprintf(name, sizeof(name), "other%u", others);
		subject = subject_of(LS_KIND_USER, name, NULL);
		put(&subject, start + UINT64_C(5) * HOUR);
		for (unsigned i = 0; i < LS_WAYS; i += 2)
			check(name, kept(key[i], LS_KIND_USER), true);
	}
	for (unsigned i = 1; i < LS_WAYS; i += 2)
		check("names", kept(key[i], LS_KIND_USER), false);
}

/* One label for both: the name of a locked account is worth as much as its
 * lock, and is wanted as long as the longer. */
static void test_name_and_lock(void **state)
{
	struct ls_subject subject = subject_of(LS_KIND_USER, "joe", NULL);
	uint64_t key = put(&subject, start + HOUR);
	struct ls_worth_of worth;

	(void)state;
	ls_label_put(&labels, key, &subject, LS_LABEL_NAME,
		     start + UINT64_C(9) * HOUR, start);
	for (unsigned way = 0; way < LS_WAYS; way++) {
		struct ls_ref ref;

		if (ls_table_find(&labels, key, LS_KIND_USER, &ref) < 0 ||
		    ref.index != way)
			continue;
		worth = ls_label_worth((struct ls_slot *)(void *)&record[way],
				       LS_KIND_USER, ref.stamp, start);
		check("worth", worth.worth, LS_WORTH_STRANGER);
		check_within("until", worth.until,
			     start + UINT64_C(9) * HOUR,
			     start + UINT64_C(9) * HOUR + 3);
		return;
	}
	fail();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
		TEST(test_round_trip),
		TEST(test_verified),
		TEST(test_shortest_goes),
		TEST(test_names_go_before_locks),
		TEST(test_name_and_lock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
