/* ending-imap.c - see ending.h */
#include "lockstep-config.h"
#include "imap-common.h"
#include "istream.h"
#include "mail/ending.h"

#pragma weak imap_clients
#pragma weak imap_client_created_hook_set
#pragma weak client_disconnect
#pragma weak client_send_line
#pragma weak client_disconnect_with_error

static struct client *find_client(const struct mail_user *user)
{
	struct client *client;

	if (&imap_clients == NULL)
		return NULL;
	for (client = imap_clients; client != NULL; client = client->next)
		if (client->user == user)
			return client;
	return NULL;
}

bool ending_imap(struct mail_user *user, const char *text,
		 enum ls_reason reason ATTR_UNUSED)
{
	struct client *client = find_client(user);

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
	return find_client(user);
}

bool ending_imap_hibernates(const void *_client)
{
	const struct client *client = _client;

	return client != NULL && client->hibernated;
}

/* ---- what came with the login ------------------------------------------ */

static ending_farewell_fn *farewell_of;
static imap_client_created_func_t *next_hook;

/* After the tagged OK, and before the commands that came in one packet with the
 * login are read: the timer that ends the client would be too late for those.
 * Dovecot destroys a client whose input is closed when it is done here. */
static void refused_init(struct client *client)
{
	client_send_line(client, t_strconcat("* BYE [UNAVAILABLE] ",
					     farewell_of(client->user), NULL));
	i_stream_close(client->input);
}

/* A plugin that came before us may have put its own init there; a client that
 * is never served does without. One that wakes is in the middle of a command. */
static void client_created(struct client **client)
{
	if (next_hook != NULL)
		next_hook(client);
	if (!(*client)->user->session_restored &&
	    farewell_of((*client)->user) != NULL)
		(*client)->v.init = refused_init;
}

void ending_imap_init(ending_farewell_fn *farewell)
{
	if (&imap_clients == NULL)
		return;
	farewell_of = farewell;
	next_hook = imap_client_created_hook_set(client_created);
}

void ending_imap_deinit(void)
{
	if (&imap_clients != NULL)
		imap_client_created_hook_set(next_hook);
}
