/* request.h - a Postfix policy delegation request, parsed as it arrives
 *
 * Protocol (Postfix SMTPD_POLICY_README): a request is lines `name=value`, in
 * any order, each ended by a newline, and an empty line after the last. Names
 * and values have no quoting. Requests follow each other on one connection;
 * each gets one answer, in their order.
 *
 * Limits: memory is sizeof(struct request), whatever is sent.
 *  - attributes that struct request does not name are skipped;
 *  - a value longer than its room here, an attribute given twice, a line
 *    without "=", a NUL byte, a number that is none or a request other than
 *    smtpd_access_policy is a fault: the request is read to its end, and is
 *    then to be answered as one that was not understood;
 *  - a request longer than REQUEST_BYTES_MAX is to be answered at once, and
 *    what is left of it, up to its empty line, is thrown away;
 *  - a carriage return before a newline is dropped.
 * Postfix cuts SMTP commands at line_length_limit (2048 bytes) and replaces
 * control characters, so none of this happens with a Postfix that is well.
 *
 * The parser does no I/O, allocates nothing and never fails. */
#ifndef LOCKSTEP_POLICY_REQUEST_H
#define LOCKSTEP_POLICY_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	REQUEST_BYTES_MAX = 65536,
	REQUEST_NAME_MAX = 15, /* bytes of the longest name that is looked at */
	REQUEST_SHOWN = 24,    /* bytes of what is at fault, for a log line */
};

enum request_stage { /* protocol_state */
	REQUEST_STAGE_OTHER, /* EHLO, HELO, VRFY, ETRN, or not given */
	REQUEST_STAGE_CONNECT, /* also XCLIENT: a proxy named the client */
	REQUEST_STAGE_MAIL,
	REQUEST_STAGE_RCPT,
	REQUEST_STAGE_DATA,
	REQUEST_STAGE_END_OF_MESSAGE,
};

enum request_fault {
	REQUEST_FAULT_NONE,
	REQUEST_FAULT_NUL,       /* a NUL byte */
	REQUEST_FAULT_NO_EQUALS, /* a line that is no attribute */
	REQUEST_FAULT_LONG,      /* a value longer than its room */
	REQUEST_FAULT_TWICE,     /* an attribute given twice */
	REQUEST_FAULT_NUMBER,    /* size or recipient_count is none */
	REQUEST_FAULT_KIND,      /* not request=smtpd_access_policy */
	REQUEST_FAULT_TOO_MUCH,  /* more than REQUEST_BYTES_MAX */
};

/* One request. Texts are NUL-terminated and hold what the client of the policy
 * service sent, which may be anything but NUL and newline; an attribute that
 * was not sent is "" or 0. To be used only when `fault` is NONE. */
struct request {
	enum request_fault fault; /* the first one, or TOO_MUCH */
	enum request_stage stage;
	uint16_t server_port;     /* 0: not known (Postfix before 3.2) */
	uint64_t recipient_count;
	uint64_t size;

	char client_address[64];
	char client_port[16]; /* "": not known (Postfix before 3.0) */
	char policy_context[64];
	char queue_id[64];
	char instance[96];
	char sasl_username[2560];
	char sender[2560];
	char recipient[2560];

	/* The parser's own. */
	char kind_text[32];
	char stage_text[24];
	char port_text[24];
	char count_text[24];
	char size_text[24];
	char name[REQUEST_NAME_MAX + 2]; /* of the line being read */
	char shown[REQUEST_SHOWN + 1];   /* the attribute, or line, at fault */
	size_t bytes;       /* of this request so far, without newlines */
	size_t line_bytes;  /* of this line so far */
	size_t value_bytes; /* of this value so far */
	int attribute;      /* whose value is being read; see request.c */
	unsigned seen;      /* attributes that had their line; a bit each */
	bool pending_cr;    /* a CR that may belong to the newline */
	bool answered;      /* too much: throw away up to the empty line */
};

/* Make a parser ready for the first byte of a connection. */
void request_init(struct request *request);

/* Take bytes as they come from the connection, up to the end of one request.
 *   data, size   any number of bytes, cut anywhere
 *   ready_r      true: *request is to be answered now; then call request_next()
 * Returns how many bytes were taken: all of them unless *ready_r. */
size_t request_feed(struct request *request, const char *data, size_t size,
		    bool *ready_r);

/* Go on to the next request after one was ready. */
void request_next(struct request *request);

/* What is wrong with a request, for a log line: printable, below `size` bytes
 * (96 is enough). */
void request_explain(const struct request *request, char *text, size_t size);

/* Copy text for a log line: what is not printable ASCII, and the quotation
 * mark, become "?"; cut to fit `size` bytes with the NUL. */
void request_printable(const char *text, char *printable_r, size_t size);

#endif
