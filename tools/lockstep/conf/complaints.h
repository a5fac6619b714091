/* complaints.h - what is wrong with a configuration, all of it
 *
 * Messages are gathered with the place they are about, and told at the end in
 * the order of the files. Running out of memory ends the program. */
#ifndef LOCKSTEP_CONF_LOG_H
#define LOCKSTEP_CONF_LOG_H

#include <stdbool.h>
#include <stddef.h>

struct conf_place {
	const char *file; /* outlives the log */
	unsigned line;    /* 0: the file as a whole */
};

struct conf_message {
	struct conf_place place;
	bool warning; /* the configuration can be used all the same */
	char *text;
};

struct conf_log {
	struct conf_message *messages;
	size_t count, errors;
};

__attribute__((format(printf, 3, 4))) void
conf_error(struct conf_log *log, const struct conf_place *place,
	   const char *format, ...);
__attribute__((format(printf, 3, 4))) void
conf_warning(struct conf_log *log, const struct conf_place *place,
	     const char *format, ...);

/* By file, `first` before the others, then by line. */
void conf_log_sort(struct conf_log *log, const char *first);
void conf_log_clear(struct conf_log *log);
/* Append all of `from`, which is empty then. */
void conf_log_move(struct conf_log *log, struct conf_log *from);

/* As malloc's family, but end the program when memory is out. */
void *conf_alloc(size_t size);
void *conf_grow(void *array, size_t count, size_t size);
char *conf_copy(const char *text, size_t len);

#endif
