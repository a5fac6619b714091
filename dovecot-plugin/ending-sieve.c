/* ending-sieve.c - see ending.h */
#include "lockstep-config.h"
#include "ending.h"

/* Of the program managesieve, which installs no header. The first is looked at
 * only for being there: to be in another program is to have none. */
extern void *managesieve_clients __attribute__((weak));
extern void clients_destroy_all(void) __attribute__((weak));

bool ending_sieve(struct mail_user *user ATTR_UNUSED,
		  const char *text ATTR_UNUSED)
{
	if (&managesieve_clients == NULL || managesieve_clients == NULL)
		return FALSE;
	clients_destroy_all();
	return TRUE;
}
