/* echofilter - the least that a policy filter does
 *
 * Reads policy delegation requests on standard input and answers each with
 * DUNNO. ./policy runs it under the same spawn(8) as lockstep-policy, whose
 * round trip is that of this and what deciding costs. */
#include "lockstep-config.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

static const char answer[] = "action=DUNNO\n\n";

int main(void)
{
	char data[16384];
	char last = '\0'; /* byte before those just read */
	ssize_t size;

	while ((size = read(STDIN_FILENO, data, sizeof(data))) > 0) {
		for (ssize_t i = 0; i < size; i++) {
			if (data[i] == '\n' && last == '\n' &&
			    write(STDOUT_FILENO, answer, strlen(answer)) < 0)
				return 1;
			last = data[i];
		}
	}
	return size < 0;
}
