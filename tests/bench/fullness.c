/* fullness.c - how full a file of contacts gets before accounts learn anew
 *
 *   fullness [ROOM [RECIPIENTS]]
 *
 * Accounts that write to so many recipients each [120], all new ones, spread over 400
 * days, until the file's room [2000000] is used up. A line for each part of it: words
 * given up that were recent, and how many accounts are limited in what is new to
 * them on the last day. See doc/performance.md. */
#include "lockstep-config.h"

#include "state/contacts.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { BEGIN = 19700, DAYS = 400 };

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint32_t account_of(const struct ls_contacts *contacts, unsigned number)
{
	char user[32];

	snprintf(user, sizeof(user), "user%u@example.com", number);
	return ls_contacts_account(contacts, user);
}

/* The accounts write in turn, so that each grows through all of the days. */
static void fill(const struct ls_contacts *contacts, unsigned accounts,
		 unsigned recipients)
{
	for (unsigned r = 0; r < recipients; r++)
		for (unsigned a = 0; a < accounts; a++) {
			uint32_t account = account_of(contacts, a);
			unsigned today = BEGIN + r * DAYS / recipients;
			char user[32], to[32];

			snprintf(user, sizeof(user), "user%u@example.com", a);
			snprintf(to, sizeof(to), "p%u@example.net", r);
			ls_contacts_begin(contacts, account, today);
			ls_contacts_add(contacts, account,
					ls_contacts_key(contacts, user, to),
					today);
		}
}

static int measure(int dirfd, const char *dir, uint64_t room,
		   unsigned recipients, unsigned percent)
{
	unsigned accounts = (unsigned)(room * percent / 100 / (recipients + 1));
	struct ls_error error = { 0, "" };
	struct ls_contacts contacts;
	unsigned learnt = 0;
	double began;
	uint64_t of;

	if (ls_contacts_create(dirfd, dir, room, "", "", &error) < 0 ||
	    ls_contacts_open(dirfd, dir, true, &contacts, &error) < 0) {
		fprintf(stderr, "%s\n", error.text);
		return 1;
	}
	began = seconds();
	fill(&contacts, accounts, recipients);
	began = seconds() - began;
	for (unsigned a = 0; a < accounts; a++)
		learnt += ls_contacts_are_learnt(&contacts,
						 account_of(&contacts, a),
						 BEGIN + DAYS);
	printf("%3u %%  %8" PRIu64 " words used  %8" PRIu64 " lost  "
	       "%5.1f %% of %u accounts limited  %4.0f ns a word\n",
	       percent, ls_contacts_used(&contacts, &of),
	       (uint64_t)contacts.header->lost,
	       accounts == 0 ? 100.0 : 100.0 * learnt / accounts, accounts,
	       began * 1e9 / accounts / recipients);
	ls_contacts_close(&contacts);
	unlinkat(dirfd, "contacts", 0);
	return 0;
}

int main(int argc, char **argv)
{
	static const unsigned percents[] = { 50, 60, 66, 74, 80, 85,
					     90, 95, 97, 98, 99, 100 };
	uint64_t room = argc > 1 ? strtoull(argv[1], NULL, 10) : 2000000;
	unsigned recipients =
		argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 120;
	char dir[] = "/tmp/fullness.XXXXXX";
	int dirfd, ret = 0;

	if (recipients < 1 || sodium_init() < 0 || mkdtemp(dir) == NULL)
		return 1;
	dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; ret == 0 && i < sizeof(percents) / sizeof(*percents);
	     i++)
		ret = measure(dirfd, dir, room, recipients, percents[i]);
	close(dirfd);
	rmdir(dir);
	return ret;
}
