/* version.c - lockstep --version */
#include "lockstep-config.h"

#include "cli.h"

#include <stdio.h>

void cli_print_version(void)
{
	puts("lockstep " PACKAGE_VERSION "\n"
	     "built against:\n"
	     "  Dovecot    " LS_DOVECOT_VERSION ", ABI " LS_DOVECOT_ABI "\n"
	     "  libsodium  " LS_SODIUM_VERSION "\n"
	     "  tinycdb    " LS_CDB_VERSION "\n"
	     "  libcurl    " LS_CURL_VERSION "\n"
	     "  jansson    " LS_JANSSON_VERSION "\n"
	     "  libConfuse " LS_CONFUSE_VERSION "\n"
	     "  ncurses    " LS_NCURSES_VERSION "\n"
	     "  zlib       " LS_ZLIB_VERSION);
}
