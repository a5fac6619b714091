/* week.c - write the log of a synthetic week, to measure lockstep replay with
 *
 *   ./week [TIMES [FORM]]   on standard output; so many of each (100), in the
 *                           form 0, 1 or 2 of week.h (0) */
#include "lockstep-config.h"

#include "week.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	unsigned long times = argc > 1 ? strtoul(argv[1], NULL, 10) : 100;
	unsigned long form = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	struct week week;

	if (argc > 3 || times < 1 || times > 250 || form >= WEEK_FORMS) {
		fputs("usage: week [TIMES [FORM]]\n", stderr);
		return 2;
	}
	week_make(&week, UINT64_C(1794787200000), (unsigned)times);
	for (size_t i = 0; i < week.count; i++) {
		char text[WEEK_TEXT];

		week_text(&week.list[i], (enum week_form)form, text);
		fputs(text, stdout);
	}
	week_free(&week);
	return fflush(stdout) == 0 ? 0 : 1;
}
