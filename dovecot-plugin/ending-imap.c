/* ending-imap.c - see ending.h */
#include "lockstep-config.h"
#include "imap-common.h"
#include "ending.h"

#pragma weak imap_clients
#pragma weak client_disconnect
#pragma weak client_disconnect_with_error

static struct client *find(const struct mail_user *user)
{
	struct client *client;

	if (&imap_clients == NULL)
		return NULL;
	for (client = imap_clients; client != NULL; client = client->next)
		if (client->user == user)
			return client;
	return NULL;
}

bool ending_imap(struct mail_user *user, const char *text)
{
	struct client *client = find(user);

	if (client == NULL)
		return FALSE;
	/* A command that holds the output may be inside a literal: a line there
	 * would become a part of somebody's mail. */
	if (client->output_cmd_lock != NULL)
		client_disconnect(client, text);
	else
		client_disconnect_with_error(
			client, t_strconcat("[UNAVAILABLE] ", text, NULL));
	return TRUE;
}

const void *ending_imap_client(const struct mail_user *user)
{
	return find(user);
}

bool ending_imap_hibernates(const void *_client)
{
	const struct client *client = _client;

	return client != NULL && client->hibernated;
}
