/* sandbox.c - see sandbox.h */
#include "lockstep-config.h"

#include "cli.h"
#include "conf/conf.h"
#include "host/sandbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { JOURNAL = 4096 }; /* read after every attempt */

static int fail_sandbox(const struct ls_error *error)
{
	cli_complain("%s", error->text);
	return -1;
}

/* lockstep.conf to a policy.cdb in the sandbox's directory. */
static int compile_into(const char *path, const char *output)
{
	struct ls_policy_writer *writer;
	struct ls_error error = { 0, "" };
	struct conf *conf;
	int ret = conf_read(path, &conf);

	for (size_t i = 0; ret < 0 && i < conf_log(conf)->count; i++) {
		const struct conf_message *message =
			&conf_log(conf)->messages[i];

		if (message->warning)
			continue;
		if (message->place.line > 0)
			cli_complain("%s:%u: %s", message->place.file,
				     message->place.line, message->text);
		else
			cli_complain("%s: %s", message->place.file,
				     message->text);
	}
	if (ret == 0) {
		ret = ls_policy_writer_init(output, &writer, &error);
		if (ret == 0) {
			conf_write(conf, writer);
			ret = ls_policy_writer_commit(&writer, cli_real_ms(),
						      &error);
		}
		if (ret < 0)
			ret = fail_sandbox(&error);
	}
	conf_free(&conf);
	return ret;
}

/* What would lead out of the sandbox, or not show what the policy does. */
static void fence(struct sandbox *sandbox)
{
	snprintf(sandbox->policy.state_dir, sizeof(sandbox->policy.state_dir),
		 "%s", sandbox->dir);
	sandbox->policy.group[0] = sandbox->policy.readers[0] = '\0';
	sandbox->policy.auth_user[0] = '\0';
	sandbox->policy.journal_size = JOURNAL;
	sandbox->policy.mode = LS_MODE_ENFORCE;
}

/* `from` NULL: the defaults. */
static int copy_policy(struct sandbox *sandbox, const char *from)
{
	struct ls_policy_writer *writer;
	struct ls_policy_file *file = NULL;
	struct ls_error error = { 0, "" };
	int ret = 0;

	if (from == NULL)
		ls_policy_presets(&sandbox->policy);
	else if (cli_open_policy(from, &file, &error) < 0)
		return fail_sandbox(&error);
	else
		sandbox->policy = *ls_policy_file_policy(file);
	fence(sandbox);
	ret = ls_policy_writer_init(sandbox->policy_path, &writer, &error);
	if (ret == 0) {
		ls_policy_writer_policy(writer, &sandbox->policy);
		if (file != NULL)
			ls_policy_writer_rest(writer, file);
		ret = ls_policy_writer_commit(&writer, cli_real_ms(), &error);
	}
	ls_policy_file_close(&file);
	return ret < 0 ? fail_sandbox(&error) : 0;
}

static void remove_files(struct sandbox *sandbox)
{
	static const char *const names[] = { "guard",    "sessions", ".lock",
					     "conf.cdb", "secret",
					     "policy.cdb" };
	char path[sizeof(sandbox->dir) + 16];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", sandbox->dir, names[i]);
		unlink(path);
	}
	rmdir(sandbox->dir);
}

int sandbox_init(struct sandbox *sandbox, const char *policy, const char *conf,
		 uint64_t now_ms)
{
	struct ls_open_args args = {
		.flags = LS_GUARD_WRITE | LS_CREATE | LS_LOGINS,
		.now_ms = now_ms,
		.real_ms = now_ms,
	};
	struct ls_error error = { 0, "" };
	char compiled[sizeof(sandbox->policy_path)];
	struct stat st;
	bool tmpfs = stat("/dev/shm", &st) == 0 && S_ISDIR(st.st_mode);
	int ret = 0;

	memset(sandbox, 0, sizeof(*sandbox));
	snprintf(sandbox->dir, sizeof(sandbox->dir), "%s/lockstep-replay.XXXXXX",
		 tmpfs ? "/dev/shm" : "/tmp");
	if (mkdtemp(sandbox->dir) == NULL) {
		cli_complain("cannot make %s: %s", sandbox->dir,
			     strerror(errno));
		return -1;
	}
	snprintf(sandbox->policy_path, sizeof(sandbox->policy_path),
		 "%s/policy.cdb", sandbox->dir);
	snprintf(compiled, sizeof(compiled), "%s/conf.cdb", sandbox->dir);
	if (conf != NULL)
		ret = compile_into(conf, compiled);
	if (ret == 0)
		ret = copy_policy(sandbox, conf != NULL ? compiled : policy);
	args.policy_path = sandbox->policy_path;
	if (ret == 0 && ls_open(&args, &sandbox->state, &error) < 0)
		ret = fail_sandbox(&error);
	remove_files(sandbox);
	return ret;
}

void sandbox_fini(struct sandbox *sandbox)
{
	ls_close(&sandbox->state);
}
