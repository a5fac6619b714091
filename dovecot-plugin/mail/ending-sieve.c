/* ending-sieve.c - see ending.h */
#include "lockstep-config.h"
#include "lib.h"
#include "master-service.h"
#include "mail/ending.h"

/* Of the program managesieve. Looked at only for being there. */
extern void *managesieve_clients __attribute__((weak));

/* To have the process end is the one way that is open to a module: it says BYE
 * to its clients, as it does when an administrator kicks one by doveadm. Its
 * own clients_destroy_all() cannot be called from a timeout. */
bool ending_sieve(struct mail_user *user ATTR_UNUSED,
		  const char *text ATTR_UNUSED,
		  enum ls_reason reason ATTR_UNUSED)
{
	if (&managesieve_clients == NULL || managesieve_clients == NULL)
		return FALSE;
	master_service_stop(master_service);
	return TRUE;
}
