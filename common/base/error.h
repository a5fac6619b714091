/* error.h - how the library fills in a struct ls_error */
#ifndef LS_ERROR_H
#define LS_ERROR_H

#include "lockstep.h"

/* Write `code` and a formatted text, cut to fit, to *error_r (may be NULL).
 * Returns `code`, so that a caller can fail in one statement. */
__attribute__((format(printf, 3, 4))) int
ls_fail(struct ls_error *error_r, int code, const char *format, ...);

/* The same for a system call: LS_ESYS, "<what> <path>: <strerror>" of errno. */
int ls_fail_sys(struct ls_error *error_r, const char *what, const char *path);

#endif
