/* answer-sending.c - see answer.h: what an account sends, and what
 * an address does without a login */
#include "lockstep-config.h"

#include "cli.h"
#include "print/columns.h"
#include "print/json.h"
#include "print/level.h"
#include "verbs/answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static void print_level(const struct columns *columns,
			const struct ls_level *level)
{
	char meter[48];
	struct level_cells of;
	const char *const cells[] = { meter, of.units, of.limit, of.empty,
				      of.room };
	enum colour colour = level_cells(level, &of);

	snprintf(meter, sizeof(meter), "%s%s%s",
		 level->attempted ? "attempted " : "",
		 ls_reason_name(level->reason),
		 level->observed ? " (observed)" : "");
	columns_row(columns, colour, cells);
}

static void print_contacts(const struct answer *answer)
{
	const struct ls_sending *sends = &answer->sends;
	time_t since = (time_t)(sends->since_real_ms / 1000);
	char day[32] = "?";
	struct tm tm;

	if (!sends->contacts && answer->no_contacts[0] != '\0') {
		printf("whom it wrote to before is not known: %s\n",
		       answer->no_contacts);
		return;
	}
	if (!sends->contacts) {
		puts("whom it wrote to before is not known: there is no file "
		     "of contacts");
		return;
	}
	if (sends->since_real_ms == 0) {
		puts("it wrote to nobody yet");
		return;
	}
	if (gmtime_r(&since, &tm) != NULL)
		strftime(day, sizeof(day), "%Y-%m-%d", &tm);
	printf("%" PRIu64 " contact%s, known since %s; new ones count%s\n",
	       sends->known, ls_plural_s(sends->known), day, sends->learnt ? "" : " from 14 days on");
}

static void print_levels(const char *title, const struct ls_level *level,
			 unsigned count)
{
	const struct column column[] = {
		{ .title = title, .width = 28, .grows = true },
		{ .title = "LEVEL", .width = 8, .right = true },
		{ .title = "LIMIT", .width = 15 },
		{ .title = "EMPTY IN", .width = 10 },
		{ .title = "ROOM IN", .width = 10 },
	};
	struct columns columns;

	putchar('\n');
	columns_init(&columns, column, sizeof(column) / sizeof(*column));
	columns_head(&columns);
	for (unsigned i = 0; i < count; i++)
		print_level(&columns, &level[i]);
}

void answer_print_sending(const struct answer *answer)
{
	const struct ls_sending *sends = &answer->sends;

	print_levels("SENDS", sends->level, sends->levels);
	if (sends->probation)
		puts("on probation: its limits are divided");
	print_contacts(answer);
}

void answer_print_relaying(const struct ls_relaying *relays)
{
	print_levels("RELAYS", relays->level, relays->levels);
	if (relays->exempt)
		puts("trusted: these limits do not hold for it");
}

static json_t *print_sending_meters(const struct ls_level *levels,
				    unsigned count)
{
	json_t *meters = json_array();

	for (unsigned i = 0; i < count; i++) {
		const struct ls_level *level = &levels[i];
		json_t *object = level_json(level);

		json_put(object, "attempted", json_boolean(level->attempted));
		json_array_append_new(meters, object);
	}
	return meters;
}

json_t *answer_sending_json(const struct answer *answer)
{
	const struct ls_sending *sends = &answer->sends;
	json_t *object = json_object();

	json_put(object, "meters",
		 print_sending_meters(sends->level, sends->levels));
	json_put(object, "probation", json_boolean(sends->probation));
	if (answer->no_contacts[0] != '\0')
		json_put_text(object, "contacts_problem", answer->no_contacts);
	if (!sends->contacts)
		return object;
	json_put_number(object, "contacts", sends->known);
	if (sends->since_real_ms != 0)
		json_put_real_time(object, "contacts_since",
				   sends->since_real_ms);
	json_put(object, "new_recipients_count", json_boolean(sends->learnt));
	return object;
}

json_t *answer_relaying_json(const struct ls_relaying *relays)
{
	json_t *object = json_object();

	json_put(object, "meters",
		 print_sending_meters(relays->level, relays->levels));
	json_put(object, "exempt", json_boolean(relays->exempt));
	return object;
}
