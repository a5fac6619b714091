/* roundtrip - how long a policy service takes to answer, as smtpd(8) asks it
 *
 *   roundtrip SOCKET MESSAGES FIRST
 *
 * Connects to a unix socket and asks about so many messages, each with two
 * recipients and one of a hundred accounts: CONNECT, RCPT twice, DATA,
 * END-OF-MESSAGE, each when the one before is answered. Messages are numbered
 * from FIRST on: another number is another message. Prints a line of JSON with
 * the median and the 99th percentile for each stage, in microseconds. Any answer
 * but DUNNO is an error. */
#include "lockstep-config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum stage { CONNECT, RCPT, DATA, END, STAGES };
enum { RECIPIENTS = 2, ACCOUNTS = 100, MESSAGES_MAX = 10000000 };

static const struct {
	const char *state, *name;
} stages[STAGES] = {
	{ "CONNECT", "connect" },
	{ "RCPT", "rcpt" },
	{ "DATA", "data" },
	{ "END-OF-MESSAGE", "end" },
};

struct times {
	uint64_t *ns;
	size_t count;
};

__attribute__((noreturn, format(printf, 1, 2)))
static void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("roundtrip: ", stderr);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		die("%s: too long a path", path);
	memcpy(address.sun_path, path, strlen(path));
	if (fd < 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		die("%s: %s", path, strerror(errno));
	return fd;
}

/* All that Postfix 3.7 says, at the length at which it does. */
static size_t write_request(char *text, size_t room, enum stage stage,
			    uint64_t message, unsigned recipient)
{
	bool within = stage != CONNECT, whole = stage == DATA || stage == END;
	unsigned account = (unsigned)(message % ACCOUNTS);
	char sender[64] = "", to[64] = "", instance[64] = "";
	int length;

	if (within) {
		snprintf(sender, sizeof(sender), "user%u@example.test", account);
		snprintf(instance, sizeof(instance), "5a66.6b068934.%llx.0",
			 (unsigned long long)message);
	}
	if (stage == RCPT)
		snprintf(to, sizeof(to), "reader%u-%llu@one.example", recipient,
			 (unsigned long long)(message % 10000));
	length = snprintf(
		text, room,
		"request=smtpd_access_policy\nprotocol_state=%s\n"
		"protocol_name=ESMTP\nclient_address=192.0.2.%u\n"
		"client_name=client.example.test\nclient_port=42876\n"
		"reverse_client_name=client.example.test\n"
		"server_address=198.51.100.1\nserver_port=587\n"
		"helo_name=client.example.test\nsender=%s\nrecipient=%s\n"
		"recipient_count=%d\nqueue_id=%s\ninstance=%s\nsize=%d\n"
		"etrn_domain=\nstress=\nsasl_method=%s\nsasl_username=%s\n"
		"sasl_sender=\nccert_subject=\nccert_issuer=\n"
		"ccert_fingerprint=\nccert_pubkey_fingerprint=\n"
		"encryption_protocol=TLSv1.3\n"
		"encryption_cipher=TLS_AES_256_GCM_SHA384\n"
		"encryption_keysize=256\npolicy_context=submission\n\n",
		stages[stage].state, account, sender, to,
		whole ? RECIPIENTS : 0, stage == END ? "C0E2DAAACB2" : "",
		instance, stage == END ? 4321 : 0, within ? "PLAIN" : "",
		sender);
	if (length < 0 || (size_t)length >= room)
		die("a request is too long");
	return (size_t)length;
}

static void ask(int fd, enum stage stage, uint64_t message, unsigned recipient,
		struct times *times)
{
	static const char want[] = "action=DUNNO\n\n";
	char text[2048], answer[256];
	size_t size = write_request(text, sizeof(text), stage, message,
				    recipient);
	size_t got = 0;
	uint64_t began = now_ns();

	if (write(fd, text, size) != (ssize_t)size)
		die("cannot ask: %s", strerror(errno));
	do {
		ssize_t more = read(fd, answer + got, sizeof(answer) - 1 - got);

		if (more <= 0)
			die("no answer at %s", stages[stage].state);
		got += (size_t)more;
		answer[got] = '\0';
	} while (strstr(answer, "\n\n") == NULL && got < sizeof(answer) - 1);
	times->ns[times->count++] = now_ns() - began;
	if (strcmp(answer, want) != 0)
		die("at %s: %s", stages[stage].state, answer);
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double percentile_us(const struct times *times, size_t percent)
{
	return (double)times->ns[(times->count - 1) * percent / 100] / 1000;
}

static void print(struct times times[STAGES])
{
	for (unsigned i = 0; i < STAGES; i++) {
		qsort(times[i].ns, times[i].count, sizeof(*times[i].ns),
		      compare);
		printf("%s\"%s\": {\"median\": %.2f, \"p99\": %.2f}",
		       i == 0 ? "{" : ", ", stages[i].name,
		       percentile_us(&times[i], 50),
		       percentile_us(&times[i], 99));
	}
	puts("}");
}

int main(int argc, char **argv)
{
	struct times times[STAGES];
	uint64_t messages, first;
	int fd;

	if (argc != 4)
		die("usage: roundtrip SOCKET MESSAGES FIRST");
	messages = strtoull(argv[2], NULL, 10);
	first = strtoull(argv[3], NULL, 10);
	if (messages == 0 || messages > MESSAGES_MAX)
		die("1 to %d messages", MESSAGES_MAX);
	for (unsigned i = 0; i < STAGES; i++) {
		times[i].count = 0;
		times[i].ns = calloc(messages * RECIPIENTS, sizeof(uint64_t));
		if (times[i].ns == NULL)
			die("no memory");
	}
	fd = connect_to(argv[1]);
	for (uint64_t i = first; i < first + messages; i++) {
		ask(fd, CONNECT, i, 0, &times[CONNECT]);
		for (unsigned j = 0; j < RECIPIENTS; j++)
			ask(fd, RCPT, i, j, &times[RCPT]);
		ask(fd, DATA, i, 0, &times[DATA]);
		ask(fd, END, i, 0, &times[END]);
	}
	print(times);
	close(fd);
	for (unsigned i = 0; i < STAGES; i++)
		free(times[i].ns);
	return 0;
}
