/* list-stale.c - lockstep list stale, read from the journals */
#include "lockstep-config.h"

#include "host/journals.h"
#include "logs/interned.h"
#include "print/columns.h"
#include "print/json.h"
#include "verbs/list.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whoever mistypes does it twice; a device does not stop. */
enum { STALE_FROM = 3 };

struct device {
	struct ls_subject who; /* account and address */
	char service[LS_SERVICE_MAX + 1];
	uint64_t times, first_ms, last_ms;
	uint64_t pause_ms; /* the longest between two of its tries */
	uint64_t success_ms; /* the last one from there, of any device */
};

struct devices {
	struct device *device;
	size_t count, room;
	struct keymap number; /* of each, by who it is */
};

static uint64_t stale_key(const struct ls_subject *who)
{
	char key[sizeof(who->net.addr) + sizeof(who->user)];
	size_t length = strlen(who->user);

	memcpy(key, &who->net.addr, sizeof(who->net.addr));
	memcpy(key + sizeof(who->net.addr), who->user, length);
	return names_hash(key, sizeof(who->net.addr) + length);
}

/* The device that this is an attempt of. */
static struct device *device_of(struct devices *devices,
				const struct ls_record *record)
{
	const struct ls_subject *who = &record->subject;
	struct device *device;
	uint32_t *number;

	number = keymap_put(&devices->number, stale_key(who), UINT32_MAX);
	if (*number != UINT32_MAX)
		return &devices->device[*number];
	*number = (uint32_t)devices->count;
	devices->device = list_grow(devices->device, devices->count,
				    &devices->room, sizeof(*devices->device));
	device = &devices->device[devices->count++];
	memset(device, 0, sizeof(*device));
	device->who = *who;
	device->times = 1; /* the try that the first repeats */
	device->first_ms = record->at_ms;
	return device;
}

static void count_repeat(struct devices *devices,
			 const struct ls_record *record)
{
	struct device *device = device_of(devices, record);
	uint64_t pause_ms = device->last_ms != 0
				    ? record->at_ms - device->last_ms
				    : 0;

	if (pause_ms > device->pause_ms)
		device->pause_ms = pause_ms;
	device->times += 1 + record->untold;
	device->last_ms = record->at_ms;
	memcpy(device->service, record->service, sizeof(device->service));
}

static void note_success(struct devices *devices,
			 const struct ls_record *record)
{
	const uint32_t *number =
		keymap_get(&devices->number, stale_key(&record->subject));

	if (number != NULL)
		devices->device[*number].success_ms = record->at_ms;
}

/* Somebody has set the password there: it was the right one since, and the wrong
 * one came no more when it should have, however long it paused before: many try in
 * bursts. Else it may be another device behind the same address that has the right
 * one. */
static bool is_mended(const struct device *device, uint64_t now_ms)
{
	return device->success_ms > device->last_ms &&
	       now_ms - device->last_ms > 2 * device->pause_ms;
}

static void note_stale(struct devices *devices, const struct ls_record *record)
{
	if (record->event != LS_EVENT_LOGIN)
		return;
	if (record->outcome == LS_OUTCOME_SUCCESS)
		note_success(devices, record);
	else if (record->reason == LS_REASON_REPEATS)
		count_repeat(devices, record);
}

static int by_times(const void *a_device, const void *b_device)
{
	const struct device *a = a_device, *b = b_device;

	return (a->times < b->times) - (a->times > b->times);
}

static void print_stale_json(const struct device *device)
{
	json_t *object = json_object();
	char net[LS_PREFIX_TEXT];

	json_put_text(object, "user", device->who.user);
	ls_prefix_format(&device->who.net, net);
	json_put(object, "address", json_string(net));
	json_put_text(object, "service", device->service);
	json_put_number(object, "times", device->times);
	json_put_time(object, "since", device->first_ms);
	json_put_time(object, "last", device->last_ms);
	json_line(object);
}

static void print_device(const struct columns *columns,
			 const struct device *device)
{
	char user[4 * sizeof(device->who.user)], net[LS_PREFIX_TEXT];
	char service[4 * sizeof(device->service)], times[24];
	char since[CLI_TIME_TEXT], last[CLI_TIME_TEXT];
	const char *const cells[] = { user, net, service, times, since, last };

	cli_escape(device->who.user, user, sizeof(user));
	cli_escape(device->service, service, sizeof(service));
	ls_prefix_format(&device->who.net, net);
	snprintf(times, sizeof(times), "%" PRIu64, device->times);
	cli_minute_format(device->first_ms, since);
	cli_minute_format(device->last_ms, last);
	columns_row(columns, COLOUR_NONE, cells);
}

static void print_devices(const struct devices *devices, bool json)
{
	static const struct column column[] = {
		{ .title = "ACCOUNT", .width = 24, .grows = true },
		{ .title = "FROM", .width = 15 },
		{ .title = "BY", .width = 6 },
		{ .title = "TIMES", .width = 6, .right = true },
		{ .title = "SINCE", .width = 12 },
		{ .title = "LAST", .width = 12 },
	};
	struct columns columns;
	unsigned count = 0;

	columns_init(&columns, column, sizeof(column) / sizeof(*column));
	for (size_t i = 0; i < devices->count; i++) {
		if (devices->device[i].times < STALE_FROM)
			break; /* the most often first */
		if (is_mended(&devices->device[i], cli_now_ms()))
			continue;
		if (json) {
			print_stale_json(&devices->device[i]);
			continue;
		}
		if (count++ == 0)
			columns_head(&columns);
		print_device(&columns, &devices->device[i]);
	}
	if (!json && count == 0)
		puts("no device keeps trying one wrong password");
}

int list_stale(const struct listing *listing)
{
	struct devices devices = { .count = 0 };
	const struct ls_record *record;
	struct journals journals;
	enum ls_journal which;

	if (!journals_open(listing->cli, &journals)) {
		journals_close(&journals);
		return CLI_FAILED;
	}
	while ((record = journals_next(&journals, &which)) != NULL)
		if (filter_record(&listing->filter, record))
			note_stale(&devices, record);
	journals_report_lost(&journals);
	journals_close(&journals);
	if (devices.count > 0)
		qsort(devices.device, devices.count, sizeof(*devices.device),
		      by_times);
	print_devices(&devices, listing->json);
	free(devices.device);
	keymap_free(&devices.number);
	return CLI_DONE;
}
