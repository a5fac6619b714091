/* subject.c - subjects as people write them; see lockstep.h */
#include "lockstep-config.h"

#include "base/error.h"
#include "state/state.h"

#include <string.h>

int ls_subject_parse(const struct ls_state *state, const char *text,
		     struct ls_subject *subject_r, struct ls_error *error_r)
{
	const struct ls_policy *policy = ls_policy_file_policy(state->policy);
	struct ls_prefix prefix, as_ip, as_net;
	int ret = ls_prefix_parse(text, &prefix);
	char meant[LS_PREFIX_TEXT];

	memset(subject_r, 0, sizeof(*subject_r));
	if (ret == LS_EFORMAT) {
		ls_prefix_format(&prefix, meant);
		return ls_fail(error_r, LS_EARG,
			       "%s: bits are set beyond the prefix; do you "
			       "mean %s?",
			       text, meant);
	}
	if (ret == LS_EARG) {
		if (*text == '\0')
			return ls_fail(error_r, LS_EARG, "an empty name");
		subject_r->kind = LS_KIND_USER;
		ls_user_copy(subject_r->user, text);
		return 0;
	}
	ls_nat64_unwrap(&state->nat64, &prefix);
	as_ip = ls_prefix_of(&prefix.addr, 32, 64);
	as_net = ls_prefix_of(&prefix.addr, (unsigned)policy->net.prefix4,
			      (unsigned)policy->net.prefix6);
	if (prefix.bits == 128 || prefix.bits == as_ip.bits) {
		subject_r->kind = LS_KIND_IP;
		subject_r->net = as_ip;
	} else if (prefix.bits == as_net.bits) {
		subject_r->kind = LS_KIND_NET;
		subject_r->net = as_net;
	} else {
		ls_prefix_format(&as_net, meant);
		return ls_fail(error_r, LS_EARG,
			       "%s: nothing is metered by this length; an "
			       "address or %s",
			       text, meant);
	}
	return 0;
}

struct ls_subject ls_subject_place(const struct ls_state *state,
				   const char *user,
				   const struct ls_prefix *where)
{
	const struct ls_policy *policy = ls_policy_file_policy(state->policy);
	struct ls_subject subject;

	memset(&subject, 0, sizeof(subject));
	subject.kind = LS_KIND_PLACE;
	subject.net = ls_prefix_of(&where->addr, (unsigned)policy->net.prefix4,
				   (unsigned)policy->net.prefix6);
	ls_user_copy(subject.user, user);
	return subject;
}
