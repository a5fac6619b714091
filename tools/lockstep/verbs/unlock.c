/* unlock.c - lockstep unlock */
#include "lockstep-config.h"

#include "print/subject.h"
#include "orders.h"
#include "verbs/order.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { PASSWORD_MAX = 4096 };

/* ---- what was cleared ---------------------------------------------------- */

/* "cleared failures 10 of 10/10m, accounts 3 of 8/10m, 1 strike", in lines of at
 * most 80 columns. */
static int print_part(int at, const char *part)
{
	int width = (int)strlen(part);

	if (at == 0)
		return printf("  cleared %s", part);
	if (at + 2 + width > 79)
		return printf(",\n          %s", part) - 2;
	return at + printf(", %s", part);
}

static void print_cleared(const struct ls_cleared *cleared)
{
	char part[96], period[LS_DURATION_TEXT];
	int at = 0;

	for (unsigned i = 0; i < cleared->levels; i++) {
		const struct ls_level *level = &cleared->level[i];

		ls_duration_format(level->period_ms, period);
		snprintf(part, sizeof(part),
			 "%s%s %" PRIu64 " of %" PRIu64 "/%s",
			 level->attempted ? "attempted " : "",
			 ls_reason_name(level->reason), level->units,
			 level->limit, period);
		at = print_part(at, part);
	}
	if (cleared->strikes > 0) {
		snprintf(part, sizeof(part), "%u strike%s", cleared->strikes,
			 ls_plural_s(cleared->strikes));
		at = print_part(at, part);
	}
	if (at > 0)
		putchar('\n');
}

/* Does that lock keep it out, too: of the network around an address, of an
 * account's place, or its freeze? */
static bool keeps_out(const struct ls_lock *lock,
		      const struct ls_subject *subject)
{
	if (!lock->named)
		return false;
	if (subject->kind == LS_KIND_IP)
		return lock->subject.kind == LS_KIND_NET &&
		       ls_prefix_covers(&lock->subject.net,
					&subject->net.addr);
	return subject->kind >= LS_KIND_USER &&
	       (lock->freeze || (subject->kind == LS_KIND_USER &&
				 lock->subject.kind == LS_KIND_PLACE)) &&
	       strcmp(lock->subject.user, subject->user) == 0;
}

/* Whoever lets somebody in again wants to know what still keeps him out. */
static void tell_what_stays(struct ls_state *state,
			    const struct ls_subject *subject)
{
	enum { SHOWN = 8 };
	char text[SUBJECT_TEXT], word[SUBJECT_WORD], until[CLI_TIME_TEXT];
	uint64_t cursor = 0, now_ms = cli_now_ms();
	struct ls_lock lock;
	unsigned count = 0;

	while (ls_lock_next(state, &cursor, now_ms, &lock) == 1) {
		if (!keeps_out(&lock, subject) || ++count > SHOWN)
			continue;
		subject_text(&lock.subject, text);
		cli_time_format(lock.until_ms, until);
		printf("%s %s is still %s until %s: lockstep %s %s\n",
		       ls_kind_name(lock.subject.kind), text,
		       lock.freeze ? "frozen" : "locked", until,
		       lock.freeze ? "release" : "unlock",
		       subject_word(&lock.subject, word));
	}
	if (count > SHOWN)
		printf("and %u more place%s: lockstep list locks %s\n",
		       count - SHOWN, ls_plural_s(count - SHOWN),
		       subject_word(subject, word));
}

static int unlock(struct ls_state *state, const struct ls_subject *subject,
		  const struct order *order)
{
	struct ls_cleared cleared;
	char text[SUBJECT_TEXT];
	int ret;

	subject_text(subject, text);
	ret = ls_clear(state, subject, order->by, cli_now_ms(), &cleared);
	if (ret < 0) {
		cli_complain("%s: %s", text, cli_refusal(ret));
		return CLI_FAILED;
	}
	printf("%s %s %s\n", ls_kind_name(subject->kind), text,
	       cleared.locked ? "is unlocked" : "was not locked");
	print_cleared(&cleared);
	tell_what_stays(state, subject);
	return ret == 0 ? CLI_FAILED : CLI_DONE;
}

/* ---- all of them ----------------------------------------------------------- */

static unsigned count_locks(struct ls_state *state)
{
	uint64_t cursor = 0, now_ms = cli_now_ms();
	struct ls_lock lock;
	unsigned count = 0;

	while (ls_lock_next(state, &cursor, now_ms, &lock) == 1)
		count += !lock.freeze;
	return count;
}

static int unlock_all(struct ls_state *state, const struct order *order)
{
	unsigned count = count_locks(state);
	char answer[8] = "";
	int ret;

	if (count == 0) {
		puts("nothing is locked");
		return CLI_FAILED;
	}
	if (!order->yes) {
		if (!isatty(STDIN_FILENO)) {
			cli_complain("unlock --all asks on a terminal; without "
				     "one it wants --yes");
			return CLI_USAGE;
		}
		printf("End all locks, those of guessers too (%u)? [y/N] ",
		       count);
		fflush(stdout);
		if (fgets(answer, sizeof(answer), stdin) == NULL ||
		    (answer[0] != 'y' && answer[0] != 'Y')) {
			puts("nothing is unlocked");
			return CLI_FAILED;
		}
	}
	ret = ls_clear_all(state, order->by, cli_now_ms());
	if (ret < 0) {
		cli_complain("%s", cli_refusal(ret));
		return CLI_FAILED;
	}
	printf("%d lock%s ended; freezes stay\n", ret,
	       ls_plural_s((uint64_t)ret));
	return CLI_DONE;
}

/* ---- a wrong password ------------------------------------------------------ */

static struct termios shown; /* the terminal, as it was */

/* Interrupted, it must not be left without an echo. */
static void show_again(int number)
{
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
	raise(number); /* SA_RESETHAND: ends the program */
}

/* Before anything asks for it: what was typed earlier would be shown, and lost. */
static void hide(void)
{
	static const int numbers[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = show_again,
				    .sa_flags = (int)SA_RESETHAND };
	struct termios hidden = shown;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		sigaction(numbers[i], &action, NULL);
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
}

/* One line of standard input, which a terminal does not show. Returns false when
 * there is none, or no end of it. */
static bool read_password(char password[PASSWORD_MAX])
{
	bool terminal = tcgetattr(STDIN_FILENO, &shown) == 0;
	size_t len = 0;
	char c;

	if (terminal) {
		hide();
		fputs("The wrong password: ", stderr);
	}
	/* Not by stdio, which would keep a copy. */
	while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n' && c != '\0' &&
	       len < PASSWORD_MAX)
		password[len++] = c;
	if (terminal) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
		fputc('\n', stderr);
	}
	if (len == 0 || len == PASSWORD_MAX)
		return false;
	password[len] = '\0';
	return true;
}

static int unlock_guess(struct ls_state *state, const struct order *order)
{
	char password[PASSWORD_MAX];
	struct ls_cleared cleared;
	struct ls_error error = { 0, "" };
	int ret;

	/* Before it is typed for nothing. */
	if (geteuid() != 0) {
		cli_complain("only root can read the secret by which wrong "
			     "passwords are known");
		return CLI_FAILED;
	}
	if (!read_password(password)) {
		cli_complain("unlock --guess reads a password of 1 to %d bytes "
			     "on standard input",
			     PASSWORD_MAX - 1);
		explicit_bzero(password, sizeof(password));
		return CLI_USAGE;
	}
	ret = ls_clear_guess(state, password, order->by, cli_now_ms(), &cleared,
			     &error);
	explicit_bzero(password, sizeof(password));
	if (ret < 0) {
		cli_complain("%s", error.text);
		return CLI_FAILED;
	}
	puts(ret == 0 ? "that password was not locked"
		      : "that password may be tried again");
	print_cleared(&cleared);
	return ret == 0 ? CLI_FAILED : CLI_DONE;
}

/* ---- the command line ------------------------------------------------------- */

static int run_unlock(const struct cli *cli, int argc, char **argv)
{
	struct order order = { .all = false };
	struct ls_state *state;
	int code;

	if (!order_parse(&verb_unlock, "agyr", argc, argv, &order, &code))
		return code;
	if (order.all + order.guess + (order.words > 0) != 1 ||
	    (order.yes && !order.all))
		return cli_misused(&verb_unlock);
	if (order.words > 0)
		return order_run(cli, &order, ORDER_ANY, unlock);
	state = cli_open_guard(cli);
	if (state == NULL)
		return CLI_FAILED;
	code = order.all ? unlock_all(state, &order)
			 : unlock_guess(state, &order);
	ls_close(&state);
	return code;
}

const struct verb verb_unlock = {
	.name = "unlock",
	.run = run_unlock,
	.summary = "end locks, and forget what led to them",
	.usage = "usage: lockstep unlock [--reason TEXT] SUBJECT...\n"
		 "       lockstep unlock [--reason TEXT] --all [--yes]\n"
		 "       lockstep unlock [--reason TEXT] --guess\n"
		 "\n"
		 "End the lock of each SUBJECT, written as lockstep list has "
		 "it, empty its meters\n"
		 "and take back its strikes; say what there was, and what "
		 "stays: the lock of the\n"
		 "network around an address, those of an account's places, "
		 "and its freeze, which\n"
		 "lockstep release ends. Exit code 1 when there was nothing "
		 "of one of them to end.\n"
		 "\n"
		 "  -a, --all          every lock there is; asks first\n"
		 "  -y, --yes          do not ask\n"
		 "  -g, --guess        a password that is locked because it "
		 "was tried on many\n"
		 "                     accounts, and is somebody's after all: "
		 "it is read from\n"
		 "                     standard input. For root alone\n"
		 "  -r, --reason TEXT  for the journal\n",
};
