/* policy.h - the policy in force, and its form in policy.cdb
 *
 * The compiler (tools/) fills a struct ls_policy from the administrator's text
 * and writes it; every other program reads it. Both go by one table of fields,
 * so a field is described once: its name in lockstep.conf, its type, where it
 * lives in the struct.
 *
 * policy.cdb, all numbers little-endian:
 *
 *   key              value
 *   "lockstep"       u32 format version, u64 real time of compilation in ms
 *   "policy"         fields of the whole policy
 *   "user" NAME      fields that this account overrides
 *   "domain" NAME    fields that the accounts of this domain override
 *   "net" 16B 1B     address and bits: fields that this network overrides
 *   "webhook" u32    fields of one webhook, by number from 0
 *
 *   fields:  +---------+---------+-----------------+
 *            | id  u16 | len u16 | len bytes value | ...
 *            +---------+---------+-----------------+
 *
 * Unknown keys and ids are skipped, so that a newer compiler serves older
 * programs; a field that is missing has its default. A NAME is as the mail
 * server has it, a domain's in lower case. A network's address is masked. */
#ifndef LS_POLICY_H
#define LS_POLICY_H

#include "base/limit.h"
#include "base/nat64.h"
#include "lockstep.h"

enum { LS_POLICY_VERSION = 1 };

enum { LS_MODE_ENFORCE = 0, LS_MODE_OBSERVE = 1 };
enum { LS_REVEAL_NEVER = 0, LS_REVEAL_FREEZE = 1, LS_REVEAL_ALWAYS = 2 };
enum { LS_TLS_NEVER = 0, LS_TLS_STRANGERS = 1, LS_TLS_ALWAYS = 2 };
enum { LS_ON_FREEZE_HOLD = 0, LS_ON_FREEZE_REJECT = 1 };

enum { LS_WEBHOOKS_MAX = 64 }; /* in a policy */

/* Of a rule: the whole of a `limit` section. */
enum { LS_RULE_ENFORCE = 0, LS_RULE_OBSERVE = 1 };

struct ls_policy {
	uint64_t mode, reveal, require_tls; /* LS_MODE_*, LS_REVEAL_*, LS_TLS_* */
	char state_dir[LS_PATH_SIZE];
	char group[64];   /* may change the state; "": root alone */
	char readers[64]; /* may read it; "": nobody besides */
	char auth_user[64]; /* that Dovecot's auth process runs as */
	uint64_t subjects, journal_size, contacts;
	char nat64[LS_PATH_SIZE]; /* as ls_nat64_parse() takes it */
	uint64_t familiar_ms, strike_fades_ms;
	struct {
		struct ls_limit failures[LS_SPEEDS], accounts[LS_SPEEDS], logins;
		struct ls_range lock;
		uint64_t mode; /* LS_RULE_*, as in the others */
	} ip;
	struct {
		struct ls_limit failures[LS_SPEEDS], accounts[LS_SPEEDS];
		struct ls_range lock;
		uint64_t mode, prefix4, prefix6;
	} net;
	struct {
		struct ls_limit failures[LS_SPEEDS], places, logins;
		struct ls_limit master_logins; /* to other accounts */
		uint64_t sessions;
		struct ls_range lock;
		uint64_t mode;
		uint64_t suspicious_at; /* percent of failures */
		uint64_t probation_ms;
	} user;
	struct {
		struct ls_limit failures[LS_SPEEDS], repeats;
		struct ls_range lock;
		uint64_t mode;
	} place;
	struct {
		struct ls_limit accounts;
		struct ls_range lock;
		uint64_t mode;
	} guess;
	struct {
		struct ls_limit messages, recipients, new_recipients, senders;
		uint64_t freeze_at; /* percent of messages, recipients */
		uint64_t on_freeze; /* LS_ON_FREEZE_* */
		uint64_t freeze_ms;
		uint64_t probation_divisor;
		uint64_t mode;
	} sending;
	struct {
		struct ls_limit messages, recipients;
		uint64_t mode;
	} relay;
	uint64_t trusted, denied; /* of a network: 1 when it is */
};

/* How a field is written, in lockstep.conf and in policy.cdb. */
enum ls_field_type {
	LS_FIELD_CHOICE,   /* one word of `choices`    u64, its place there */
	LS_FIELD_NUMBER,   /* 50                       u64 */
	LS_FIELD_DURATION, /* "30d", "90s"             u64 ms */
	LS_FIELD_LIMIT,    /* "600/5m", "0" is none    u64 units, u64 ms */
	LS_FIELD_LIMITS,   /* "10/10m, 50/1d"          the same, twice */
	LS_FIELD_RANGE,    /* "10m..1d"                u64 ms, u64 ms */
	LS_FIELD_PATH,     /* "/run/lockstep"          bytes, no NUL */
	LS_FIELD_TEXT,     /* "lockstep"               bytes, no NUL */
	LS_FIELD_PREFIXES, /* { "2001:db8::/96" }      bytes, no NUL; comma and blank
			    * between */
	LS_FIELD_FLAG,     /* set by a list elsewhere  u64, 0 or 1 */
};

enum { /* flags of a field */
	LS_FIELD_BY_USER = 1, /* an account may override it, or its domain */
	LS_FIELD_BY_NET = 2,  /* a network may */
};

struct ls_field {
	uint16_t id;         /* in policy.cdb: never renumber */
	const char *section; /* "ip" of `limit ip { }`; NULL: at the top */
	const char *name;
	enum ls_field_type type;
	unsigned flags;       /* LS_FIELD_BY_* */
	size_t offset, size;  /* in struct ls_policy */
	uint64_t min, max;    /* of a NUMBER, of the units of a limit, of a
			       * DURATION and either end of a RANGE in ms */
	const char *preset;   /* the default, as an administrator writes it */
	const char *const *choices; /* NULL-ended, for a CHOICE */
};

/* The table, in the order of lockstep.conf; ends with a NULL name. A limit
 * drains at most one unit a millisecond, over at most 366 days: what a meter
 * in milliseconds can hold to. */
enum { LS_FIELD_COUNT = 54 };
extern const struct ls_field ls_fields[LS_FIELD_COUNT + 1];

/* Read one value as an administrator writes it into `policy`. Returns 0, or
 * LS_EARG with the reason (without the file or the key: the caller has those).
 * Checks the value alone: nothing between fields. */
int ls_field_parse(const struct ls_field *field, const char *text,
		   struct ls_policy *policy, struct ls_error *error_r);
enum { LS_FIELD_TEXT_SIZE = LS_PATH_SIZE + 16 };
/* The same value back as text ("10/10m, 50/1d"). */
void ls_field_format(const struct ls_field *field,
		     const struct ls_policy *policy,
		     char text_r[LS_FIELD_TEXT_SIZE]);

/* "90s", "10m", "30d", "250ms": a whole number and ms, s, m, h, d or w.
 * Returns 0 or LS_EARG. */
int ls_duration_parse(const char *text, uint64_t *ms_r);
enum { LS_DURATION_TEXT = 24 };
/* The same back, in the largest unit up to days that goes in evenly ("90s"). */
void ls_duration_format(uint64_t ms, char text_r[LS_DURATION_TEXT]);

/* Every default: what an empty lockstep.conf means. */
void ls_policy_presets(struct ls_policy *policy_r);

/* ---- writing (the compiler) ------------------------------------------ */

struct ls_policy_writer;

/* Begin a new policy.cdb at path; the file there stays until the commit.
 * Returns 0 or negative with the reason; *writer_r goes to commit or abort. */
int ls_policy_writer_init(const char *path, struct ls_policy_writer **writer_r,
			  struct ls_error *error_r);
/* Each adds to it; an error sticks, and the commit tells of it.
 *   fields  NULL: all of them; else those in it that are not NULL, ended by one
 *           that is: the overridden ones */
void ls_policy_writer_policy(struct ls_policy_writer *writer,
			     const struct ls_policy *policy);
void ls_policy_writer_user(struct ls_policy_writer *writer, const char *name,
			   const struct ls_policy *policy,
			   const struct ls_field *const *fields);
void ls_policy_writer_domain(struct ls_policy_writer *writer, const char *name,
			     const struct ls_policy *policy,
			     const struct ls_field *const *fields);
void ls_policy_writer_net(struct ls_policy_writer *writer,
			  const struct ls_prefix *net,
			  const struct ls_policy *policy,
			  const struct ls_field *const *fields);
void ls_policy_writer_webhook(struct ls_policy_writer *writer,
			      const struct ls_webhook *webhook);
struct ls_policy_file;
/* All that another policy.cdb says beside the whole policy: what accounts,
 * domains and networks override, and the webhooks. */
void ls_policy_writer_rest(struct ls_policy_writer *writer,
			   const struct ls_policy_file *file);
/* fsync, rename over path, fsync the directory; mode 0644. Frees the writer.
 * Returns 0, or negative with the reason, the old file then still in place
 * (but for a failure of that last fsync, which the reason says). */
int ls_policy_writer_commit(struct ls_policy_writer **writer, uint64_t real_ms,
			    struct ls_error *error_r);
void ls_policy_writer_abort(struct ls_policy_writer **writer);

/* ---- reading --------------------------------------------------------- */

/* Open and check policy.cdb in directory dirfd. Every record and every entry of
 * the hash tables is looked at once, here, so that what a later lookup cannot
 * use is told of now. The file stays mapped, not open.
 *   name   for messages, the whole path; the last component is opened
 * Returns 0 or negative with the reason, *file_r NULL: LS_ENOENT when it is not
 * there, LS_EVERSION, LS_EFORMAT, LS_ESYS. */
int ls_policy_file_open(int dirfd, const char *name,
			struct ls_policy_file **file_r,
			struct ls_error *error_r);
/* The same for a process that asks it once or twice: the file is mapped and not
 * copied, and only what is asked for is looked at, so that the cost does not grow
 * with the file. Fields that are damaged count as not written, webhooks are not
 * counted. One that is cut short meanwhile has no overrides. */
int ls_policy_file_peek(int dirfd, const char *name,
			struct ls_policy_file **file_r,
			struct ls_error *error_r);
void ls_policy_file_close(struct ls_policy_file **file);

/* Is what was read still what has this name? */
bool ls_policy_file_is_at(const struct ls_policy_file *file, int dirfd,
			  const char *name);

/* What the file says for everybody. Lives as long as the file. */
const struct ls_policy *ls_policy_file_policy(const struct ls_policy_file *file);
uint64_t ls_policy_file_compiled_real_ms(const struct ls_policy_file *file);

/* What holds for this account at this address: the network's overrides (the
 * longest prefix alone: the compiler has laid it over the shorter ones), the
 * domain's, then the account's, laid over the whole policy. An IPv6 prefix
 * never holds an IPv4 address, however short. user and ip may be NULL. Returns
 * the whole policy itself when nothing overrides it, else `own` filled in. Does
 * no more than compare a few numbers while the file has no overrides. */
const struct ls_policy *ls_policy_file_lookup(const struct ls_policy_file *file,
					      const char *user,
					      const struct ls_addr *ip,
					      struct ls_policy *own);

/* An override as the file has it. Of a network: with what it has from the wider
 * ones around it. */
struct ls_override {
	enum { LS_OVERRIDE_USER, LS_OVERRIDE_DOMAIN, LS_OVERRIDE_NET } kind;
	char name[LS_USER_MAX + 1]; /* USER, DOMAIN */
	struct ls_prefix net;       /* NET */
	struct ls_policy policy;    /* the whole, with the override laid over */
	bool set[LS_FIELD_COUNT];   /* which of ls_fields it overrides */
};
typedef void ls_override_fn(void *context, const struct ls_override *override);

/* Visit all of them, in the order of the file. Returns 0 or negative with the
 * reason. */
int ls_policy_file_overrides(const struct ls_policy_file *file,
			     ls_override_fn *visit, void *context,
			     struct ls_error *error_r);

/* Returns 1 with webhook `index`, 0 when there are fewer. */
int ls_policy_file_webhook(const struct ls_policy_file *file, unsigned index,
			   struct ls_webhook *webhook_r);

#endif
