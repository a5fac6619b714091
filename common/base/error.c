/* error.c - see error.h */
#include "lockstep-config.h"

#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int ls_fail(struct ls_error *error_r, int code, const char *format, ...)
{
	va_list args;

	if (error_r == NULL)
		return code;
	error_r->code = code;
	va_start(args, format);
	vsnprintf(error_r->text, sizeof(error_r->text), format, args);
	va_end(args);
	return code;
}

int ls_fail_sys(struct ls_error *error_r, const char *what, const char *path)
{
	int saved = errno;

	return ls_fail(error_r, LS_ESYS, "%s %s: %s", what, path,
		       strerror(saved));
}
