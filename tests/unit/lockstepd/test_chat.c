/* test_chat.c - what a chat service gets has its form, fits, and no name of a
 * stranger's does anything in it but stand there */
#include "lockstep-config.h"

#include "chat_bed.h"

#include "outbox/digest.h"
#include "shared/escape.h"

/* ---- digests ------------------------------------------------------------- */

static json_t *digest_of(unsigned count, const char *user)
{
	static const enum ls_event events[] = { LS_EVENT_LOCK, LS_EVENT_UNLOCK,
						LS_EVENT_LOCK };
	struct digest digest = { 0 };
	json_t *message;
	char *body;

	for (unsigned i = 0; i < count; i++) {
		struct ls_record record = record_of(events[i % COUNT(events)],
						    LS_KIND_USER, NULL, user);

		record.at_ms = 1000 + i * 30000;
		record.until_ms = record.at_ms + 600000;
		record.reason = LS_REASON_FAILURES;
		digest_add(&digest, LS_JOURNAL_GUARD, &record, NULL, &moment);
	}
	body = digest_body(&digest, "mx1", &moment);
	message = json_loads(body, 0, NULL);
	free(body);
	digest_clear(&digest);
	return message;
}

static void test_digest(void **state)
{
	struct chat_post post;
	json_t *message;

	(void)state;
	message = digest_of(3, "joe");
	check_post(LS_FORMAT_SLACK, message,
		   "`mx1`: 2 locks, 1 unlock in 60 seconds:\n"
		   "02:12 UTC: user `joe` is locked for strangers until 02:22 "
		   "UTC: too many wrong passwords\n"
		   "02:13 UTC: user `joe` is locked for strangers until 02:23 "
		   "UTC: too many wrong passwords\n"
		   "02:12 UTC: user `joe` is unlocked");
	post = post_of(LS_FORMAT_NTFY, message);
	check_text("digest", post.title, "lockstep on mx1: digest");
	check_text("digest", post.priority, "default");
	free(post.body);
	json_decref(message);
	message = digest_of(1, "joe");
	check_post(LS_FORMAT_TEAMS, message,
		   "mx1: user joe is locked for strangers until 02:22 UTC: too "
		   "many wrong passwords (at 02:12 UTC)");
	post = post_of(LS_FORMAT_NTFY, message);
	check_text("one", post.title, "lockstep on mx1: lock");
	free(post.body);
	json_decref(message);
}

/* What is posted days later, and tells of two days. */
static void test_digest_late(void **state)
{
	enum { DAY_MS = 24 * 3600 * 1000 };
	json_t *message = digest_of(3, "joe"), *one = digest_of(1, "joe");
	char *texts[] = { webhook_body(message), webhook_body(one) };
	struct chat_post post;

	(void)state;
	chat_post(LS_FORMAT_NTFY, texts[0], moment.real_ms + 2 * DAY_MS, &post);
	check_holds("late", post.body, "in 60 seconds (told late: it was at "
				       "2026-11-22 02:14 UTC):\n"
				       "2026-11-22 02:12 UTC: user joe");
	free(post.body);
	chat_post(LS_FORMAT_NTFY, texts[1], moment.real_ms + 2 * DAY_MS, &post);
	check_holds("late", post.body, "passwords (at 2026-11-22 02:12 UTC)");
	free(post.body);
	free(texts[0]);
	free(texts[1]);
	json_decref(message);
	json_decref(one);
}

/* However many there are, and however long: in all, as many as there were. */
static void test_digest_bounded(void **state)
{
	char user[LS_USER_MAX + 1], text[PROSE_MAX + 1];

	(void)state;
	memset(user, 0x01, LS_USER_MAX);
	user[LS_USER_MAX] = '\0';
	for (size_t i = 0; i < COUNT(formats); i++) {
		for (unsigned count = 2; count < 300; count += 33) {
			json_t *message = digest_of(count, i % 2 ? user : "joe");
			struct chat_post post = post_of(formats[i], message);
			unsigned lines = 0, more = 0;

			text_in(formats[i], &post, text);
			assert_true(strlen(text) <= prose_limit(formats[i]));
			for (char *at = text; (at = strchr(at, '\n')); at++) {
				if (sscanf(at, "\nand %u more", &more) != 1)
					lines++;
			}
			check("in all", lines + more, count);
			free(post.body);
			json_decref(message);
		}
	}
}

/* A flood of locks, and among it what somebody has to see. */
static void test_digest_gravest_first(void **state)
{
	static const struct {
		enum ls_event event;
		const char *user;
	} graver[] = {
		{ LS_EVENT_ALARM, "ann" },
		{ LS_EVENT_FREEZE, "joe" },
		{ LS_EVENT_SUSPICIOUS, "eve" },
		{ LS_EVENT_FREEZE, "bob" },
	};
	struct digest digest = { 0 };
	char text[PROSE_MAX + 1], *body, *at;
	struct chat_post post;
	json_t *message;

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		struct ls_record record = record_of(LS_EVENT_LOCK, LS_KIND_IP,
						    "192.0.2.1", NULL);

		record.at_ms = 1000 + i;
		if (i % 1000 == 999 && i / 1000 < COUNT(graver))
			record = record_of(graver[i / 1000].event,
					   LS_KIND_USER, NULL,
					   graver[i / 1000].user);
		digest_add(&digest, LS_JOURNAL_GUARD, &record, NULL, &moment);
	}
	body = digest_body(&digest, "mx1", &moment);
	assert_true(strlen(body) <= WEBHOOK_BODY_MAX);
	message = json_loads(body, 0, NULL);
	for (size_t i = 0; i < COUNT(formats); i++) {
		post = post_of(formats[i], message);
		text_in(formats[i], &post, text);
		while ((at = strchr(text, '`')) != NULL)
			memmove(at, at + 1, strlen(at));
		check_holds(ls_format_name(formats[i]), text,
			    "mx1: 2 freezes, 1 suspicious login, 1 alarm, 4996 "
			    "locks in ");
		check_holds(ls_format_name(formats[i]), text,
			    ":\nfrozen: joe, bob\n"
			    "02:14 UTC: user joe is frozen");
		at = strstr(text, "user bob is frozen");
		assert_non_null(at);
		at = strstr(at, "user eve logged in");
		assert_non_null(at);
		at = strstr(at, "user ann writes to many");
		assert_non_null(at);
		assert_non_null(strstr(at, "address 192.0.2.1 is locked"));
		free(post.body);
	}
	json_decref(message);
	free(body);
	digest_clear(&digest);
}

/* Names that are all different, plain and hostile ones. */
static void name_account(unsigned i, char name_r[LS_USER_MAX + 1])
{
	static const struct {
		const char *before, *after;
		int digits;
	} kinds[] = {
		{ "user", "@example.com", 1 },
		{ "", "<&>`*_", 1 },
		{ "\x01", "\xe3\x85\xa4", 1 },
		{ "", "", 200 },
	};

	snprintf(name_r, LS_USER_MAX + 1, "%s%0*u%s",
		 kinds[i % COUNT(kinds)].before, kinds[i % COUNT(kinds)].digits,
		 i, kinds[i % COUNT(kinds)].after);
}

/* As lockstepd gathers them: each account that was frozen is named in one of the
 * messages, in every format, whatever it is called. */
static void test_frozen_named(void **state)
{
	enum { ACCOUNTS = 300 };
	static char text[COUNT(formats)][ACCOUNTS * 1500];
	struct digest digest = { 0 };
	unsigned messages = 0;

	(void)state;
	memset(text, 0, sizeof(text));
	for (unsigned i = 0; i <= ACCOUNTS; i++) {
		struct ls_record record = record_of(LS_EVENT_FREEZE,
						    LS_KIND_USER, NULL, NULL);
		char *body;

		name_account(i, record.subject.user);
		if (i == ACCOUNTS || !digest_has_room(&digest, &record)) {
			json_t *message;

			body = digest_body(&digest, "mx1", &moment);
			assert_true(strlen(body) <= WEBHOOK_BODY_MAX);
			message = json_loads(body, 0, NULL);
			free(body);
			for (size_t f = 0; f < COUNT(formats); f++) {
				struct chat_post post =
					post_of(formats[f], message);

				text_in(formats[f], &post,
					text[f] + strlen(text[f]));
				free(post.body);
			}
			json_decref(message);
			digest_clear(&digest);
			messages++;
		}
		digest_add(&digest, LS_JOURNAL_GUARD, &record, NULL, &moment);
	}
	assert_in_range(messages, 2, ACCOUNTS / 3);
	for (unsigned i = 0; i < ACCOUNTS; i++) {
		char name[LS_USER_MAX + 1];

		name_account(i, name);
		for (size_t f = 0; f < COUNT(formats); f++) {
			struct prose quoted;

			prose_start(&quoted, formats[f], PROSE_MAX);
			prose_name(&quoted, name);
			check_holds(ls_format_name(formats[f]), text[f],
				    quoted.text);
		}
	}
	digest_clear(&digest);
}

/* ---- names of strangers -------------------------------------------------- */

static void check_name(enum ls_format format, const char *name,
		       const char *want)
{
	struct prose prose;

	prose_start(&prose, format, prose_limit(format));
	prose_name(&prose, name);
	check_text(ls_format_name(format), prose.text, want);
}

static void test_hostile_names(void **state)
{
	static const struct {
		const char *name, *slack, *discord, *plain;
	} table[] = {
		{ "", "?", "?", "?" },
		{ "joe.x-1", "`joe.x-1`", "joe.x-1", "joe.x-1" },
		{ "<!channel>", "`&lt;!channel&gt;`", "\\<\\!channel\\>",
		  "<!channel>" },
		{ "<https://e.example|me>", "`&lt;https\\x3a//e.example|me&gt;`",
		  "\\<https\\\\x3a\\/\\/e.example\\|me\\>",
		  "<https\\x3a//e.example|me>" },
		{ "@everyone", "`@everyone`", "\\@everyone", "@everyone" },
		{ "<@1234>", "`&lt;@1234&gt;`", "\\<\\@1234\\>", "<@1234>" },
		{ "a`b*c_d~e", "`a\\x60b*c_d~e`", "a\\`b\\*c\\_d\\~e",
		  "a`b*c_d~e" },
		{ "[x](y)", "`[x](y)`", "\\[x\\]\\(y\\)", "[x](y)" },
		{ "&amp;", "`&amp;amp;`", "\\&amp\\;", "&amp;" },
		{ ":100:", "`:100:`", "\\:100\\:", ":100:" },
		{ "a\\b", "`a\\\\b`", "a\\\\\\\\b", "a\\\\b" },
		{ "x\r\ny", "`x\\x0d\\x0ay`", "x\\\\x0d\\\\x0ay",
		  "x\\x0d\\x0ay" },
		{ " a b ", "`\\x20a b\\x20`", "\\\\x20a b\\\\x20",
		  "\\x20a b\\x20" },
		{ "\xe2\x80\xae" "moc", "`\\xe2\\x80\\xaemoc`",
		  "\\\\xe2\\\\x80\\\\xaemoc", "\\xe2\\x80\\xaemoc" },
		{ "\xff", "`\\xff`", "\\\\xff", "\\xff" },
		{ "J\xc3\xb6rg", "`J\xc3\xb6rg`", "J\xc3\xb6rg",
		  "J\xc3\xb6rg" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		check_name(LS_FORMAT_SLACK, table[i].name, table[i].slack);
		check_name(LS_FORMAT_DISCORD, table[i].name, table[i].discord);
		check_name(LS_FORMAT_TEAMS, table[i].name, table[i].plain);
		check_name(LS_FORMAT_NTFY, table[i].name, table[i].plain);
	}
}

/* Nothing that a journal can hold makes a post too long, no UTF-8, or one with
 * control characters. */
static void test_any_bytes(void **state)
{
	(void)state;
	for (int byte = 1; byte < 256; byte++) {
		for (int event = 1; event < LS_EVENT_COUNT; event++) {
			enum ls_format format = formats[event % 4];
			char text[PROSE_MAX + 1];
			struct ls_record record;
			struct chat_post post;
			uint32_t c;
			json_t *message;

			memset(&record, byte, sizeof(record));
			record.event = (enum ls_event)event;
			record.subject.net.bits = 128;
			record.subject.kind = LS_KIND_USER;
			record.subject.user[LS_USER_MAX] = '\0';
			record.service[LS_SERVICE_MAX] = '\0';
			record.mech[LS_MECH_MAX] = '\0';
			record.detail[LS_DETAIL_MAX] = '\0';
			record.more[LS_MORE_MAX] = '\0';
			message = event_json("mx1", LS_JOURNAL_GUARD, &record,
					     NULL, &moment);
			post = post_of(format, message);
			text_in(format, &post, text);
			assert_true(strlen(text) <= prose_limit(format));
			for (const char *at = text; *at != '\0';) {
				size_t len = escape_utf8(at, strlen(at), &c);

				assert_true(len > 0 && c >= ' ');
				at += len;
			}
			free(post.body);
			json_decref(message);
		}
	}
}

/* Cut at a character, in its whole form, with an ellipsis; and never longer. */
static void test_cut(void **state)
{
	static const char name[] = "a\xe5\xb1\xb1<\x01&z`end";
	static const char ellipsis[] = "\xe2\x80\xa6";

	(void)state;
	for (size_t i = 0; i < COUNT(formats); i++) {
		struct prose whole, cut;

		prose_start(&whole, formats[i], 100);
		prose_name(&whole, name);
		assert_false(whole.full);
		for (size_t max = 8; max < whole.used; max++) {
			size_t len;
			bool code = formats[i] == LS_FORMAT_SLACK;

			prose_start(&cut, formats[i], max);
			prose_name(&cut, name);
			prose_say(&cut, " and more");
			prose_name(&cut, name);
			assert_true(cut.full);
			assert_true(cut.used <= max);
			assert_int_equal(cut.used, strlen(cut.text));
			len = strlen(cut.text);
			if (code) {
				check("code", cut.text[len - 1], '`');
				cut.text[--len] = '\0';
			}
			check_text("end", cut.text + len - 3, ellipsis);
			assert_memory_equal(cut.text, whole.text, len - 3);
			/* not within "&lt;", "\x01" or after a \ */
			cut.text[len - 3] = '\0';
			assert_true(strrchr(cut.text, '&') == NULL ||
				    strchr(strrchr(cut.text, '&'), ';') ||
				    !code);
			assert_true(len < 4 || cut.text[len - 4] != '\\');
		}
	}
}

/* ---- ntfy's headers ------------------------------------------------------ */

static void test_ntfy(void **state)
{
	static const struct {
		enum ls_event event;
		const char *title, *priority, *tags;
	} table[] = {
		{ LS_EVENT_FREEZE, "lockstep on m?1: freeze", "high",
		  "rotating_light" },
		{ LS_EVENT_LOCK, "lockstep on m?1: lock", "default", "lock" },
		{ LS_EVENT_UNLOCK, "lockstep on m?1: unlock", "low", "unlock" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct ls_record record = record_of(
			table[i].event, LS_KIND_USER, NULL, "x\r\nPriority: 5");
		json_t *message = event_json("m\n1", LS_JOURNAL_GUARD, &record,
					     NULL, &moment);
		struct chat_post post = post_of(LS_FORMAT_NTFY, message);

		check_text("title", post.title, table[i].title);
		check_text("priority", post.priority, table[i].priority);
		check_text("tags", post.tags, table[i].tags);
		check_holds("body", post.body,
			    "m\\x0a1: user x\\x0d\\x0aPriority: 5 ");
		free(post.body);
		json_decref(message);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_digest_late),
		cmocka_unit_test(test_digest_bounded),
		cmocka_unit_test(test_digest_gravest_first),
		cmocka_unit_test(test_frozen_named),
		cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_any_bytes),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_ntfy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
