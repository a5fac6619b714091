/* wired.c - see wired.h */
#include "lockstep-config.h"

#include "explain.h"
#include "host/wired.h"

#include <stdio.h>
#include <string.h>

/* An account that logged in through Postfix. */
struct account {
	char user[LS_USER_MAX + 1];
	unsigned asked;
	bool counted; /* a message of it was, ever */
};

struct accounts {
	struct account of[WIRED_REMEMBERED];
	unsigned count;
};

static struct wired_mail *find_mail(struct wired *wired, const char *service)
{
	for (unsigned i = 0; i < WIRED_MAILS; i++)
		if (strcmp(wired->mail[i].service, service) == 0)
			return &wired->mail[i];
	return NULL;
}

static void count_sessions(struct ls_state *sessions, uint64_t since_ms,
			   uint64_t now_ms, struct wired *wired)
{
	struct ls_cursor cursor = { 0 };
	struct ls_record record;
	struct wired_mail *mail;

	while (ls_journal_next(sessions, LS_JOURNAL_SESSIONS, &cursor, now_ms,
			       &record) == 1) {
		mail = find_mail(wired, record.service);
		if (mail != NULL && record.event == LS_EVENT_SESSION &&
		    (int64_t)(record.at_ms - since_ms) >= 0)
			mail->sessions++;
	}
}

static bool is_login_counted(struct ls_state *guard, const char *user,
			     uint64_t now_ms)
{
	struct ls_sending sending;

	return ls_explain_sending(guard, user, now_ms, 0, &sending) == 0 &&
	       sending.found;
}

/* The account, if it is one of those remembered. */
static struct account *find_account(struct accounts *accounts,
				    struct ls_state *guard, const char *user,
				    uint64_t now_ms)
{
	struct account *account;

	for (unsigned i = 0; i < accounts->count; i++)
		if (strcmp(accounts->of[i].user, user) == 0)
			return &accounts->of[i];
	if (accounts->count == WIRED_REMEMBERED)
		return NULL;
	account = &accounts->of[accounts->count++];
	snprintf(account->user, sizeof(account->user), "%s", user);
	account->asked = 0;
	account->counted = is_login_counted(guard, user, now_ms);
	return account;
}

static void count_by_postfix(struct ls_state *guard,
			     const struct ls_record *record, uint64_t now_ms,
			     struct accounts *accounts,
			     struct wired_postfix *postfix)
{
	struct account *account =
		find_account(accounts, guard, record->subject.user, now_ms);

	if (!(record->marks & LS_MARK_UNASKED)) {
		if (account != NULL)
			account->asked++;
	} else if (!(account != NULL
			     ? account->counted
			     : is_login_counted(guard, record->subject.user,
						now_ms))) {
		postfix->unasked++;
		postfix->last = record->subject;
	}
}

static void count_silent(const struct accounts *accounts,
			 struct wired_postfix *postfix)
{
	postfix->accounts = accounts->count;
	for (unsigned i = 0; i < accounts->count; i++) {
		const struct account *account = &accounts->of[i];

		if (account->counted || account->asked < WIRED_LOGINS)
			continue;
		postfix->silent++;
		memcpy(postfix->silent_user, account->user,
		       sizeof(account->user));
	}
}

void wired_gather(struct ls_state *guard, struct ls_state *sessions,
		  uint64_t since_ms, uint64_t mail_since_ms, uint64_t now_ms,
		  struct wired *wired_r)
{
	static const char *const services[WIRED_MAILS] = { "imap", "pop3",
							   "sieve",
							   "submission" };
	static struct accounts accounts;
	struct ls_cursor cursor = { 0 };
	struct ls_record record;
	struct wired_mail *mail;

	memset(wired_r, 0, sizeof(*wired_r));
	accounts.count = 0;
	for (unsigned i = 0; i < WIRED_MAILS; i++)
		wired_r->mail[i].service = services[i];
	if (sessions != NULL)
		count_sessions(sessions, since_ms, now_ms, wired_r);
	while (ls_journal_next(guard, LS_JOURNAL_GUARD, &cursor, now_ms,
			       &record) == 1) {
		if (record.event != LS_EVENT_LOGIN ||
		    record.outcome != LS_OUTCOME_SUCCESS ||
		    (int64_t)(record.at_ms - since_ms) < 0 ||
		    (int64_t)(record.at_ms + WIRED_PATIENCE_MS - now_ms) > 0)
			continue;
		mail = find_mail(wired_r, record.service);
		if (mail != NULL && record.marks == 0 &&
		    (int64_t)(record.at_ms - mail_since_ms) >= 0)
			mail->logins++;
		/* Postfix may call itself submission. */
		if (record.marks & LS_MARK_FOREIGN &&
		    (strcmp(record.service, "smtp") == 0 ||
		     strcmp(record.service, "submission") == 0))
			count_by_postfix(guard, &record, now_ms, &accounts,
					 &wired_r->postfix);
	}
	count_silent(&accounts, &wired_r->postfix);
}
