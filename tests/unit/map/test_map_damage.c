/* test_map_damage.c - files that are no map, or not ours, or cut short */
#include "lockstep-config.h"

#include "map_bed.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

static void patch(off_t at, const void *bytes, size_t len)
{
	int fd = openat(world.state_dirfd, "guard", O_RDWR | O_CLOEXEC);

	assert_int_equal(pwrite(fd, bytes, len, at), (ssize_t)len);
	close(fd);
}

/* The header's check again, after a test has changed what it covers. */
static void sign(void)
{
	struct ls_map_header header;
	int fd = openat(world.state_dirfd, "guard", O_RDWR | O_CLOEXEC);

	assert_int_equal(pread(fd, &header, sizeof(header), 0), sizeof(header));
	crypto_shorthash(
		(unsigned char *)&header.check, (const unsigned char *)&header,
		offsetof(struct ls_map_header, check), header.hash_key);
	assert_int_equal(pwrite(fd, &header, sizeof(header), 0),
			 sizeof(header));
	close(fd);
}

static void test_refused(void **state)
{
	static const uint8_t zeros[16];
	static const uint32_t version = 7;
	static const uint64_t odd = 12345;
	static const struct {
		const char *row;
		off_t at;
		const void *bytes;
		size_t len;
		bool sign;
		int ret;
		const char *text;
	} rows[] = {
		{ "garbage", 0, "#!/bin/sh", 8, false, LS_EFORMAT,
		  "not a map" },
		{ "version", 8, &version, 4, true, LS_EVERSION,
		  "map version 7, this program has " },
		{ "type", 12, &version, 4, true, LS_EFORMAT, "damaged" },
		{ "size", 16, &odd, 8, true, LS_EFORMAT, "truncated" },
		{ "buckets", 24, &odd, 8, true, LS_EFORMAT, "truncated" },
		{ "no buckets", 24, zeros, 8, true, LS_EFORMAT, "damaged" },
		{ "label buckets", 32, &odd, 8, true, LS_EFORMAT, "truncated" },
		{ "journal", 40, &odd, 8, true, LS_EFORMAT, "truncated" },
		{ "no journal", 40, zeros, 8, true, LS_EFORMAT, "damaged" },
		{ "other boot", 72, zeros, 16, true, LS_ENOENT, "last boot" },
		{ "a bit of the key", 88, zeros, 4, false, LS_EFORMAT,
		  "damaged" },
		{ "live places", 48, &odd, 8, true, LS_EFORMAT, "truncated" },
		{ "created", 56, &odd, 8, false, LS_EFORMAT, "damaged" },
		{ "check", 104, &odd, 8, false, LS_EFORMAT, "damaged" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ls_error error;
		struct ls_map map;

		unlink(path);
		make();
		patch(rows[i].at, rows[i].bytes, rows[i].len);
		if (rows[i].sign)
			sign();
		check(rows[i].row, reopen(LS_MAP_GUARD, true, &map, &error),
		      rows[i].ret);
		check(rows[i].row, map.header == NULL, true);
		check_holds(rows[i].row, error.text, rows[i].text);
		check_holds(rows[i].row, error.text, path);
	}
}

/* Files of any other length, and things that are no files. */
static void test_lengths(void **state)
{
	static const off_t
		lengths[] = { 0,    1,    8,    519, 520,
			      4095, 4096, 4097, -1,  1 /* longer by one */ };
	struct ls_error error;
	struct ls_map map;
	struct stat st;

	(void)state;
	for (size_t i = 0; i < COUNT(lengths); i++) {
		bool relative = i + 2 >= COUNT(lengths);

		unlink(path);
		make();
		check("stat", stat(path, &st), 0);
		check("cut",
		      truncate(path, lengths[i] + (relative ? st.st_size : 0)),
		      0);
		check("cut", reopen(LS_MAP_GUARD, true, &map, &error),
		      LS_EFORMAT);
		check_holds("cut", error.text, "truncated");
		/* Nor is it made anew: an administrator must look. */
		{
			const struct ls_map_spec spec = spec_of(100);

			check("create", create(&spec, &map, &error),
			      LS_EFORMAT);
		}
	}
	unlink(path);
	check("directory", mkdir(path, 0755), 0);
	check_within("directory", -reopen(LS_MAP_GUARD, false, &map, &error),
		     -LS_ESYS, -LS_EFORMAT);
	rmdir(path);
	check("fifo", mkfifo(path, 0644), 0);
	check_within("fifo", -reopen(LS_MAP_GUARD, true, &map, &error),
		     -LS_ESYS, -LS_EFORMAT);
	unlink(path);
	check("symlink", symlink("/dev/zero", path), 0);
	check("symlink", reopen(LS_MAP_GUARD, true, &map, &error), LS_ESYS);
}

/* One from before the boot is made anew. */
static void test_other_boot(void **state)
{
	const struct ls_map_spec spec = spec_of(100);
	struct ls_error error;
	struct ls_map map;

	(void)state;
	make();
	patch(64, "0123456789abcdef", 16);
	sign();
	check("create", create(&spec, &map, &error), 0);
	check_text("create", error.text, "");
	ls_map_close(&map);
	check("open", reopen(LS_MAP_GUARD, true, &map, &error), 0);
	ls_map_close(&map);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_refused),
		TEST(test_lengths),
		TEST(test_other_boot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
