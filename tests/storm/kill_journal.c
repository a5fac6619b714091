/* kill_journal.c - see kill_journal.h */
#include "lockstep-config.h"

#include "kill_journal.h"

struct kill_shared *kill_shared;

static const char *const services[] = { "imap", "pop3", "submission", "sieve",
					"smtp" };
static const char *const mechs[] = { "PLAIN", "LOGIN", "SCRAM-SHA-256" };

void story_of(unsigned account, unsigned net, struct story *story)
{
	unsigned number = account * NETS + net;

	snprintf(story->user, sizeof(story->user), "user%u%.*s@example.com",
		 account, (int)(account % 32),
		 "abcdefghijklmnopqrstuvwxyzabcdef");
	snprintf(story->ip, sizeof(story->ip), "10.%u.%u.%u", net,
		 account % 200, 1 + account % 250);
	snprintf(story->service, sizeof(story->service), "%s",
		 services[number % COUNT(services)]);
	snprintf(story->mech, sizeof(story->mech), "%s",
		 mechs[number % COUNT(mechs)]);
}

void session_of(uint64_t number, struct session *session)
{
	int len = snprintf(session->user, sizeof(session->user), "%016llx-",
			   (unsigned long long)number);

	memset(session->user + len, 'a' + (int)(number % 26), number % 200);
	session->user[(unsigned)len + number % 200] = '\0';
	snprintf(session->ip, sizeof(session->ip), "2001:db8::%x",
		 1 + (unsigned)number % 0xffff);
	snprintf(session->service, sizeof(session->service), "s%03x",
		 (unsigned)(number >> 16) & 0xfff);
	snprintf(session->id, sizeof(session->id), "%016llx",
		 (unsigned long long)~number);
}

static void check_session(const struct ls_record *record)
{
	unsigned long long number = 0;
	struct session session;
	struct ls_addr ip;

	storm_check((record->event == LS_EVENT_SESSION ||
		     record->event == LS_EVENT_SESSION_END) &&
			    sscanf(record->subject.user, "%16llx", &number) ==
				    1,
		    "session record %llu: user %s",
		    (unsigned long long)record->number, record->subject.user);
	session_of(number, &session);
	ip = world_addr(session.ip);
	storm_check(strcmp(session.user, record->subject.user) == 0 &&
			    strcmp(session.service, record->service) == 0 &&
			    strcmp(session.id, record->detail) == 0 &&
			    ls_addr_equal(&ip, &record->subject.net.addr),
		    "session record %llu is mixed: %s, %s, %s",
		    (unsigned long long)record->number, record->subject.user,
		    record->service, record->detail);
}

static void check_login(const struct ls_record *record)
{
	const uint8_t *ip = record->subject.net.addr.octet;
	unsigned account = 0;
	struct story story;
	struct ls_addr addr;

	storm_check(sscanf(record->subject.user, "user%u", &account) == 1,
		    "login record %llu: user %s",
		    (unsigned long long)record->number, record->subject.user);
	story_of(account, ip[13], &story);
	addr = world_addr(story.ip);
	storm_check(strcmp(story.user, record->subject.user) == 0 &&
			    strcmp(story.service, record->service) == 0 &&
			    strcmp(story.mech, record->mech) == 0 &&
			    memcmp(ip, addr.octet, sizeof(addr.octet)) == 0,
		    "login record %llu is mixed: %s, %s, %s",
		    (unsigned long long)record->number, record->subject.user,
		    record->service, record->mech);
}

static void check_record(enum ls_journal journal,
			 const struct ls_record *record)
{
	if (journal == LS_JOURNAL_SESSIONS)
		check_session(record);
	else if (record->event == LS_EVENT_LOGIN)
		check_login(record);
	else if (record->origin == LS_ORIGIN_ADMIN)
		storm_check(strcmp(record->detail, record->subject.user) == 0,
			    "lock record %llu is mixed: %s, %s",
			    (unsigned long long)record->number,
			    record->subject.user, record->detail);
}

/* The oldest record that is left: the next one is written over it just now. */
static void read_at_the_edge(struct ls_state *state, enum ls_journal journal)
{
	for (unsigned i = 0; i < 64; i++) {
		uint64_t head = ls_journal_head(state, journal);
		struct ls_cursor cursor = {
			.next = head > RECORDS ? head - RECORDS : 0
		};
		struct ls_record record;

		if (ls_journal_next(state, journal, &cursor,
				    atomic_load(&kill_shared->now_ms),
				    &record) == 1)
			check_record(journal, &record);
	}
}

void read_to_the_end(unsigned who)
{
	static const enum ls_journal journals[] = { LS_JOURNAL_GUARD,
						    LS_JOURNAL_SESSIONS };
	struct ls_cursor cursor[2] = { { .next = 0 } };
	struct ls_state *state;
	struct ls_error error;
	bool behind = true;
	uint64_t late = 0;

	(void)who;
	if (world_join(&storm_world, LS_GUARD_READ | LS_SESSIONS_READ, &state,
		       &error) < 0)
		storm_fail("%s", error.text);
	while (behind) {
		bool stop = atomic_load(&kill_shared->stop);

		/* With nobody left to write, what is not there is lost. */
		late += stop ? 2000 : 0;
		behind = !stop;
		for (unsigned i = 0; i < COUNT(journals); i++) {
			uint64_t now_ms = late +
					  atomic_load(&kill_shared->now_ms);
			struct ls_record record;

			while (ls_journal_next(state, journals[i], &cursor[i],
					       now_ms, &record) == 1) {
				check_record(journals[i], &record);
				atomic_fetch_add(&kill_shared->read[i], 1);
			}
			atomic_store(&kill_shared->lost[i], cursor[i].lost);
			read_at_the_edge(state, journals[i]);
			/* The very last one is waited for for ever: nobody
			 * wrote after it. */
			if (cursor[i].next + 1 <
			    ls_journal_head(state, journals[i]))
				behind = true;
		}
		storm_check(late < 10000000, "a reader is stuck at %llu, %llu",
			    (unsigned long long)cursor[0].next,
			    (unsigned long long)cursor[1].next);
	}
}

void check_reader(uint64_t *read_r, uint64_t *lost_r)
{
	*read_r = *lost_r = 0;
	for (unsigned i = 0; i < 2; i++) {
		enum ls_journal journal = i == 0 ? LS_JOURNAL_GUARD
						 : LS_JOURNAL_SESSIONS;
		uint64_t head = ls_journal_head(storm_world.state, journal);
		uint64_t read = atomic_load(&kill_shared->read[i]);
		uint64_t lost = atomic_load(&kill_shared->lost[i]);

		storm_check(read + lost == head || read + lost + 1 == head,
			    "journal %u: %llu read and %llu lost of %llu", i,
			    (unsigned long long)read, (unsigned long long)lost,
			    (unsigned long long)head);
		*read_r += read;
		*lost_r += lost;
	}
	storm_check(*read_r > 0, "the reader has read nothing");
}
