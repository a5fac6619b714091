/* progress.c - see progress.h */
#include "lockstep-config.h"

#include "print/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CELLS = 40 };

void progress_begin(struct progress *progress, const char *what)
{
	*progress = (struct progress){ .what = what, .percent = -1 };
}

void progress_show(void *context, double part)
{
	struct progress *progress = context;
	int percent = part < 0 ? 0 : part > 1 ? 100 : (int)(100 * part);
	char bar[CELLS + 1];
	int full = percent * CELLS / 100;

	if (percent == progress->percent || isatty(STDERR_FILENO) != 1)
		return;
	progress->percent = percent;
	progress->shown = true;
	memset(bar, '#', (size_t)full);
	memset(bar + full, '.', (size_t)(CELLS - full));
	bar[CELLS] = '\0';
	fprintf(stderr, "\r%-10s %s %3d %%", progress->what, bar, percent);
	fflush(stderr);
}

void progress_end(struct progress *progress)
{
	if (progress->shown)
		fprintf(stderr, "\r%*s\r", CELLS + 17, "");
	progress->shown = false;
}
