#include "lockstep-config.h"

#include "webhook/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/log.h"

void secret_wipe(struct secret *secret)
{
	sodium_memzero(secret, sizeof(*secret));
}

static bool begins(const char *line, size_t length, const char *prefix)
{
	size_t size = strlen(prefix);

	return length >= size && memcmp(line, prefix, size) == 0;
}

/* Returns NULL with the key, or what is wrong with the text. */
static const char *decode(const char *text, size_t length,
			  struct secret_key *key_r)
{
	/* with room beyond the limit, so that too long is told from bad */
	uint8_t octets[2 * SECRET_OCTETS_MAX];
	const char *end = NULL, *wrong = NULL;
	size_t size = 0;

	if (sodium_base642bin(octets, sizeof(octets), text, length, NULL,
			      &size, &end,
			      sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    end != text + length)
		wrong = "is not base64 after whsec_";
	else if (size < SECRET_OCTETS_MIN)
		wrong = "is shorter than 24 bytes";
	else if (size > SECRET_OCTETS_MAX)
		wrong = "is longer than 64 bytes";
	if (wrong == NULL) {
		memcpy(key_r->octet, octets, size);
		key_r->length = size;
	}
	sodium_memzero(octets, sizeof(octets));
	return wrong;
}

static const char *parse_line(const char *line, size_t length,
			      struct secret_key *key_r)
{
	static const char prefix[] = "whsec_";

	if (begins(line, length, "whsk_") || begins(line, length, "whpk_"))
		return "is an ed25519 key; only whsec_ secrets are supported";
	if (!begins(line, length, prefix))
		return "does not begin with whsec_";
	return decode(line + strlen(prefix), length - strlen(prefix), key_r);
}

/* Cuts the next line off *text, without the white space at its end. */
static size_t cut_line(const char **text, size_t *left, const char **line_r)
{
	const char *newline = memchr(*text, '\n', *left);
	size_t length = newline != NULL ? (size_t)(newline - *text) : *left;
	size_t used = newline != NULL ? length + 1 : length;

	*line_r = *text;
	*text += used;
	*left -= used;
	while (length > 0 && strchr(" \t\r", (*line_r)[length - 1]) != NULL &&
	       (*line_r)[length - 1] != '\0')
		length--;
	return length;
}

int secret_parse(const char *text, size_t length, struct secret *secret_r,
		 struct ls_error *error_r)
{
	unsigned number = 0;

	memset(secret_r, 0, sizeof(*secret_r));
	while (length > 0) {
		const char *line, *wrong;
		size_t size = cut_line(&text, &length, &line);

		number++;
		if (size == 0 || line[0] == '#')
			continue;
		wrong = secret_r->keys == SECRET_KEYS_MAX ?
			"is one secret too many; 4 are the most" :
			parse_line(line, size, &secret_r->key[secret_r->keys]);
		if (wrong != NULL) {
			secret_wipe(secret_r);
			return error_set(error_r, LS_EFORMAT, "line %u %s",
					 number, wrong);
		}
		secret_r->keys++;
	}
	if (secret_r->keys == 0)
		return error_set(error_r, LS_EFORMAT, "holds no secret");
	return 0;
}

static int check_file(int fd, const char *path, struct ls_error *error_r)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return error_set(error_r, LS_ESYS, "%s: %s", path,
				 strerror(errno));
	if (!S_ISREG(st.st_mode))
		return error_set(error_r, LS_EACCES,
				 "%s: is not a regular file", path);
	if ((st.st_mode & 077) != 0)
		return error_set(error_r, LS_EACCES,
				 "%s: mode %04o is open to others; "
				 "it must be 0600", path,
				 (unsigned)st.st_mode & 07777);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return error_set(error_r, LS_EACCES,
				 "%s: belongs to uid %u; it must belong to "
				 "root or uid %u", path, (unsigned)st.st_uid,
				 (unsigned)geteuid());
	return 0;
}

/* Returns the number of bytes, at most size, or negative. */
static ssize_t read_all(int fd, char *buffer, size_t size)
{
	size_t used = 0;

	while (used < size) {
		ssize_t got = read(fd, buffer + used, size - used);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		used += (size_t)got;
	}
	return (ssize_t)used;
}

int secret_parse_line(const char *text, size_t length, char *line_r,
		      size_t size, struct ls_error *error_r)
{
	const char *wrong = NULL;
	size_t found = 0;

	line_r[0] = '\0';
	while (length > 0 && wrong == NULL) {
		const char *line;
		size_t len = cut_line(&text, &length, &line);

		for (; len > 0 && (*line == ' ' || *line == '\t'); len--)
			line++;
		if (len == 0 || line[0] == '#')
			continue;
		for (size_t i = 0; i < len; i++) {
			if (line[i] <= ' ' || line[i] > '~')
				wrong = "holds a blank, or what is not ASCII";
		}
		if (found > 0)
			wrong = "holds more than one line";
		else if (len >= size)
			wrong = "holds a line that is too long";
		if (wrong == NULL) {
			memcpy(line_r, line, len);
			line_r[len] = '\0';
			found = len;
		}
	}
	if (found == 0 && wrong == NULL)
		wrong = "is empty";
	if (wrong == NULL)
		return 0;
	sodium_memzero(line_r, size);
	return error_set(error_r, LS_EFORMAT, "%s", wrong);
}

/* What a file's text is made into. */
struct made {
	struct secret *secret; /* or NULL: a line */
	char *line;
	size_t size;
};

static int make_webhook_secret(const char *text, size_t length,
			       const struct made *made,
			       struct ls_error *error_r)
{
	if (made->secret != NULL)
		return secret_parse(text, length, made->secret, error_r);
	return secret_parse_line(text, length, made->line, made->size,
				 error_r);
}

static int read_secret_file(int fd, const char *path, const struct made *made,
			    struct ls_error *error_r)
{
	char text[SECRET_FILE_MAX + 1];
	struct ls_error wrong;
	ssize_t length;
	int ret;

	length = read_all(fd, text, sizeof(text));
	if (length < 0)
		ret = error_set(error_r, LS_ESYS, "%s: %s", path,
				strerror(errno));
	else if (length > SECRET_FILE_MAX)
		ret = error_set(error_r, LS_EFORMAT,
				"%s: is larger than %d bytes", path,
				SECRET_FILE_MAX);
	else if ((ret = make_webhook_secret(text, (size_t)length, made,
					    &wrong)) < 0)
		error_set(error_r, ret, "%s: %s", path, wrong.text);
	sodium_memzero(text, sizeof(text));
	return ret;
}

static int read_path(const char *path, const struct made *made,
		     struct ls_error *error_r)
{
	int fd, ret;

	/* O_NONBLOCK: a FIFO in its place must not hang the daemon */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return error_set(error_r, LS_ESYS, "%s: %s", path,
				 strerror(errno));
	ret = check_file(fd, path, error_r);
	if (ret == 0)
		ret = read_secret_file(fd, path, made, error_r);
	close(fd);
	return ret;
}

int secret_read(const char *path, struct secret *secret_r,
		struct ls_error *error_r)
{
	const struct made made = { .secret = secret_r };

	memset(secret_r, 0, sizeof(*secret_r));
	return read_path(path, &made, error_r);
}

int secret_read_line(const char *path, char *line_r, size_t size,
		     struct ls_error *error_r)
{
	const struct made made = { .line = line_r, .size = size };

	line_r[0] = '\0';
	return read_path(path, &made, error_r);
}
