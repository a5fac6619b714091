/* penalty.c - see penalty.h */
#include "lockstep-config.h"
#include "auth-common.h"
#include "compat.h"
#include "net.h"
#include "auth-penalty.h"
#include "auth/penalty.h"

/* Below base_dir, where the process starts. An object that finds no socket when it
 * is made never looks again and answers 0 to everybody; Dovecot's own unit tests
 * make theirs so. */
#define NO_ANVIL "lockstep/no-anvil"
#define ANVIL "anvil-auth-penalty" /* Dovecot's own */

static struct auth_penalty *dovecots, *none;
static bool is_on;

/* With mode = 0 Dovecot does not make its socket, and does not remove that of before.
 * Each start of auth tries it for 5 s, in which nobody logs in. */
static void warn_of_socket(struct event *event)
{
	int fd = net_connect_unix(ANVIL);

	if (fd < 0 && errno == ECONNREFUSED)
		e_warning(event, "nobody listens on the socket " ANVIL ": each "
			  "start of auth keeps all logins waiting for 5 s. "
			  "Lockstep switches Dovecot's penalty off by itself: "
			  "remove `unix_listener " ANVIL " { mode = 0 }` from "
			  "Dovecot's configuration, and that file below "
			  "base_dir");
	i_close_fd(&fd);
}

void penalty_init(struct event *event)
{
	if (auth_penalty == NULL || none != NULL)
		return;
	warn_of_socket(event);
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
