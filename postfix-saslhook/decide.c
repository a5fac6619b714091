/* decide.c - see decide.h */
#include "lockstep-config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "decide.h"

static void complain(struct decider *decider, enum complaint complaint,
		     uint64_t now_ms, const char *what)
{
	uint64_t unlogged;

	if (!log_allowed(&decider->limit[complaint], now_ms, &unlogged))
		return;
	if (unlogged == 0)
		log_line(LOG_WARNING, "%s", what);
	else
		log_line(LOG_WARNING, "%s (and %" PRIu64 " like it unlogged)",
			 what, unlogged);
}

static void complain_of_request(struct decider *decider,
				const struct request *request, uint64_t now_ms)
{
	char why[96], line[160];

	request_explain(request, why, sizeof(why));
	snprintf(line, sizeof(line),
		 "request not understood: %s; answered DUNNO", why);
	complain(decider, COMPLAINT_FAULT, now_ms, line);
}

/* Returns whether the address in the request could be used. */
static bool client_address(struct decider *decider,
			   const struct request *request,
			   const struct ls_state *state, uint64_t now_ms,
			   struct ls_addr *address_r)
{
	char shown[64], line[160];

	if (ls_addr_parse(request->client_address, address_r) == 0) {
		ls_addr_unwrap(ls_nat64_of(state), address_r);
		return true;
	}
	request_printable(request->client_address, shown, sizeof(shown));
	snprintf(line, sizeof(line), "client_address \"%s\" is no address",
		 shown);
	complain(decider, COMPLAINT_ADDRESS, now_ms, line);
	return false;
}

/* Note since when the client is there. Of one that connected unasked only this is
 * certain: smtpd was done with the one before it, or had at least begun. */
static void follow_connection(struct decider *decider,
			      const struct request *request, uint64_t now_ms)
{
	struct connection *connection = &decider->connection;
	bool connects = request->stage == REQUEST_STAGE_CONNECT;

	if (connects ||
	    strcmp(connection->address, request->client_address) != 0 ||
	    strcmp(connection->port, request->client_port) != 0) {
		memcpy(connection->address, request->client_address,
		       sizeof(connection->address));
		memcpy(connection->port, request->client_port,
		       sizeof(connection->port));
		connection->since_ms = connects ? now_ms : decider->asked_ms;
	}
	decider->asked_ms = now_ms;
}

/* Of the first transaction that this process is asked about, recipients may have
 * been noted by another, which was killed: by spawn(8) at its time limit, at a
 * moment that the client chooses. Of those that follow it knows all. */
static void follow_transaction(struct decider *decider,
			       const struct request *request)
{
	if (decider->whole)
		return;
	if (decider->first[0] == '\0')
		memcpy(decider->first, request->instance,
		       sizeof(decider->first));
	decider->whole = request->stage == REQUEST_STAGE_CONNECT ||
			 strcmp(decider->first, request->instance) != 0;
}

/* Returns whether a connection by this port may be refused, and its role. */
static bool may_refuse(struct decider *decider, const struct request *request,
		       uint64_t now_ms, enum policy_role *role_r)
{
	char shown[64], line[160];

	if (policy_context_unknown(request)) {
		request_printable(request->policy_context, shown,
				  sizeof(shown));
		snprintf(line, sizeof(line), "policy_context \"%s\" is neither "
			 "submission nor mx; ignored", shown);
		complain(decider, COMPLAINT_CONTEXT, now_ms, line);
	}
	*role_r = policy_role_of(request, decider->role);
	return *role_r == POLICY_ROLE_SUBMISSION || decider->refuse_on_mx;
}

static bool decide_connection(struct decider *decider,
			      const struct request *request,
			      struct ls_state *state, uint64_t now_ms,
			      struct ls_decision *decision_r)
{
	struct ls_addr address;
	enum policy_role role;

	if (!may_refuse(decider, request, now_ms, &role) ||
	    !client_address(decider, request, state, now_ms, &address))
		return false;
	ls_connect(state, role == POLICY_ROLE_MX ? "smtp" : "submission",
		   &address, now_ms, decision_r);
	return true;
}

/* A second message that ends, and never a RCPT: it is in no list. After a first one
 * it may be that another process was asked, and killed since. */
static void look_for_rcpt(struct decider *decider,
			  const struct request *request, uint64_t now_ms)
{
	if (request->stage == REQUEST_STAGE_RCPT)
		decider->rcpt_seen = true;
	if (request->stage != REQUEST_STAGE_END_OF_MESSAGE ||
	    request->sasl_username[0] == '\0' || decider->rcpt_seen)
		return;
	if (decider->end_seen)
		complain(decider, COMPLAINT_RCPT, now_ms,
			 "not asked at RCPT: freeze-at and new-recipients hold "
			 "only for messages of one recipient");
	decider->end_seen = true;
}

/* Of one recipient Postfix tells the name from DATA on too: that is as good, where
 * RCPT was not asked about, or of another process that was killed; and better where
 * others were rejected after they were gathered. */
static void gather_recipient(struct decider *decider,
			     const struct request *request,
			     const struct ls_state *state, const char *user)
{
	if (request->stage == REQUEST_STAGE_RCPT)
		ls_gather(state, &decider->gathered, request->instance, user,
			  request->recipient);
	else if (request->recipient_count == 1 && request->recipient[0] != '\0')
		ls_gather_alone(state, &decider->gathered, request->instance,
				user, request->recipient);
}

static bool decide_message(struct decider *decider,
			   const struct request *request,
			   struct ls_state *state, uint64_t now_ms,
			   struct ls_decision *decision_r)
{
	char user[LS_USER_MAX + 1];
	struct ls_message message = {
		.instance = request->instance,
		.user = user,
		.sender = request->sender,
		.queue_id = request->queue_id,
		.recipients = request->recipient_count,
		.size = request->size,
		.connected_ms = decider->connection.since_ms,
		.gathered = &decider->gathered,
		.partial = !decider->whole,
	};

	/* An account is known by its name, wherever it is. */
	if (!client_address(decider, request, state, now_ms, &message.ip) &&
	    request->sasl_username[0] == '\0')
		return false;
	/* It may be no name of Dovecot's: XCLIENT LOGIN. */
	ls_name_fold(state, request->sasl_username, true, user);
	look_for_rcpt(decider, request, now_ms);
	gather_recipient(decider, request, state, user);
	if (request->stage == REQUEST_STAGE_END_OF_MESSAGE) {
		ls_send(state, &message, now_ms, guard_real_ms(), decision_r);
		return true;
	}
	ls_send_look(state, &message, now_ms, decision_r);
	return true;
}

bool decide(struct decider *decider, const struct request *request,
	    struct ls_decision *decision_r)
{
	uint64_t now_ms = guard_now_ms();
	struct ls_state *state = guard_state(&decider->guard, now_ms);

	if (request->fault != REQUEST_FAULT_NONE) {
		complain_of_request(decider, request, now_ms);
		return false;
	}
	follow_connection(decider, request, now_ms);
	follow_transaction(decider, request);
	if (state == NULL)
		return false;
	switch (request->stage) {
	case REQUEST_STAGE_CONNECT:
		return decide_connection(decider, request, state, now_ms,
					 decision_r);
	case REQUEST_STAGE_RCPT:
	case REQUEST_STAGE_DATA:
	case REQUEST_STAGE_END_OF_MESSAGE:
		return decide_message(decider, request, state, now_ms,
				      decision_r);
	default:
		return false;
	}
}
