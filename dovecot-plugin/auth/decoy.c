/* decoy.c - see decoy.h */
#include "lockstep-config.h"
#include "auth-common.h"
#include "compat.h"
#include "base64.h"
#include "hash.h"
#include "hmac.h"
#include "passdb.h"
#include "randgen.h"
#include "sha2.h"
#include "str.h"
#include "auth/decoy.h"

enum {
	DEFAULT_ITERATIONS = 4096, /* Dovecot's, when it makes credentials */
	SALT_BYTES = 16,
};

struct decoy {
	char *name;              /* scheme, space, user; NULL: free */
	unsigned int iterations; /* 0: gets no challenge */
	char salt[DECOY_SALT_TEXT];
};

static struct decoy *decoys;
static unsigned char salt_key[SHA256_RESULTLEN];
/* Of the last user that was learnt: what to expect of one not seen before. */
static unsigned int usual_iterations = DEFAULT_ITERATIONS;
static bool salts_vary;

static size_t key_size(const char *scheme)
{
	if (strcasecmp(scheme, "SCRAM-SHA-1") == 0)
		return 20;
	if (strcasecmp(scheme, "SCRAM-SHA-256") == 0)
		return 32;
	return 0;
}

static const char *decoy_name(const char *scheme, const char *user)
{
	return t_strconcat(scheme, " ", user, NULL);
}

static struct decoy *decoy_slot(const char *name)
{
	return &decoys[str_hash(name) % DECOY_USERS];
}

static void learn_scheme(struct decoy *decoy, const char *name,
			 unsigned int iterations, const char *salt)
{
	bool known = null_strcmp(decoy->name, name) == 0;

	if (iterations != 0) {
		if (known && decoy->iterations != 0)
			salts_vary = strcmp(decoy->salt, salt) != 0;
		usual_iterations = iterations;
	}
	if (!known) {
		i_free(decoy->name);
		decoy->name = i_strdup(name);
	}
	decoy->iterations = iterations;
	i_strocpy(decoy->salt, salt, sizeof(decoy->salt));
}

void decoy_learn(const char *scheme, const char *user,
		 enum passdb_result result, const unsigned char *credentials,
		 size_t size)
{
	const char *name = decoy_name(scheme, user);
	struct decoy *decoy = decoy_slot(name);
	const char *const *fields;
	unsigned int iterations;

	if (key_size(scheme) == 0 || result == PASSDB_RESULT_INTERNAL_FAILURE)
		return;
	if (result != PASSDB_RESULT_OK) {
		learn_scheme(decoy, name, 0, "");
		return;
	}
	fields = t_strsplit(t_strndup(credentials, size), ",");
	if (str_array_length(fields) != 4 ||
	    str_to_uint(fields[0], &iterations) < 0 || iterations == 0 ||
	    strlen(fields[1]) >= sizeof(decoy->salt))
		return;
	learn_scheme(decoy, name, iterations, fields[1]);
}

static void append_random(string_t *str, size_t size)
{
	unsigned char bytes[SHA256_RESULTLEN];

	i_assert(size <= sizeof(bytes));
	random_fill(bytes, size);
	base64_encode(bytes, size, str);
}

const char *decoy_credentials(const char *scheme, const char *user)
{
	const char *name = decoy_name(scheme, user);
	const struct decoy *decoy = decoy_slot(name);
	bool known = null_strcmp(decoy->name, name) == 0;
	size_t size = key_size(scheme);
	string_t *str = t_str_new(256);

	if (size == 0 || (known && decoy->iterations == 0))
		return NULL;
	str_printfa(str, "%u,", known ? decoy->iterations : usual_iterations);
	if (salts_vary) {
		append_random(str, SALT_BYTES);
	} else if (known) {
		str_append(str, decoy->salt);
	} else {
		buffer_t *hash = t_hmac_data(&hash_method_sha256, salt_key,
					     sizeof(salt_key), name,
					     strlen(name));
		base64_encode(hash->data, SALT_BYTES, str);
	}
	str_append_c(str, ',');
	append_random(str, size);
	str_append_c(str, ',');
	append_random(str, size);
	return str_c(str);
}

void decoys_init(void)
{
	decoys = i_new(struct decoy, DECOY_USERS);
	random_fill(salt_key, sizeof(salt_key));
}

void decoys_deinit(void)
{
	if (decoys == NULL)
		return;
	for (unsigned int i = 0; i < DECOY_USERS; i++)
		i_free(decoys[i].name);
	i_free(decoys);
}
