#include "lockstep-config.h"

#include "shared/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void write_line(char *text)
{
	for (char *c = text; *c != '\0'; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	}
	/* stderr is unbuffered: one call keeps the line in one piece */
	fprintf(stderr, "%s: %s\n", program_invocation_short_name, text);
}

__attribute__((format(printf, 1, 0))) static void
write_format(const char *format, va_list args)
{
	char text[1024];

	vsnprintf(text, sizeof(text), format, args);
	write_line(text);
}

void log_line(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_format(format, args);
	va_end(args);
}

void log_fatal(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_format(format, args);
	va_end(args);
	exit(EXIT_FAILURE);
}

void log_changed(struct log_place *place, const char *format, ...)
{
	char text[sizeof(place->text)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (strcmp(text, place->text) == 0)
		return;
	memcpy(place->text, text, sizeof(text));
	write_line(text);
}

bool log_settled(struct log_place *place)
{
	bool said = place->text[0] != '\0';

	place->text[0] = '\0';
	return said;
}

uint64_t log_count_take(struct log_count *count, uint64_t add, uint64_t now_ms)
{
	uint64_t told;

	count->count += add;
	if (count->count == 0 || now_ms < count->quiet_until_ms)
		return 0;
	told = count->count;
	count->count = 0;
	count->quiet_until_ms = now_ms + 60 * 1000;
	return told;
}

int error_set(struct ls_error *error_r, int code, const char *format, ...)
{
	va_list args;

	error_r->code = code;
	va_start(args, format);
	vsnprintf(error_r->text, sizeof(error_r->text), format, args);
	va_end(args);
	return code;
}
