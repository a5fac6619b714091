/* watch.c - see watch.h */
#include "lockstep-config.h"

#include "base/watch.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { WATCHES = 16 };

static struct {
	_Atomic uintptr_t base; /* 0: free */
	_Atomic size_t size;
	_Atomic bool broken;
} watched[WATCHES];

static struct sigaction before;
static _Atomic uintptr_t page_size;

/* From an access to memory, not from another process? */
static bool is_fault(const siginfo_t *info)
{
	return info->si_code > 0;
}

static void pass_on(int signo, siginfo_t *info, void *context)
{
	if ((before.sa_flags & SA_SIGINFO) != 0 &&
	    before.sa_sigaction != NULL) {
		before.sa_sigaction(signo, info, context);
	} else if (before.sa_handler != SIG_DFL &&
		   before.sa_handler != SIG_IGN) {
		before.sa_handler(signo);
	} else {
		/* The access is tried again and meets the default; a signal
		 * that somebody sent has to come again. */
		signal(signo, SIG_DFL);
		if (!is_fault(info))
			raise(signo);
	}
}

static void on_sigbus(int signo, siginfo_t *info, void *context)
{
	uintptr_t at = (uintptr_t)info->si_addr;

	for (unsigned i = 0; i < WATCHES && is_fault(info); i++) {
		uintptr_t base = atomic_load(&watched[i].base), page;
		size_t size = atomic_load(&watched[i].size);

		if (base == 0 || at < base || at - base >= size)
			continue;
		page = at & ~(atomic_load(&page_size) - 1);
		/* Shared, as what was there: private memory counts as the
		 * process's own data, which Dovecot limits (RLIMIT_DATA). */
		if (mmap((void *)page, base + size - page,
			 PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE |
				 MAP_FIXED,
			 -1, 0) == MAP_FAILED)
			break;
		atomic_store(&watched[i].broken, true);
		return;
	}
	pass_on(signo, info, context);
}

static void install(void)
{
	struct sigaction action;

	if (atomic_load(&page_size) != 0)
		return;
	atomic_store(&page_size, (uintptr_t)sysconf(_SC_PAGESIZE));
	memset(&action, 0, sizeof(action));
	action.sa_sigaction = on_sigbus;
	action.sa_flags = SA_SIGINFO | SA_NODEFER;
	sigemptyset(&action.sa_mask);
	sigaction(SIGBUS, &action, &before);
}

int ls_watch_add(void *base, size_t size)
{
	install();
	for (int i = 0; i < WATCHES; i++) {
		if (atomic_load(&watched[i].base) != 0)
			continue;
		atomic_store(&watched[i].broken, false);
		atomic_store(&watched[i].size, size);
		atomic_store(&watched[i].base, (uintptr_t)base);
		return i;
	}
	return -1;
}

void ls_watch_remove(int watch)
{
	if (watch < 0)
		return;
	atomic_store(&watched[watch].base, 0);
	for (unsigned i = 0; i < WATCHES; i++)
		if (atomic_load(&watched[i].base) != 0)
			return;
	/* The last one: this code may be unloaded next. */
	sigaction(SIGBUS, &before, NULL);
	atomic_store(&page_size, 0);
}

bool ls_watch_broken(int watch)
{
	return watch >= 0 && atomic_load(&watched[watch].broken);
}
