/* messages.h - what accounts send, decided; part of lockstep.h
 *
 * For Postfix's policy service, which asks at each recipient and at the end of each
 * message (sending.c, gather.c). */
#ifndef LS_MESSAGES_H
#define LS_MESSAGES_H

#include "lockstep.h"

enum { LS_GATHERED_MAX = 1024, LS_DOMAINS_MAX = 127 };

/* The recipients of the message in progress, for the caller to keep from its
 * first RCPT to its end; all zero at first. Holds nothing that must be freed.
 * Those beyond LS_GATHERED_MAX are counted as if they were known. */
struct ls_gathered {
	uint64_t instance; /* which message: hashed */
	uint64_t set;      /* all recipients in one hash, whatever their order */
	uint64_t book;     /* which file of contacts; 0: none */
	uint64_t asked;    /* how often one was noted, also a second time or
			    * beyond those that there is room for */
	uint64_t last;     /* noted last: one that is asked about twice is one */
	unsigned count;
	uint64_t recipient[LS_GATHERED_MAX]; /* hashed, each once */
	uint64_t contact[LS_GATHERED_MAX];   /* as the contacts have it */
	char domains[LS_DOMAINS_MAX + 1]; /* some of theirs: "a.example b.example" */
};

/* At RCPT: note a recipient. The first of another `instance` begins anew. Needs
 * the guard, and without contacts does the rest.
 *   user       the account that logged in; NULL or "": nobody, nothing is noted
 *   recipient  as the client wrote it, without <>; case does not count */
void ls_gather(const struct ls_state *state, struct ls_gathered *gathered,
	       const char *instance, const char *user, const char *recipient);

/* From DATA on: that is the only recipient of the message, whatever was noted. */
void ls_gather_alone(const struct ls_state *state, struct ls_gathered *gathered,
		     const char *instance, const char *user,
		     const char *recipient);

/* A message. Strings live until the call returns; each may be NULL. */
struct ls_message {
	const char *instance; /* Postfix's name for this transaction */
	const char *user;     /* the account that logged in, normalized as in
			       * struct ls_attempt; NULL or "": nobody */
	const char *sender;   /* envelope; "" of a bounce */
	const char *queue_id;
	struct ls_addr ip;    /* the client's */
	uint64_t recipients;  /* accepted so far */
	uint64_t size;        /* bytes; 0: not known yet */
	uint64_t connected_ms; /* since when the client is there, as now_ms; 0:
				* that is not known */
	const struct ls_gathered *gathered; /* NULL, or of another message:
					     * its recipients are not known */
	bool partial; /* another process may have noted recipients of it, and is
		       * gone: those that are missing are taken for new */
};

/* At RCPT and DATA: may this go on? Takes nothing of what may be sent. Refuses
 * (LS_DENY) what its end could not change: a frozen account, and an address that
 * relays and has no room; that is journalled, once for a message. Soft limits of an
 * account wait for ls_send(): a message that was refused earlier would not count as
 * attempted, and nobody who goes on and on be frozen. And, here and at the end, a
 * connection that is older than the account's last freeze: who logged in on it may be
 * who was locked out since. Needs LS_GUARD_WRITE, as the next; without it the message
 * is admitted. */
void ls_send_look(struct ls_state *state, const struct ls_message *message,
		  uint64_t now_ms, struct ls_decision *decision_r);

/* At END-OF-MESSAGE: charge the message and its recipients, all or nothing; any
 * other time that this end is asked about (the same `instance`, queue id and count of
 * recipients) it gets the same answer and costs nothing. `verdict` is one of
 *   LS_ADMIT
 *   LS_DENY  by `reason` LS_REASON_MESSAGES, RECIPIENTS, NEW_RECIPIENTS or SENDERS
 *            (`kind` LS_KIND_SENDING; LS_KIND_RELAY for an address without login):
 *            try again after retry_ms; 0: when is not known, or, of recipients,
 *            never, since one message has more than the limit.
 *            By any other reason (`kind` LS_KIND_USER): the account is frozen;
 *            `reveal` as of a login
 *   LS_HOLD  (`reason` LS_REASON_SENDING): this message was one too many, the
 *            account is frozen now, and the policy wants the message kept
 * `wanted` differs when the policy, or the rule, only observes. What is refused
 * the first time, or held, is journalled, with the queue id. Never fails.
 *   real_ms  for the contacts, which outlive a reboot */
void ls_send(struct ls_state *state, const struct ls_message *message,
	     uint64_t now_ms, uint64_t real_ms, struct ls_decision *decision_r);

#endif
