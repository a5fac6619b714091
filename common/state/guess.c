/* guess.c - see guess.h */
#include "lockstep-config.h"

#include "base/error.h"
#include "map/slot.h"
#include "state/guess.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(LS_SECRET_SIZE == crypto_shorthash_KEYBYTES, "SipHash-2-4");

static const char file_name[] = "secret";

static int fail_secret(struct ls_error *error_r, const char *path,
		       const char *reason)
{
	return ls_fail(error_r, LS_EFORMAT, "%s/%s: %s", path, file_name,
		       reason);
}

/* Under a name of its own first: nobody ever reads half a secret. */
static int make_secret(int dirfd, const char *path, struct ls_error *error_r)
{
	uint8_t key[LS_SECRET_SIZE];
	char temp[32];
	int fd, ret = 0;

	snprintf(temp, sizeof(temp), ".secret.%ld", (long)getpid());
	unlinkat(dirfd, temp, 0); /* left by a killed process of that number */
	fd = openat(dirfd, temp,
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return ls_fail_sys(error_r, "create a secret in", path);
	randombytes_buf(key, sizeof(key));
	if (write(fd, key, sizeof(key)) != sizeof(key) ||
	    (linkat(dirfd, temp, dirfd, file_name, 0) < 0 && errno != EEXIST))
		ret = ls_fail_sys(error_r, "write a secret in", path);
	sodium_memzero(key, sizeof(key));
	close(fd);
	unlinkat(dirfd, temp, 0);
	return ret;
}

static int read_fd(int fd, const char *path, struct ls_secret *secret_r,
		   struct ls_error *error_r)
{
	uint8_t bytes[LS_SECRET_SIZE + 1];
	struct stat st;
	ssize_t got;

	if (fstat(fd, &st) < 0)
		return ls_fail_sys(error_r, "stat the secret in", path);
	if (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0 ||
	    (st.st_uid != 0 && st.st_uid != geteuid()))
		return fail_secret(
			error_r, path,
			"others may read it: remove it, and restart");
	got = read(fd, bytes, sizeof(bytes));
	if (got != LS_SECRET_SIZE)
		return fail_secret(error_r, path,
				   "not 16 bytes: remove it, and restart");
	memcpy(secret_r->key, bytes, LS_SECRET_SIZE);
	secret_r->known = true;
	sodium_memzero(bytes, sizeof(bytes));
	return 0;
}

int ls_secret_open(int dirfd, const char *path, bool create,
		   struct ls_secret *secret_r, struct ls_error *error_r)
{
	const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	int fd, ret;

	memset(secret_r, 0, sizeof(*secret_r));
	fd = openat(dirfd, file_name, flags);
	if (fd < 0 && errno == ENOENT && create) {
		ret = make_secret(dirfd, path, error_r);
		if (ret < 0)
			return ret;
		fd = openat(dirfd, file_name, flags);
	}
	if (fd < 0 && errno == ENOENT)
		return ls_fail(error_r, LS_ENOENT, "%s/%s: no such file", path,
			       file_name);
	if (fd < 0)
		return ls_fail_sys(error_r, "open the secret in", path);
	ret = read_fd(fd, path, secret_r, error_r);
	close(fd);
	return ret;
}

void ls_secret_close(struct ls_secret *secret)
{
	sodium_memzero(secret, sizeof(*secret));
}

uint64_t ls_secret_guess(const struct ls_secret *secret, const char *password)
{
	uint64_t guess;

	crypto_shorthash((unsigned char *)&guess,
			 (const unsigned char *)password, strlen(password),
			 secret->key);
	return guess != 0 ? guess : 1;
}

/* The guess is a secret number already: mixing it with the place is enough that
 * equal passwords at two places look different. */
uint32_t ls_secret_print(uint64_t guess, uint64_t place_key)
{
	const uint32_t low = (1U << LS_PRINT_BITS) - 1;
	uint64_t mixed = (guess ^ place_key) * UINT64_C(0x9e3779b97f4a7c15);
	uint32_t print;

	mixed = (mixed ^ mixed >> 32) * UINT64_C(0xd6e8feb86659fd93);
	print = (uint32_t)(mixed >> (64 - LS_PRINT_BITS - 1));
	return (print & low) != 0 ? print : print | 1;
}
