/* ending-pop3.c - see ending.h */
#include "lockstep-config.h"
#include "pop3-common.h"
#include "mail-user.h"
#include "mail/ending.h"

#pragma weak pop3_clients
#pragma weak client_send_line
#pragma weak client_destroy

bool ending_pop3(struct mail_user *user, const char *text,
		 enum ls_reason reason)
{
	struct client *client;

	if (&pop3_clients == NULL)
		return FALSE;
	for (client = pop3_clients; client != NULL; client = client->next) {
		if (client->user != user)
			continue;
		/* No command is being answered: the line is taken for the
		 * answer to the next one. Dovecot does the same when a client
		 * is idle for too long. What was marked to be deleted stays:
		 * only QUIT deletes. */
		if (client->cmd == NULL)
			client_send_line(client, "-ERR [%s] %s",
					 reason == LS_REASON_SESSIONS
						 ? "IN-USE"
						 : "SYS/TEMP",
					 text);
		client_destroy(client, text);
		return TRUE;
	}
	return FALSE;
}
