/* logread.c - see logread.h */
#include "lockstep-config.h"

#include "cli.h"
#include "logs/journal-line.h"
#include "logs/logclock.h"
#include "logs/logjson.h"
#include "logs/logread.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

/* ---- a line ----------------------------------------------------------- */

static void show_line(struct logread *logread, const char *line, size_t len)
{
	if (logread->unknown < LOGREAD_SHOWN)
		logread->shown[logread->unknown] = strndup(line, len);
	logread->unknown++;
}

static void take_record(struct logread *logread, struct logclock *clock,
			const struct dovelog_record *record, const char *line,
			size_t len)
{
	uint64_t at_ms = 0;
	size_t before;

	if (record->what == DOVELOG_OTHER)
		return;
	if (record->what != DOVELOG_UNKNOWN)
		at_ms = logclock_ms(clock, &record->when);
	if (at_ms == 0) {
		show_line(logread, line, len);
		return;
	}
	logread->told++;
	before = logread->attempts.count;
	attempts_add(&logread->attempts, record, at_ms);
	if (record->what == DOVELOG_SASL_FAILED && record->user.len == 0)
		logread->nameless += logread->attempts.count - before;
	for (; before < logread->attempts.count; before++)
		logread->attempts.list[before].guessed =
			clock->guessed && record->when.kind == DOVELOG_DATE &&
			record->when.year == 0;
}

/* Of JSON that is not read here: a login's, by its words or by its type? */
static bool may_tell(const char *line, size_t len)
{
	static const char type[] = "\"login\"";

	return dovelog_looks_like_login(line, len) ||
	       memmem(line, len, type, sizeof(type) - 1) != NULL;
}

/* `json` is what of the line is a JSON object. */
static void read_json_line(struct logread *logread, struct logclock *clock,
			   struct dovelog_text json, const char *line,
			   size_t len)
{
	json_t *object = json_loadb(json.at, json.len, 0, NULL);
	struct dovelog_record record;
	char *bytes = logjson_parse(object, &record);
	int ret = 0;

	if (bytes != NULL)
		take_record(logread, clock, &record, line, len);
	else
		ret = journal_line(&logread->attempts, object);
	if (ret > 0)
		logread->told++;
	else if (ret < 0 && may_tell(line, len))
		show_line(logread, line, len);
	free(bytes);
	json_decref(object);
}

/* Of journalctl's ways to write JSON two have something in front of the object. */
static struct dovelog_text json_of(const char *line, size_t len)
{
	static const char *const leads[] = { "{", "\x1e{", "data: {" };

	for (size_t i = 0; i < sizeof(leads) / sizeof(*leads); i++) {
		size_t lead = strlen(leads[i]);

		if (len >= lead && memcmp(line, leads[i], lead) == 0)
			return (struct dovelog_text){ line + lead - 1,
						      len - lead + 1 };
	}
	return (struct dovelog_text){ line, 0 };
}

void logread_line(struct logread *logread, struct logclock *clock,
		  const char *line, size_t len)
{
	struct dovelog_text json = json_of(line, len);
	struct dovelog_record record;

	logread->lines++;
	if (json.len > 0) {
		read_json_line(logread, clock, json, line, len);
		return;
	}
	dovelog_parse(line, len, &record);
	take_record(logread, clock, &record, line, len);
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

static int fail_reading(const char *name, const char *why)
{
	cli_complain("%s: %s", name, why);
	return -1;
}

/* As the journal counts: without the time that the machine slept. */
static int64_t boot_time(void)
{
	struct timespec up;

	clock_gettime(CLOCK_MONOTONIC, &up);
	return (int64_t)(cli_real_ms() / 1000) - up.tv_sec;
}

static int open_log_file(struct file *file, const char *name)
{
	bool standard = strcmp(name, "-") == 0;
	int fd = standard ? dup(STDIN_FILENO)
			  : open(name, O_RDONLY | O_CLOEXEC);
	int64_t written = (int64_t)(cli_real_ms() / 1000);
	struct stat st;

	file->name = standard ? "standard input" : name;
	file->standard = standard;
	if (fd < 0)
		return fail_reading(file->name, strerror(errno));
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		close(fd);
		return fail_reading(file->name, "a directory");
	}
	if (S_ISREG(st.st_mode)) {
		written = st.st_mtime;
		file->size = (double)st.st_size;
	}
	logclock_init(&file->clock, written);
	file->clock.boot_s = boot_time();
	file->gz = gzdopen(fd, "rb");
	if (file->gz == NULL) {
		close(fd);
		return fail_reading(file->name, "out of memory");
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

/* The journal's own files are read by journalctl alone. Returns as above. */
static int refuse_journal(const struct file *file)
{
	static const char begins[] = "LPKSHHRH";

	if (file->used < sizeof(begins) - 1 ||
	    memcmp(file->buffer, begins, sizeof(begins) - 1) != 0)
		return 0;
	cli_complain("%s: a file of systemd's journal: %suse \"journalctl --file "
		     "%s | lockstep ... -\"",
		     file->name, gzdirect(file->gz) ? "" : "unpack it and ",
		     file->standard || !gzdirect(file->gz) ? "FILE"
							   : file->name);
	return -1;
}

/* A line that is too long for one of an attempt. */
static void skip_long_line(struct logread *logread, const char *line,
			   size_t len)
{
	if (dovelog_looks_like_login(line, len))
		show_line(logread, line, LOGREAD_LINE);
}

/* Take the whole lines out of the buffer. */
static void take_lines(struct logread *logread, struct file *file)
{
	char *at = file->buffer, *end = file->buffer + file->used, *newline;

	while ((newline = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		size_t len = (size_t)(newline - at);

		if (!file->skipping && len <= LOGREAD_LINE) {
			logread_line(logread, &file->clock, at, len);
		} else {
			if (!file->skipping)
				skip_long_line(logread, at, len);
			logread->lines++;
		}
		file->skipping = false;
		at = newline + 1;
	}
	file->used = (size_t)(end - at);
	if (file->used > LOGREAD_LINE) {
		if (!file->skipping)
			skip_long_line(logread, at, file->used);
		file->skipping = true;
		file->used = 0;
	}
	memmove(file->buffer, at, file->used);
}

static int read_log(struct logread *logread, struct file *file,
		    logread_progress_fn *progress, void *context)
{
	int got, code;
	const char *why;
	bool begun = false;

	while ((got = gzread(file->gz, file->buffer + file->used,
			     (unsigned)(sizeof(file->buffer) - file->used))) >
	       0) {
		file->used += (size_t)got;
		if (!begun &&
		    (refuse_packed(file) < 0 || refuse_journal(file) < 0))
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
		return fail_reading(file->name, strerror(errno));
	/* zlib calls the file "<fd:3>: ". */
	return fail_reading(file->name,
			    why[0] == '<' && strstr(why, ": ") != NULL
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
			return fail_reading(files[i], "out of memory");
		ret = open_log_file(file, files[i]);
		if (ret == 0) {
			ret = read_log(logread, file, progress, context);
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
