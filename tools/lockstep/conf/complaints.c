/* complaints.c - see complaints.h */
#include "lockstep-config.h"

#include "conf/complaints.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void out_of_memory(void)
{
	fputs("lockstep: out of memory\n", stderr);
	exit(EXIT_FAILURE);
}

void *conf_alloc(size_t size)
{
	void *memory = calloc(1, size);

	if (memory == NULL)
		out_of_memory();
	return memory;
}

/* Room for one more element, doubled whenever count is a power of two. */
void *conf_grow(void *array, size_t count, size_t size)
{
	if ((count & (count - 1)) != 0)
		return array;
	if (count > SIZE_MAX / 2 / size)
		out_of_memory();
	array = realloc(array, (count == 0 ? 1 : 2 * count) * size);
	if (array == NULL)
		out_of_memory();
	return array;
}

char *conf_copy(const char *text, size_t len)
{
	char *copy = conf_alloc(len + 1);

	memcpy(copy, text, len);
	return copy;
}

__attribute__((format(printf, 4, 0))) static void
add(struct conf_log *log, const struct conf_place *place, bool warning,
    const char *format, va_list args)
{
	struct conf_message *message;

	log->messages =
		conf_grow(log->messages, log->count, sizeof(*log->messages));
	message = &log->messages[log->count++];
	message->place = *place;
	message->warning = warning;
	if (vasprintf(&message->text, format, args) < 0)
		out_of_memory();
	if (!warning)
		log->errors++;
}

void conf_error(struct conf_log *log, const struct conf_place *place,
		const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(log, place, false, format, args);
	va_end(args);
}

void conf_warning(struct conf_log *log, const struct conf_place *place,
		  const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(log, place, true, format, args);
	va_end(args);
}

/* Does a come after b? Both are of `first`, or neither is. */
static bool is_after(const struct conf_message *a, const struct conf_message *b,
		     const char *first)
{
	bool a_first = strcmp(a->place.file, first) == 0;
	bool b_first = strcmp(b->place.file, first) == 0;
	int order = strcmp(a->place.file, b->place.file);

	if (a_first != b_first)
		return b_first;
	return order > 0 || (order == 0 && a->place.line > b->place.line);
}

/* By insertion: it keeps the order of messages about one line, and a log that
 * is long enough for that to matter is read by nobody. */
void conf_log_sort(struct conf_log *log, const char *first)
{
	for (size_t i = 1; i < log->count; i++) {
		struct conf_message message = log->messages[i];
		size_t j = i;

		for (;
		     j > 0 && is_after(&log->messages[j - 1], &message, first);
		     j--)
			log->messages[j] = log->messages[j - 1];
		log->messages[j] = message;
	}
}

void conf_log_clear(struct conf_log *log)
{
	for (size_t i = 0; i < log->count; i++)
		free(log->messages[i].text);
	free(log->messages);
	*log = (struct conf_log){ NULL, 0, 0 };
}

void conf_log_move(struct conf_log *log, struct conf_log *from)
{
	for (size_t i = 0; i < from->count; i++) {
		log->messages = conf_grow(log->messages, log->count,
					  sizeof(*log->messages));
		log->messages[log->count++] = from->messages[i];
	}
	log->errors += from->errors;
	free(from->messages);
	*from = (struct conf_log){ NULL, 0, 0 };
}
