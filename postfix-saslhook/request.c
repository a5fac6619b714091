/* request.c - a Postfix policy delegation request, parsed as it arrives */
#include "lockstep-config.h"

#include <stdio.h>
#include <string.h>

#include "request.h"

/* The attributes that are kept, and where. */
static const struct attribute {
	const char *name;
	size_t offset, room;
} attributes[] = {
#define KEPT(name, member)                                                     \
	{ name, offsetof(struct request, member),                              \
	  sizeof(((struct request *)0)->member) }
	KEPT("request", kind_text),
	KEPT("protocol_state", stage_text),
	KEPT("client_address", client_address),
	KEPT("client_port", client_port),
	KEPT("server_port", port_text),
	KEPT("policy_context", policy_context),
	KEPT("queue_id", queue_id),
	KEPT("instance", instance),
	KEPT("sasl_username", sasl_username),
	KEPT("sender", sender),
	KEPT("recipient", recipient),
	KEPT("recipient_count", count_text),
	KEPT("size", size_text),
#undef KEPT
};

enum {
	ATTRIBUTES = sizeof(attributes) / sizeof(attributes[0]),
	IN_NAME = -1,    /* request->attribute while a name is read */
	IN_UNKNOWN = -2, /* ... while an unknown attribute's value is skipped */
};

_Static_assert(ATTRIBUTES <= sizeof(unsigned) * 8,
	       "request->seen has a bit for each");
_Static_assert(sizeof("recipient_count") - 1 == REQUEST_NAME_MAX,
	       "the longest name");

static char *attribute_value(struct request *request, int attribute)
{
	return (char *)request + attributes[attribute].offset;
}

/* Remember the first fault, and what shows a reader where it is. */
static void fault(struct request *request, enum request_fault what,
		  const char *where)
{
	if (request->fault != REQUEST_FAULT_NONE)
		return;
	request->fault = what;
	request_printable(where, request->shown, sizeof(request->shown));
}

static void begin_line(struct request *request)
{
	request->line_bytes = 0;
	request->value_bytes = 0;
	request->name[0] = '\0';
	request->attribute = IN_NAME;
	request->pending_cr = false;
}

static void begin_request(struct request *request)
{
	for (int i = 0; i < ATTRIBUTES; i++)
		attribute_value(request, i)[0] = '\0';
	request->fault = REQUEST_FAULT_NONE;
	request->stage = REQUEST_STAGE_OTHER;
	request->server_port = 0;
	request->recipient_count = 0;
	request->size = 0;
	request->shown[0] = '\0';
	request->bytes = 0;
	request->seen = 0;
	request->answered = false;
	begin_line(request);
}

void request_init(struct request *request)
{
	memset(request, 0, sizeof(*request));
	begin_request(request);
}

void request_next(struct request *request)
{
	if (request->fault != REQUEST_FAULT_TOO_MUCH) {
		begin_request(request);
		return;
	}
	/* The answer went out ahead of the request's end. */
	request->answered = true;
}

/* The "=" was read: find whose value follows. */
static void begin_value(struct request *request)
{
	int i;

	for (i = 0; i < ATTRIBUTES; i++) {
		if (strcmp(request->name, attributes[i].name) == 0)
			break;
	}
	if (i == ATTRIBUTES) {
		request->attribute = IN_UNKNOWN;
	} else if ((request->seen & 1u << i) != 0) {
		fault(request, REQUEST_FAULT_TWICE, request->name);
		request->attribute = IN_UNKNOWN;
	} else {
		request->seen |= 1u << i;
		request->attribute = i;
	}
}

/* A byte of a line, not its newline. */
static void take_byte(struct request *request, char byte)
{
	size_t position = request->line_bytes++;

	if (byte == '\0')
		fault(request, REQUEST_FAULT_NUL, request->name);
	if (request->attribute == IN_UNKNOWN)
		return;
	if (request->attribute == IN_NAME) {
		if (byte == '=') {
			begin_value(request);
		} else if (position < sizeof(request->name) - 1) {
			/* One byte more than any name we know: a longer name
			 * cannot be mistaken for one that it begins with. */
			request->name[position] = byte;
			request->name[position + 1] = '\0';
		}
		return;
	}
	if (request->value_bytes + 1 >= attributes[request->attribute].room) {
		fault(request, REQUEST_FAULT_LONG, request->name);
		return;
	}
	char *value = attribute_value(request, request->attribute);
	value[request->value_bytes++] = byte;
	value[request->value_bytes] = '\0';
}

/* Decimal digits and nothing else; "" is 0. */
static bool number(const char *text, uint64_t *number_r)
{
	uint64_t value = 0;

	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		uint64_t digit = (uint64_t)(*text - '0');
		if (value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*number_r = value;
	return true;
}

static enum request_stage stage_of(const char *protocol_state)
{
	static const struct {
		const char *name;
		enum request_stage stage;
	} stages[] = {
		{ "CONNECT", REQUEST_STAGE_CONNECT },
		{ "XCLIENT", REQUEST_STAGE_CONNECT },
		{ "MAIL", REQUEST_STAGE_MAIL },
		{ "RCPT", REQUEST_STAGE_RCPT },
		{ "DATA", REQUEST_STAGE_DATA },
		{ "END-OF-MESSAGE", REQUEST_STAGE_END_OF_MESSAGE },
	};

	for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
		if (strcmp(protocol_state, stages[i].name) == 0)
			return stages[i].stage;
	}
	return REQUEST_STAGE_OTHER;
}

/* The empty line was read. */
static void finish_request(struct request *request)
{
	uint64_t port;

	if (strcmp(request->kind_text, "smtpd_access_policy") != 0)
		fault(request, REQUEST_FAULT_KIND, request->kind_text);
	if (!number(request->count_text, &request->recipient_count))
		fault(request, REQUEST_FAULT_NUMBER, "recipient_count");
	if (!number(request->size_text, &request->size))
		fault(request, REQUEST_FAULT_NUMBER, "size");
	/* Postfix writes "unknown" where it has no port to tell. */
	if (number(request->port_text, &port) && port <= UINT16_MAX)
		request->server_port = (uint16_t)port;
	request->stage = stage_of(request->stage_text);
}

/* Returns true when the request is to be answered now. */
static bool take_newline(struct request *request)
{
	if (request->line_bytes == 0) {
		if (!request->answered) {
			finish_request(request);
			return true;
		}
		begin_request(request);
		return false;
	}
	if (request->attribute == IN_NAME)
		fault(request, REQUEST_FAULT_NO_EQUALS, request->name);
	begin_line(request);
	return false;
}

/* Returns true when the request is to be answered now. */
static bool take_attribute(struct request *request, char byte)
{
	if (byte == '\n')
		return take_newline(request);
	if (request->pending_cr) {
		request->pending_cr = false;
		take_byte(request, '\r');
	}
	if (byte == '\r')
		request->pending_cr = true;
	else
		take_byte(request, byte);
	if (request->answered || ++request->bytes <= REQUEST_BYTES_MAX)
		return false;
	/* Whatever was wrong before, this is what ends it. */
	request->fault = REQUEST_FAULT_NONE;
	fault(request, REQUEST_FAULT_TOO_MUCH, request->name);
	return true;
}

size_t request_feed(struct request *request, const char *data, size_t size,
		    bool *ready_r)
{
	*ready_r = false;
	for (size_t i = 0; i < size; i++) {
		if (take_attribute(request, data[i])) {
			*ready_r = true;
			return i + 1;
		}
	}
	return size;
}

void request_printable(const char *text, char *printable_r, size_t size)
{
	size_t i;

	if (size == 0)
		return;
	for (i = 0; i + 1 < size && text[i] != '\0'; i++) {
		bool plain = text[i] >= ' ' && text[i] <= '~' && text[i] != '"';
		printable_r[i] = plain ? text[i] : '?';
	}
	printable_r[i] = '\0';
}

void request_explain(const struct request *request, char *text, size_t size)
{
	const char *shown = request->shown;

	switch (request->fault) {
	case REQUEST_FAULT_NUL:
		snprintf(text, size, "a NUL byte in line \"%s\"", shown);
		break;
	case REQUEST_FAULT_NO_EQUALS:
		snprintf(text, size, "line \"%s\" has no \"=\"", shown);
		break;
	case REQUEST_FAULT_LONG:
		snprintf(text, size, "attribute %s is too long", shown);
		break;
	case REQUEST_FAULT_TWICE:
		snprintf(text, size, "attribute %s is given twice", shown);
		break;
	case REQUEST_FAULT_NUMBER:
		snprintf(text, size, "attribute %s is no number", shown);
		break;
	case REQUEST_FAULT_KIND:
		snprintf(text, size,
			 "request=\"%s\" is not smtpd_access_policy", shown);
		break;
	case REQUEST_FAULT_TOO_MUCH:
		snprintf(text, size, "longer than %d bytes, in line \"%s\"",
			 REQUEST_BYTES_MAX, shown);
		break;
	case REQUEST_FAULT_NONE:
	default:
		snprintf(text, size, "nothing");
		break;
	}
}
