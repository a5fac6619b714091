/* logread.c - see logread.h */
#include "lockstep-config.h"

#include "cli.h"
#include "journal-line.h"
#include "logclock.h"
#include "logread.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/* ---- a line ----------------------------------------------------------- */

static void not_understood(struct logread *logread, const char *line,
			   size_t len)
{
	if (logread->unknown < LOGREAD_SHOWN)
		logread->shown[logread->unknown] = strndup(line, len);
	logread->unknown++;
}

static void read_journal_line(struct logread *logread, const char *line,
			      size_t len)
{
	switch (journal_line(&logread->attempts, line, len)) {
	case 1:
		logread->told++;
		return;
	case 0:
		return;
	default:
		not_understood(logread, line, len);
	}
}

void logread_line(struct logread *logread, struct logclock *clock,
		  const char *line, size_t len)
{
	struct dovelog_record record;
	uint64_t at_ms = 0;
	size_t before;

	logread->lines++;
	if (len > 0 && line[0] == '{') {
		read_journal_line(logread, line, len);
		return;
	}
	dovelog_parse(line, len, &record);
	if (record.what == DOVELOG_OTHER)
		return;
	if (record.what != DOVELOG_UNKNOWN)
		at_ms = logclock_ms(clock, &record.when);
	if (at_ms == 0) {
		not_understood(logread, line, len);
		return;
	}
	logread->told++;
	before = logread->attempts.count;
	attempts_add(&logread->attempts, &record, at_ms);
	if (record.what == DOVELOG_SASL_FAILED && record.user.len == 0)
		logread->nameless += logread->attempts.count - before;
	for (; before < logread->attempts.count; before++)
		logread->attempts.list[before].guessed = clock->guessed;
}

/* ---- a file ----------------------------------------------------------- */

struct file {
	const char *name;
	bool standard; /* input */
	gzFile gz;
	double size; /* 0: not known */
	struct logclock clock;
	char buffer[65536];
	size_t used;
	bool skipping; /* a line that is too long */
};

static int fail(const char *name, const char *why)
{
	cli_complain("%s: %s", name, why);
	return -1;
}

static int open_file(struct file *file, const char *name)
{
	bool standard = strcmp(name, "-") == 0;
	int fd = standard ? dup(STDIN_FILENO)
			  : open(name, O_RDONLY | O_CLOEXEC);
	int64_t written = (int64_t)(cli_real_ms() / 1000);
	struct stat st;

	file->name = standard ? "standard input" : name;
	file->standard = standard;
	if (fd < 0)
		return fail(file->name, strerror(errno));
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		close(fd);
		return fail(file->name, "a directory");
	}
	if (S_ISREG(st.st_mode)) {
		written = st.st_mtime;
		file->size = (double)st.st_size;
	}
	logclock_init(&file->clock, written);
	file->gz = gzdopen(fd, "rb");
	if (file->gz == NULL) {
		close(fd);
		return fail(file->name, "out of memory");
	}
	gzbuffer(file->gz, 1U << 17);
	return 0;
}

/* Only gzip is unpacked here, and once: all else would read as a log of nothing.
 * Looks at the file's first bytes, as they are in the buffer. Returns 0, or
 * negative after a complaint. */
static int refuse_packed(const struct file *file)
{
	static const struct {
		const char *by, *begins;
	} packers[] = {
		{ "xz", "\xfd" "7zXZ" },
		{ "bzip2", "BZh" },
		{ "zstd", "\x28\xb5\x2f\xfd" },
		{ "gzip", "\x1f\x8b" },
	};
	const char *name = file->standard ? "FILE" : file->name;

	for (size_t i = 0; i < sizeof(packers) / sizeof(*packers); i++) {
		const char *by = packers[i].by, *begins = packers[i].begins;

		if (file->used < strlen(begins) ||
		    memcmp(file->buffer, begins, strlen(begins)) != 0)
			continue;
		if (gzdirect(file->gz))
			cli_complain("%s: compressed by %s: use \"%s -dc %s | "
				     "lockstep ... -\"",
				     file->name, by, by, name);
		else
			cli_complain("%s: compressed by gzip, and by %s before: "
				     "use \"gzip -dc %s | %s -dc | lockstep "
				     "... -\"",
				     file->name, by, name, by);
		return -1;
	}
	return 0;
}

/* Take the whole lines out of the buffer. */
static void take_lines(struct logread *logread, struct file *file)
{
	char *at = file->buffer, *end = file->buffer + file->used, *newline;

	while ((newline = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		size_t len = (size_t)(newline - at);

		if (!file->skipping && len <= LOGREAD_LINE)
			logread_line(logread, &file->clock, at, len);
		else
			logread->lines++; /* of no attempt: too long for one */
		file->skipping = false;
		at = newline + 1;
	}
	file->used = (size_t)(end - at);
	if (file->used > LOGREAD_LINE) {
		file->skipping = true;
		file->used = 0;
	}
	memmove(file->buffer, at, file->used);
}

static int read_file(struct logread *logread, struct file *file,
		     logread_progress_fn *progress, void *context)
{
	int got, code;
	const char *why;
	bool begun = false;

	while ((got = gzread(file->gz, file->buffer + file->used,
			     (unsigned)(sizeof(file->buffer) - file->used))) >
	       0) {
		file->used += (size_t)got;
		if (!begun && refuse_packed(file) < 0)
			return -1;
		begun = true;
		take_lines(logread, file);
		if (progress != NULL && file->size > 0)
			progress(context,
				 (double)gzoffset(file->gz) / file->size);
	}
	why = gzerror(file->gz, &code);
	/* Of half a line the address may be half of one, which is another. */
	if (file->used > 0 && !file->skipping && code != Z_BUF_ERROR)
		logread_line(logread, &file->clock, file->buffer, file->used);
	if (code == Z_OK || code == Z_STREAM_END)
		return 0;
	if (code == Z_BUF_ERROR) {
		cli_complain("%s: ends within a compressed block; what comes "
			     "before is taken",
			     file->name);
		logread->cut = true;
		return 0;
	}
	if (code == Z_ERRNO)
		return fail(file->name, strerror(errno));
	/* zlib calls the file "<fd:3>: ". */
	return fail(file->name, why[0] == '<' && strstr(why, ": ") != NULL
					? strstr(why, ": ") + 2
					: why);
}

/* The attempts of a file, from `first` on, when all of it is read. */
static void correct_years(struct logread *logread, const struct file *file,
			  size_t first)
{
	int years = logclock_ahead(&file->clock);

	for (size_t i = first; years > 0 && i < logread->attempts.count; i++) {
		struct attempt *attempt = &logread->attempts.list[i];

		if (attempt->guessed)
			attempt->at_ms = logclock_back(attempt->at_ms, years);
	}
}

int logread_files(struct logread *logread, char *const *files, int count,
		  logread_progress_fn *progress, void *context)
{
	int ret = 0;

	memset(logread, 0, sizeof(*logread));
	for (int i = 0; i < count && ret == 0; i++) {
		struct file *file = calloc(1, sizeof(*file));
		size_t first = logread->attempts.count;

		if (file == NULL)
			return fail(files[i], "out of memory");
		ret = open_file(file, files[i]);
		if (ret == 0) {
			ret = read_file(logread, file, progress, context);
			gzclose(file->gz);
			correct_years(logread, file, first);
		}
		free(file);
	}
	attempts_merge(&logread->attempts);
	return ret;
}

void logread_free(struct logread *logread)
{
	attempts_free(&logread->attempts);
	for (size_t i = 0; i < LOGREAD_SHOWN; i++)
		free(logread->shown[i]);
	memset(logread, 0, sizeof(*logread));
}
