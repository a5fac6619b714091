/* storm_mutate.c - what a hostile or broken writer may do to a map in use
 *
 * While writers and readers work on both maps, the files are changed under
 * their feet: bits flipped, words and whole pages overwritten, the file cut
 * short and made longer again, header fields set (and the header signed
 * again, as somebody who can write the file can do). They open the maps anew
 * all the time, so that they meet damaged files as well as damaged memory.
 * Nobody crashes, nobody hangs, no loop over a map is without end, and whatever
 * comes out has its bounds. Before that, each field of the header is changed
 * alone: an error with a reason, or a map that can be used.
 *
 * It tells most in a build with AddressSanitizer and UBSan. */
#include "lockstep-config.h"

#include "mutate_work.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	REPAIRED_EACH = 40, /* mutations */
	PATIENCE_S = 30,    /* with a round that does not end */
};

/* The files, and what stood in them before. */
static struct file {
	const char *name;
	int fd;
	size_t size;
	uint8_t *image;
} files[2] = { { .name = "guard" }, { .name = "sessions" } };

/* ---- those who change the files ------------------------------------------ */

static void put(const struct file *file, size_t at, const void *bytes,
		size_t len)
{
	storm_check(pwrite(file->fd, bytes, len, (off_t)at) == (ssize_t)len,
		    "cannot write to %s", file->name);
}

static void resize(const struct file *file, size_t size)
{
	storm_check(ftruncate(file->fd, (off_t)size) == 0, "cannot cut %s",
		    file->name);
}

static void repair(const struct file *file)
{
	resize(file, file->size);
	put(file, 0, file->image, file->size);
}

/* Numbers at which things change. */
static uint64_t telling(uint64_t dice)
{
	static const uint64_t numbers[] = { 0,
					    1,
					    7,
					    127,
					    255,
					    256,
					    UINT32_MAX,
					    UINT64_C(1) << 32,
					    UINT64_C(1) << 40,
					    UINT64_C(1) << 63,
					    INT64_MAX,
					    UINT64_MAX - 1,
					    UINT64_MAX };

	return numbers[dice % COUNT(numbers)] + (dice >> 32 & 1);
}

/* Fields of the header that are checked once, at opening. */
static const struct field {
	size_t at, size;
} fields[] = {
#define FIELD(name)                                                            \
	{ offsetof(struct ls_map_header, name),                                \
	  sizeof(((struct ls_map_header *)0)->name) }
	FIELD(magic),		FIELD(version),
	FIELD(type),		FIELD(size),
	FIELD(buckets),		FIELD(label_buckets),
	FIELD(journal_records), FIELD(live_places),
	FIELD(created_boot_ms),
	FIELD(created_real_ms), FIELD(boot_id),
	FIELD(hash_key),	FIELD(check),
	FIELD(zero),
#undef FIELD
};

/* Change a field of a good header; `sign`: and make its check fit again. */
static void put_header(const struct file *file, const struct field *field,
		       const void *bytes, size_t len, bool sign)
{
	struct ls_map_header header;

	memcpy(&header, file->image, sizeof(header));
	memcpy((uint8_t *)&header + field->at, bytes,
	       len < field->size ? len : field->size);
	if (sign)
		crypto_shorthash((unsigned char *)&header.check,
				 (const unsigned char *)&header,
				 offsetof(struct ls_map_header, check),
				 header.hash_key);
	put(file, 0, &header, offsetof(struct ls_map_header, retired));
}

static void cut(const struct file *file, uint64_t dice)
{
	resize(file, dice % file->size);
	if (dice >> 32 & 1)
		usleep(100);
	resize(file, file->size + (dice >> 33 & 1 ? 0 : dice % PAGE));
}

static void mutate(const struct file *file, uint64_t dice, uint64_t more)
{
	size_t at = more % file->size, word = at & ~(size_t)7;
	uint8_t page[PAGE], byte = 0;
	uint64_t number = telling(dice);

	/* Much of what matters stands in the header and the buckets. */
	if (dice >> 60 < 6)
		word = word % (PAGE + SLOTS / LS_WAYS * 64);
	switch (dice >> 48 & 15) {
	case 0:
		cut(file, dice);
		break;
	case 1:
		for (unsigned i = 0; i < PAGE; i += 8) {
			uint64_t random = harness_random(&more);

			memcpy(page + i, &random, sizeof(random));
		}
		at = at / PAGE * PAGE;
		put(file, at, page,
		    file->size - at < PAGE ? file->size - at : PAGE);
		break;
	case 2:
		put_header(file, &fields[more % COUNT(fields)], &number,
			   sizeof(number), dice >> 40 & 1);
		break;
	case 3:
	case 4:
	case 5:
		word = offsetof(struct ls_map_header, retired) +
		       more % 40 * sizeof(number);
		put(file, word, &number, sizeof(number));
		break;
	case 6:
	case 7:
	case 8:
		put(file, word, &number, sizeof(number));
		break;
	case 9:
	case 10:
	case 11:
		put(file, word, &more, sizeof(more));
		break;
	case 12: /* reason, origin or strikes of a lock */
		at = PAGE + SLOTS / LS_WAYS * sizeof(struct ls_bucket) +
		     more % SLOTS * sizeof(struct ls_slot) + (dice >> 40 & 1);
		/* fall through */
	default:
		if (pread(file->fd, &byte, 1, (off_t)at) != 1)
			break;
		byte ^= (uint8_t)(1U << (dice & 7));
		put(file, at, &byte, 1);
	}
}

/* ---- the storm ---------------------------------------------------------- */

static void load(struct file *file)
{
	struct stat st;

	file->fd = openat(storm_world.state_dirfd, file->name,
			  O_RDWR | O_CLOEXEC);
	storm_check(file->fd >= 0 && fstat(file->fd, &st) == 0, "no %s",
		    file->name);
	file->size = (size_t)st.st_size;
	file->image = storm_share(file->size);
	storm_check(pread(file->fd, file->image, file->size, 0) ==
			    (ssize_t)file->size,
		    "cannot read %s", file->name);
}

/* A map that is opened is one that can be used. */
static bool try_anew(void)
{
	struct ls_cursor cursor[2] = { { .next = 0 } };
	struct ls_state *state;
	struct ls_error error;

	if (world_join(&storm_world, LS_GUARD_WRITE | LS_SESSIONS_WRITE, &state,
		       &error) < 0) {
		mutate_check_refusal(&error);
		return false;
	}
	for (uint64_t i = 0; i < 16; i++) {
		mutate_write(state, 0, i * UINT64_C(0x9e3779b97f4a7c15));
		mutate_read(state, WRITERS, cursor, i);
	}
	ls_close(&state);
	return true;
}

static unsigned mutate_each_field(void)
{
	unsigned tried = 0, usable = 0;

	for (unsigned i = 0; i < 2 * COUNT(fields) * 2; i++) {
		const struct file *file = &files[i % 2];
		bool sign = i / 2 % 2;

		for (uint64_t j = 0; j < 24; j++) {
			uint64_t number = telling(j % 13 | (j / 13) << 32);

			put_header(file, &fields[i / 4], &number,
				   sizeof(number), sign);
			usable += try_anew();
			tried++;
			repair(file);
		}
	}
	storm_check(try_anew(), "a repaired map is not usable");
	repair(&files[0]);
	repair(&files[1]);
	storm_check(usable > 0 && usable < tried, "%u of %u headers were taken",
		    usable, tried);
	return tried;
}

/* Nobody takes for ever over one round. */
static void check_beats(void)
{
	static uint64_t seen[WORKERS];
	static time_t since[WORKERS];
	time_t now = time(NULL);

	for (unsigned i = 0; i < WORKERS; i++) {
		uint64_t beat = atomic_load(&mutate_shared->beat[i]);

		if (beat != seen[i] || since[i] == 0) {
			seen[i] = beat;
			since[i] = now;
		}
		storm_check(now - since[i] < PATIENCE_S, "process %u hangs", i);
	}
}

static void mutate_all(uint64_t mutations)
{
	uint64_t seed = 99;

	for (unsigned i = 0; i < WORKERS; i++)
		storm_start(i, mutate_work);
	for (uint64_t i = 0; i < mutations; i++) {
		uint64_t dice = harness_random(&seed);

		if (i % REPAIRED_EACH == 0)
			for (unsigned j = 0; j < COUNT(files); j++)
				repair(&files[j]);
		mutate(&files[dice % 4 == 0], harness_random(&seed),
		       harness_random(&seed));
		usleep((useconds_t)(dice >> 32) % 200);
		check_beats();
		storm_watch();
	}
	atomic_store(&mutate_shared->stop, true);
	while (storm_running() > 0) {
		check_beats();
		usleep(1000);
	}
	for (unsigned j = 0; j < COUNT(files); j++)
		repair(&files[j]);
}

int main(void)
{
	uint64_t mutations = storm_count(20000, 3000);
	unsigned headers;

	storm_begin("storm_mutate", 200);
	mutate_shared = storm_share(sizeof(*mutate_shared));
	world_set(&storm_world, "ip", "failures", "3/10m, 20/1d");
	world_set(&storm_world, "sending", "messages", "5/10m");
	world_set(&storm_world, "sending", "freeze", "1m");
	storm_make_map(LS_MAP_GUARD, SLOTS, RECORDS);
	storm_make_map(LS_MAP_SESSIONS, SLOTS, RECORDS);
	world_open(&storm_world, LS_GUARD_WRITE | LS_SESSIONS_WRITE);
	for (uint64_t i = 0; i < 4000; i++) {
		uint64_t seed = i;

		mutate_write(storm_world.state, 0, harness_random(&seed));
	}
	storm_verify("before it");
	ls_close(&storm_world.state);
	load(&files[0]);
	load(&files[1]);
	atomic_store(&mutate_shared->hostile, true);
	headers = mutate_each_field();
	mutate_all(mutations);
	if (world_join(&storm_world, LS_GUARD_WRITE | LS_SESSIONS_WRITE,
		       &storm_world.state, &(struct ls_error){ 0 }) < 0)
		storm_fail("the repaired maps are not usable");
	storm_verify("when all was repaired");
	storm_check(atomic_load(&mutate_shared->refused) > 0 &&
			    atomic_load(&mutate_shared->findings) > 0,
		    "the mutations had no effect");
	return storm_end("%u headers, %" PRIu64 " mutations; %" PRIu64
			 " rounds on %" PRIu64 " openings, %" PRIu64
			 " refused, %" PRIu64 " findings",
			 headers, mutations,
			 atomic_load(&mutate_shared->rounds),
			 atomic_load(&mutate_shared->opened),
			 atomic_load(&mutate_shared->refused),
			 atomic_load(&mutate_shared->findings));
}
