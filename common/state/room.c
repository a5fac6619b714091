/* room.c - see made.h */
#include "lockstep-config.h"

#include "base/error.h"
#include "map/map.h"
#include "state/made.h"
#include "state/state.h"

#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>

enum { MB = 1 << 20 };

uint64_t ls_room_wanted(uint64_t subjects, uint64_t journal_size)
{
	uint64_t seats = subjects / LS_SUBJECTS_FOR_A_SEAT;

	return ls_map_size(ls_map_buckets(subjects),
			   ls_map_label_buckets(subjects), journal_size, 0) +
	       ls_map_size(ls_map_buckets(seats), ls_map_label_buckets(seats),
			   journal_size, subjects / LS_SUBJECTS_FOR_A_SESSION);
}

/* Of the directory, or of the next one above it that is there. */
static bool look_at_room(const char *dir, struct statfs *fs_r)
{
	char path[LS_PATH_SIZE];
	char *slash;

	if (snprintf(path, sizeof(path), "%s", dir) >= (int)sizeof(path))
		return false;
	while (statfs(path, fs_r) < 0) {
		slash = strrchr(path, '/');
		if (slash == NULL || path[1] == '\0')
			return false;
		slash[slash == path ? 1 : 0] = '\0';
	}
	return true;
}

/* What programs can get without swapping; UINT64_MAX: not known. */
static uint64_t available_memory(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	unsigned long long kb, found = 0;
	char line[128];

	while (file != NULL && found == 0 &&
	       fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "MemAvailable: %llu kB", &kb) == 1)
			found = kb * 1024;
	if (file != NULL)
		fclose(file);
	return found != 0 ? found : UINT64_MAX;
}

int ls_room_check(const char *dir, uint64_t bytes, struct ls_error *error_r)
{
	uint64_t free, memory;
	struct statfs fs;

	if (!look_at_room(dir, &fs))
		return 0;
	free = (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize;
	if (bytes > free)
		return ls_fail(error_r, LS_ESYS,
			       "the maps take %llu MB, and the file system of "
			       "%s has %llu MB free",
			       (unsigned long long)((bytes + MB - 1) / MB), dir,
			       (unsigned long long)(free / MB));
	if ((unsigned long)fs.f_type != TMPFS_MAGIC)
		return 0;
	memory = available_memory();
	if (bytes > memory)
		return ls_fail(error_r, LS_ESYS,
			       "the maps take %llu MB, and this machine has "
			       "%llu MB of memory available",
			       (unsigned long long)((bytes + MB - 1) / MB),
			       (unsigned long long)(memory / MB));
	return 0;
}
