/* penalty.c - see penalty.h */
#include "lockstep-config.h"
#include "auth-common.h"
#include "compat.h"
#include "auth-penalty.h"
#include "penalty.h"

/* Below base_dir, where the process starts. An object that finds no socket when it
 * is made never looks again and answers 0 to everybody; Dovecot's own unit tests
 * make theirs so. */
#define NO_ANVIL "lockstep/no-anvil"

static struct auth_penalty *dovecots, *none;
static bool is_on;

void penalty_init(void)
{
	if (auth_penalty == NULL || none != NULL)
		return;
	dovecots = auth_penalty;
	none = auth_penalty_init(NO_ANVIL);
	is_on = TRUE;
}

/* An answer of anvil's that is under way still comes: it belongs to its object. */
void penalty_set(bool on)
{
	if (none == NULL || on == is_on)
		return;
	auth_penalty = on ? dovecots : none;
	is_on = on;
}

void penalty_deinit(void)
{
	struct auth_penalty *other = is_on ? none : dovecots;

	if (none == NULL)
		return;
	if (auth_penalty != NULL) {
		auth_penalty = dovecots;
		other = none;
	}
	auth_penalty_deinit(&other);
	dovecots = none = NULL;
}
