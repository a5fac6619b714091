/* seen.c - see seen.h */
#include "lockstep-config.h"

#include "logs/seen.h"

#include <stdlib.h>
#include <string.h>

static uint32_t network_number(struct places *places,
			       const struct attempt *attempt,
			       const struct ls_prefix *net)
{
	struct {
		struct ls_addr net;
		uint32_t user;
	} key = { net->addr, attempt->user };
	uint32_t *number = keymap_put(&places->map,
				      names_hash(&key, sizeof(key)),
				      UINT32_MAX);

	if (*number != UINT32_MAX)
		return *number;
	*number = (uint32_t)places->count;
	if (places->count == places->room) {
		places->room = places->room > 0 ? 2 * places->room : 1024;
		places->list = names_resize(places->list, places->room,
					    sizeof(*places->list));
	}
	places->list[places->count++] = (struct place){
		.user = attempt->user, .net = *net, .ip = attempt->ip
	};
	return *number;
}

void places_of(struct places *places, struct attempts *attempts,
	       const struct ls_policy *policy)
{
	struct ls_nat64 nat64;

	(void)ls_nat64_parse(policy->nat64, &nat64, NULL); /* was checked */
	memset(places, 0, sizeof(*places));
	places->of = names_resize(NULL, attempts->count + 1,
				  sizeof(*places->of));
	for (size_t i = 0; i < attempts->count; i++) {
		struct attempt *attempt = &attempts->list[i];
		struct ls_prefix net;
		struct place *place;

		ls_addr_unwrap(&nat64, &attempt->ip);
		net = ls_prefix_of(&attempt->ip, (unsigned)policy->net.prefix4,
				   (unsigned)policy->net.prefix6);
		places->of[i] = network_number(places, attempt, &net);
		place = &places->list[places->of[i]];
		if (attempt->outcome != LS_OUTCOME_SUCCESS)
			continue;
		if (place->first_ms == 0)
			place->first_ms = attempt->at_ms;
		place->last_ms = attempt->at_ms;
		place->ip = attempt->ip;
	}
}

void places_free(struct places *places)
{
	free(places->list);
	free(places->of);
	keymap_free(&places->map);
	memset(places, 0, sizeof(*places));
}
