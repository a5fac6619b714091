/* space.c - see space.h */
#include "lockstep-config.h"

#include "base/error.h"
#include "base/space.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { MAPS = 16, MB = 1 << 20 };

/* Both maps at the largest size that a policy may ask for, old and new at once. */
#define AHEAD (UINT64_C(64) << 30)

/* By how much the limit was raised for what stands there. */
static struct {
	_Atomic uintptr_t base; /* 0: free */
	_Atomic size_t raised;
} maps[MAPS];

static _Atomic uint64_t counted;

static size_t in_pages(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (size + page - 1) / page * page;
}

static bool is_limited(const struct rlimit *limit)
{
	return limit->rlim_cur != RLIM_INFINITY;
}

size_t ls_space_raise(size_t size)
{
	size_t more = in_pages(size);
	struct rlimit limit;

	if (getrlimit(RLIMIT_AS, &limit) < 0 || !is_limited(&limit))
		return 0;
	limit.rlim_cur += more;
	if (limit.rlim_max != RLIM_INFINITY && limit.rlim_cur > limit.rlim_max)
		limit.rlim_max = limit.rlim_cur;
	if (setrlimit(RLIMIT_AS, &limit) == 0)
		return more;
	atomic_fetch_add(&counted, more);
	return 0;
}

/* Nothing of that size is there any more. */
static void lower_limit(size_t size, size_t raised)
{
	struct rlimit limit;

	if (raised == 0) {
		if (atomic_load(&counted) >= in_pages(size))
			atomic_fetch_sub(&counted, in_pages(size));
		return;
	}
	if (getrlimit(RLIMIT_AS, &limit) < 0 || !is_limited(&limit) ||
	    limit.rlim_cur < raised)
		return;
	limit.rlim_cur -= raised;
	(void)setrlimit(RLIMIT_AS, &limit);
}

void ls_space_mapped(const void *base, size_t size, size_t raised)
{
	if (base == NULL) {
		lower_limit(size, raised);
		return;
	}
	/* With more maps than MAPS the limit stays raised. */
	for (unsigned i = 0; raised > 0 && i < MAPS; i++) {
		uintptr_t free = 0;

		if (!atomic_compare_exchange_strong(&maps[i].base, &free,
						    (uintptr_t)base))
			continue;
		atomic_store(&maps[i].raised, raised);
		return;
	}
}

void ls_space_unmapped(const void *base, size_t size)
{
	size_t raised = 0;

	for (unsigned i = 0; i < MAPS; i++) {
		if (atomic_load(&maps[i].base) != (uintptr_t)base)
			continue;
		raised = atomic_load(&maps[i].raised);
		atomic_store(&maps[i].base, 0);
		break;
	}
	lower_limit(size, raised);
}

void *ls_space_map(int fd, size_t size, bool writable)
{
	size_t raised = ls_space_raise(size);
	void *base = mmap(NULL, size, PROT_READ | (writable ? PROT_WRITE : 0),
			  MAP_SHARED, fd, 0);
	int saved = errno;

	ls_space_mapped(base == MAP_FAILED ? NULL : base, size, raised);
	errno = saved;
	return base;
}

void ls_space_unmap(void *base, size_t size)
{
	munmap(base, size);
	ls_space_unmapped(base, size);
}

void ls_space_reserve(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_AS, &limit) < 0 || !is_limited(&limit) ||
	    limit.rlim_max == RLIM_INFINITY)
		return;
	limit.rlim_max += AHEAD;
	(void)setrlimit(RLIMIT_AS, &limit); /* raising it will tell */
}

int ls_space_fail(const char *path, size_t size, struct ls_error *error_r)
{
	uint64_t limit = ls_space_limit();

	if (errno != ENOMEM || limit == UINT64_MAX)
		return ls_fail_sys(error_r, "map", path);
	return ls_fail(error_r, LS_ESYS,
		       "map %s: its %zu MB do not fit into the %llu MB of "
		       "address space that this process may have (RLIMIT_AS; "
		       "in Dovecot its service's vsz_limit), and only root may "
		       "raise that",
		       path, (size + MB - 1) / MB,
		       (unsigned long long)(limit / MB));
}

uint64_t ls_space_counted(void)
{
	return atomic_load(&counted);
}

uint64_t ls_space_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_AS, &limit) < 0 || !is_limited(&limit))
		return UINT64_MAX;
	return limit.rlim_cur;
}
