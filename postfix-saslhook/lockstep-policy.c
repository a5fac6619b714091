/* lockstep-policy.c - Postfix's policy delegation filter
 *
 * Protocol: reads policy delegation requests on standard input and answers each
 * on standard output (request.h, verdict.h), for one client: Postfix's spawn(8)
 * starts one process for each smtpd's connection, as does a systemd socket with
 * Accept=yes. It ends with status 0 when the client hangs up, or is killed, in the
 * middle of a message too: by spawn(8) of Postfix 3.10 and later at its time limit,
 * when the client likes. Another process then goes on without what this one has
 * noted, and assumes the worst of it (decide.c).
 *
 * Limits: one request in memory (request.h) and one buffer each way. Any error
 * of ours is answered DUNNO at once, because smtpd waits with a client on the
 * line: state that cannot be opened, a request not understood, an address that
 * is none, even a command line with a mistake. Nothing is ever waited for but
 * the client itself.
 *
 * What is asked at which stage: decide.h. */
#include "lockstep-config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "decide.h"

struct filter {
	const char *policy_path;
	char mistake[128]; /* the first one on the command line, or "" */

	struct decider decider;
	struct request request;
	size_t pending; /* bytes of `answers` not written yet */
	char answers[16384];
};

/* Wait until a descriptor that was left non-blocking is ready. */
static void wait_for(int fd, short events)
{
	struct pollfd pollfd = { .fd = fd, .events = events };

	(void)poll(&pollfd, 1, -1);
}

/* Write all answers. Returns 0, 1 when the client is gone, or -1. */
static int flush(struct filter *filter)
{
	size_t done = 0;

	while (done < filter->pending) {
		ssize_t written = write(STDOUT_FILENO, filter->answers + done,
					filter->pending - done);
		if (written >= 0) {
			done += (size_t)written;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			wait_for(STDOUT_FILENO, POLLOUT);
		} else if (errno == EPIPE || errno == ECONNRESET) {
			return 1;
		} else if (errno != EINTR) {
			log_line(LOG_ERR, "cannot write an answer: %s",
				 strerror(errno));
			return -1;
		}
	}
	filter->pending = 0;
	return 0;
}

/* Answer the request that is ready. Returns as flush(). */
static int answer_request(struct filter *filter)
{
	struct ls_decision decision = { 0 };
	bool decided = filter->mistake[0] == '\0' &&
		       decide(&filter->decider, &filter->request, &decision);
	int result = 0;

	if (sizeof(filter->answers) - filter->pending < POLICY_ANSWER_MAX)
		result = flush(filter);
	if (result == 0)
		filter->pending += policy_answer(filter->request.stage,
						 decided ? &decision : NULL,
						 filter->answers +
							 filter->pending);
	return result;
}

/* Take bytes from the client and answer what they complete. Returns as
 * flush(). */
static int take_input(struct filter *filter, const char *data, size_t size)
{
	while (size > 0) {
		bool ready;
		size_t taken = request_feed(&filter->request, data, size,
					    &ready);
		data += taken;
		size -= taken;
		if (!ready)
			break;
		int result = answer_request(filter);
		if (result != 0)
			return result;
		request_next(&filter->request);
	}
	return flush(filter);
}

/* Until the client hangs up. Returns the exit status. */
static int serve(struct filter *filter)
{
	char data[16384];

	request_init(&filter->request);
	for (;;) {
		ssize_t size = read(STDIN_FILENO, data, sizeof(data));
		if (size == 0)
			return 0;
		if (size > 0) {
			int result = take_input(filter, data, (size_t)size);
			if (result != 0)
				return result > 0 ? 0 : 1;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			wait_for(STDIN_FILENO, POLLIN);
		} else if (errno == ECONNRESET) {
			return 0;
		} else if (errno != EINTR) {
			log_line(LOG_ERR, "cannot read requests: %s",
				 strerror(errno));
			return 1;
		}
	}
}

/* When the smtpd that asks began; 0: that cannot be told. */
static uint64_t client_began_ms(void)
{
	struct ucred client = { 0, 0, 0 };
	socklen_t size = sizeof(client);

	if (getsockopt(STDIN_FILENO, SOL_SOCKET, SO_PEERCRED, &client, &size) <
	    0)
		return 0;
	return ls_process_began_ms(client.pid);
}

static const char usage[] =
	"usage: lockstep-policy [-o] [-l syslog|stderr|/FILE] [-p POLICY]\n"
	"                       [-r auto|submission|mx]\n"
	"       lockstep-policy -h | -V\n"
	"Answers Postfix's policy requests on standard input and output:\n"
	"see lockstep-policy(8).\n";

/* Remember a mistake, to be logged once it is known where to. */
static void mistake(struct filter *filter, const char *what, const char *word)
{
	char shown[64];

	if (filter->mistake[0] != '\0')
		return;
	request_printable(word, shown, sizeof(shown));
	snprintf(filter->mistake, sizeof(filter->mistake), "%s \"%s\"", what,
		 shown);
}

static void parse_option(struct filter *filter, int option, bool have_stderr)
{
	char letter[2] = { (char)optopt, '\0' };

	switch (option) {
	case 'l':
		if (strcmp(optarg, "stderr") == 0 && !have_stderr)
			log_line(LOG_WARNING, "-l stderr: standard error is "
				 "closed or the client's connection; logging "
				 "to syslog");
		else if (!log_target(optarg))
			mistake(filter, "option -l with", optarg);
		break;
	case 'o':
		filter->decider.refuse_on_mx = true;
		break;
	case 'p':
		filter->policy_path = optarg;
		break;
	case 'r':
		if (!policy_role_parse(optarg, &filter->decider.role))
			mistake(filter, "option -r with", optarg);
		break;
	case ':':
		mistake(filter, "no value for option", letter);
		break;
	default:
		mistake(filter, "no such option", letter);
		break;
	}
}

static void parse_options(struct filter *filter, int argc, char **argv,
			  bool have_stderr)
{
	int option;

	opterr = 0; /* standard error may not be ours */
	while ((option = getopt(argc, argv, ":l:op:r:")) != -1)
		parse_option(filter, option, have_stderr);
	if (optind < argc)
		mistake(filter, "no use for argument", argv[optind]);
}

/* Returns whether the command line asked only for words about the program. */
static bool introduce(int argc, char **argv)
{
	if (argc != 2)
		return false;
	if (strcmp(argv[1], "-V") == 0)
		printf("lockstep-policy %s\n", PACKAGE_VERSION);
	else if (strcmp(argv[1], "-h") == 0)
		fputs(usage, stdout);
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	static struct filter filter;

	/* Before anything is opened: a number that is free here would go to a
	 * log or a map, and be read from as if it were the client. */
	if (fcntl(STDIN_FILENO, F_GETFD) < 0 ||
	    fcntl(STDOUT_FILENO, F_GETFD) < 0) {
		log_line(LOG_ERR, "standard input or output is not open: "
			 "to be run by spawn(8) or an Accept=yes socket");
		return 1;
	}
	bool have_stderr = log_protect_stderr();
	if (introduce(argc, argv))
		return 0;
	signal(SIGPIPE, SIG_IGN);
	parse_options(&filter, argc, argv, have_stderr);
	filter.decider.asked_ms = client_began_ms();
	if (filter.mistake[0] == '\0') {
		guard_init(&filter.decider.guard, filter.policy_path, guard_now_ms());
	} else if (have_stderr && isatty(STDIN_FILENO)) {
		fprintf(stderr, "lockstep-policy: %s\n%s", filter.mistake,
			usage);
		return 64; /* EX_USAGE */
	} else {
		/* Postfix gets its answers nevertheless: a service that ends
		 * at once slows mail, or stops it. */
		log_line(LOG_ERR, "command line: %s; answering DUNNO to "
			 "everything", filter.mistake);
	}
	int status = serve(&filter);
	guard_deinit(&filter.decider.guard);
	return status;
}
