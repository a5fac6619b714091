/* scenario.c - play scenario files: those named, or all of them
 *
 *   scenario [FILE...]
 *
 * Each is a test of its own. The exit code is the number of those that failed.
 */
#include "lockstep-config.h"

#include "harness.h"
#include "player.h"

#include <glob.h>
#include <sodium.h>
#include <stdlib.h>

/* ---- keys ------------------------------------------------------------- */

/* The keys of maps and of fingerprints are those of the last run, or two wrong
 * passwords of a scenario would look alike now and then, and one be free. */
static uint64_t seed;

static const char *drawn_by(void)
{
	return "scenario";
}

static uint32_t draw(void)
{
	return (uint32_t)harness_random(&seed);
}

static void draw_bytes(void *const bytes, const size_t size)
{
	unsigned char *byte = bytes;

	for (size_t i = 0; i < size; i++)
		byte[i] = (unsigned char)harness_random(&seed);
}

static struct randombytes_implementation keys = {
	.implementation_name = drawn_by,
	.random = draw,
	.buf = draw_bytes,
};

/* ---- scenarios -------------------------------------------------------- */

/* A test that fails does not come back to play(). */
static struct scenario scenario;
static struct player player;

static void play(void **state)
{
	char error[256];

	if (scenario_read(*state, &scenario, error, sizeof(error)) < 0) {
		print_error("%s\n", error);
		fail();
	}
	memset(&player, 0, sizeof(player));
	seed = 1;
	player_play(&player, &scenario);
	world_fini(&player.world);
}

/* A failure may come out of a helper that does not know the line. */
static int clean_up(void **state)
{
	(void)state;
	if (player.scenario != NULL && !player.over && player.line != NULL)
		print_error("%s:%u: stopped here; its state is left in %s\n",
			    player.scenario->path, player.line->number,
			    player.world.dir);
	ls_close(&player.world.state);
	scenario_free(&scenario);
	memset(&player, 0, sizeof(player));
	return 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static int play_all(char **path, size_t count)
{
	struct CMUnitTest *tests = calloc(count, sizeof(*tests));
	int failed;

	if (tests == NULL)
		return 1;
	for (size_t i = 0; i < count; i++)
		tests[i] = (struct CMUnitTest){ base_name(path[i]), play, NULL,
						clean_up, path[i] };
	failed = _cmocka_run_group_tests("scenarios", tests, count, NULL, NULL);
	free(tests);
	return failed;
}

int main(int argc, char **argv)
{
	glob_t all;
	int failed;

	randombytes_set_implementation(&keys);
	if (argc > 1)
		return play_all(argv + 1, (size_t)argc - 1);
	if (glob(SCENARIOS "/*.scn", 0, NULL, &all) != 0) {
		fprintf(stderr, "scenario: none in %s\n", SCENARIOS);
		return 1;
	}
	failed = play_all(all.gl_pathv, all.gl_pathc);
	globfree(&all);
	return failed;
}
