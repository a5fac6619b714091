/* harness.h - table-driven tests on cmocka that say what they got and wanted
 *
 * Each check takes the name of its row in the table (or of what it looks at),
 * so that a failure names the row, the value and the line. */
#ifndef TEST_HARNESS_H
#define TEST_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Under ThreadSanitizer, where everything takes ten times as long? */
#if defined(__SANITIZE_THREAD__)
#define HARNESS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HARNESS_TSAN 1
#endif
#endif
#ifndef HARNESS_TSAN
#define HARNESS_TSAN 0
#endif

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static inline void harness_u64(const char *row, const char *what, uint64_t got,
			       uint64_t want, const char *file, int line)
{
	if (got == want)
		return;
	print_error("%s: %s: got %llu (%lld), want %llu (%lld)\n", row, what,
		    (unsigned long long)got, (long long)got,
		    (unsigned long long)want, (long long)want);
	_fail(file, line);
}

static inline void harness_text(const char *row, const char *what,
				const char *got, const char *want,
				const char *file, int line)
{
	if (strcmp(got, want) == 0)
		return;
	print_error("%s: %s: got \"%s\", want \"%s\"\n", row, what, got, want);
	_fail(file, line);
}

static inline void harness_holds(const char *row, const char *what,
				 const char *got, const char *want,
				 const char *file, int line)
{
	if (strstr(got, want) != NULL)
		return;
	print_error("%s: %s: got \"%s\", want \"...%s...\"\n", row, what, got,
		    want);
	_fail(file, line);
}

static inline void harness_within(const char *row, const char *what,
				  uint64_t got, uint64_t least, uint64_t most,
				  const char *file, int line)
{
	if (got >= least && got <= most)
		return;
	print_error("%s: %s: got %llu, want %llu..%llu\n", row, what,
		    (unsigned long long)got, (unsigned long long)least,
		    (unsigned long long)most);
	_fail(file, line);
}

/* Numbers of any kind, negative ones too. */
#define check(row, got, want)                                                  \
	harness_u64(row, #got, (uint64_t)(got), (uint64_t)(want), __FILE__,    \
		    __LINE__)
#define check_text(row, got, want)                                             \
	harness_text(row, #got, got, want, __FILE__, __LINE__)
/* Is `want` in the text? */
#define check_holds(row, got, want)                                            \
	harness_holds(row, #got, got, want, __FILE__, __LINE__)
#define check_within(row, got, least, most)                                    \
	harness_within(row, #got, (uint64_t)(got), (uint64_t)(least),          \
		       (uint64_t)(most), __FILE__, __LINE__)

/* A small generator of its own: the same numbers in every run. */
static inline uint64_t harness_random(uint64_t *seed)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

#endif
