/* test_access.c - which groups may read and change a map, as the kernel sees it */
#include "lockstep-config.h"

#include "base/access.h"
#include "map_bed.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOBODY = 65534 };
enum { NOTHING, READS, CHANGES };

/* What a process of nobody's, in this group, gets of the map. */
static int asks(gid_t gid)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		struct ls_error error;
		struct ls_map map;

		if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 ||
		    setresuid(NOBODY, NOBODY, NOBODY) < 0)
			_exit(99);
		if (reopen(LS_MAP_GUARD, true, &map, &error) == 0)
			_exit(CHANGES);
		if (error.code != LS_EACCES)
			_exit(98);
		if (reopen(LS_MAP_GUARD, false, &map, &error) == 0)
			_exit(READS);
		_exit(error.code == LS_EACCES ? NOTHING : 97);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 96;
}

/* What the file tells of whom it is open to. */
static void check_told(const char *row, gid_t group, gid_t readers)
{
	int fd = open(path, O_RDONLY);
	gid_t group_told, readers_told;

	check(row, ls_access_has(fd, &group_told, &readers_told), 0);
	close(fd);
	check(row, group_told, group);
	check(row, readers_told, readers);
}

static void test_groups(void **state)
{
	static const struct {
		const char *group, *readers, *warning;
		int in_mail, in_adm, in_nogroup;
	} table[] = {
		{ "", "", "", NOTHING, NOTHING, NOTHING },
		{ "mail", "", "", CHANGES, NOTHING, NOTHING },
		{ "mail", "adm", "", CHANGES, READS, NOTHING },
		{ "", "adm", "", NOTHING, READS, NOTHING },
		{ "mail", "mail", "", CHANGES, NOTHING, NOTHING },
		{ "mail", "no-such-group", "nobody may only read", CHANGES,
		  NOTHING, NOTHING },
		{ "no-such-group", "adm", "only root may use", NOTHING, READS,
		  NOTHING },
	};
	const struct group *entry;
	gid_t mail, adm, group, readers;

	(void)state;
	entry = getgrnam("mail");
	mail = entry == NULL ? 0 : entry->gr_gid;
	entry = getgrnam("adm");
	adm = entry == NULL ? 0 : entry->gr_gid;
	if (geteuid() != 0 || mail == 0 || adm == 0) {
		print_message("SKIPPED: giving files away needs root, and the "
			      "groups mail and adm\n");
		skip();
	}
	/* Only the map's own mode is to count. */
	check("chmod", fchmod(world.state_dirfd, 0755), 0);
	for (size_t i = 0; i < COUNT(table); i++) {
		struct ls_map_spec spec = spec_of(100);
		struct ls_error error;
		struct ls_map map;
		struct stat st;
		char row[64];

		snprintf(row, sizeof(row), "group \"%s\", readers \"%s\"",
			 table[i].group, table[i].readers);
		spec.group = table[i].group;
		spec.readers = table[i].readers;
		unlink(path);
		check(row, create(&spec, &map, &error), 0);
		ls_map_close(&map);
		check_holds(row, error.text, table[i].warning);
		if (table[i].warning[0] == '\0')
			check_text(row, error.text, "");
		check(row, asks(mail), table[i].in_mail);
		check(row, asks(adm), table[i].in_adm);
		check(row, asks(NOBODY), table[i].in_nogroup);
		check_told(row, table[i].in_mail == CHANGES ? mail : 0,
			   table[i].in_adm == READS ? adm : 0);
		ls_access_wanted(table[i].group, table[i].readers, &group,
				 &readers);
		check(row, group, table[i].in_mail == CHANGES ? mail : 0);
		check(row, readers, table[i].in_adm == READS ? adm : 0);
		check(row, stat(path, &st), 0);
		check(row, st.st_mode & 07, 0);
		check(row, st.st_uid, 0);
	}
}

/* Who is refused is told who may. */
static void test_words(void **state)
{
	static const struct {
		bool write;
		const char *group, *readers, *want;
	} table[] = {
		{ false, "", "", "only root may read the state" },
		{ true, "", "", "only root may change the state" },
		{ true, "", "r", "only root may change the state" },
		{ true, "g", "r",
		  "only root and the group \"g\" may change the state" },
		{ false, "g", "",
		  "only root and the group \"g\" may read the state" },
		{ false, "g", "g",
		  "only root and the group \"g\" may read the state" },
		{ false, "", "r",
		  "only root and the group \"r\" may read the state" },
		{ false, "g", "r",
		  "only root and the groups \"g\" and \"r\" may read the "
		  "state" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct ls_error error;
		char want[200];

		snprintf(want, sizeof(want), "/x/guard: permission denied: %s",
			 table[i].want);
		check(want,
		      ls_access_refused("/x/guard", table[i].write,
					table[i].group, table[i].readers,
					&error),
		      LS_EACCES);
		check_text("words", error.text, want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_groups, setup, teardown),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
