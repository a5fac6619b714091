/* ending-submission.c - see ending.h */
#include "lockstep-config.h"
#include "submission-common.h"
#include "compat.h"
#include "mail/ending.h"

#pragma weak submission_clients
#pragma weak client_destroy

bool ending_submission(struct mail_user *user, const char *text,
		       enum ls_reason reason ATTR_UNUSED)
{
	struct client *client;

	if (&submission_clients == NULL)
		return FALSE;
	for (client = submission_clients; client != NULL;
	     client = client->next) {
		if (client->user != user)
			continue;
		compat_submission_destroy(&client, "4.3.2", text);
		return TRUE;
	}
	return FALSE;
}
