/* hook.h - the webhooks of the policy, at work
 *
 * One `struct hook` for each webhook that the policy names: its configuration,
 * its secret and its URL, the events it gathers, and how its receiver fares. What must
 * outlive a new policy is kept by the webhook's name. */
#ifndef LOCKSTEPD_HOOK_H
#define LOCKSTEPD_HOOK_H

#include "outbox/digest.h"
#include "lockstep.h"
#include "webhook/secret.h"
#include "shared/log.h"

struct delivery;
struct transfer;

enum { HOOK_TOKEN_SIZE = 128 };

struct hook {
	struct hook *next;
	struct ls_webhook conf;
	char url[sizeof(((struct ls_webhook *)0)->url)]; /* may be a secret;
							  * "": not known */
	char site[320]; /* scheme://host:port: all of the URL that is logged */
	bool loopback;
	bool on; /* nothing that it needs is missing */
	struct secret secret; /* JSON: signs what is posted */
	char token[HOOK_TOKEN_SIZE]; /* ntfy: "": none */
	bool gone;            /* the receiver answered 410 */
	/* the first record that has not been seen for this webhook; below
	 * what the feed reads, except after a restart */
	uint64_t skip[EVENT_JOURNALS];
	struct digest digest;
	unsigned failures;      /* of the receiver, in a row */
	uint64_t rest_until_ms; /* and so long it is left alone */
	long answer; /* the last one: a status, or minus a CURLcode */
	struct transfer *transfer; /* under way, or NULL */
	struct log_place off_log;
	bool kept; /* still named by the policy; while loading */
};

struct hooks {
	struct hook *first;
	bool unsaved; /* a webhook is gone, or no longer */
};

/* Takes over the webhooks of the policy in force. A webhook that changed is
 * taken for a new one, but keeps what it has gathered; transfers of changed
 * and of removed ones are cancelled. Returns how many there are. */
unsigned hooks_load(struct hooks *hooks, struct ls_state *state,
		    struct delivery *delivery);

/* Reads the files of secrets and URLs again, and logs what changed for the better
 * or the worse. */
void hooks_read_files(struct hooks *hooks, struct delivery *delivery);

/* Gives those that answered 410, or rest, another chance. */
void hooks_revive(struct hooks *hooks);

void hooks_free(struct hooks *hooks, struct delivery *delivery);

struct hook *hooks_find(const struct hooks *hooks, const char *name);

/* May anything be posted there, now or later without a change? */
bool hook_ready(const struct hook *hook);

enum { HOOK_FINGERPRINT_TEXT = 33 };
/* The same for the same configuration, of this run or another. */
void hook_fingerprint(const struct hook *hook,
		      char text_r[HOOK_FINGERPRINT_TEXT]);

#endif
