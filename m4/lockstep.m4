# Macros of Lockstep's configure.ac.

# LS_LIBRARY(NAME, MODULE, DEBIAN-PACKAGE)
# NAME_CFLAGS and NAME_LIBS from pkg-config and LS_NAME_VERSION, or a line for the
# list of what is missing.
AC_DEFUN([LS_LIBRARY], [
	PKG_CHECK_MODULES([$1], [$2],
		[ls_version=`$PKG_CONFIG --modversion "$2"`
		AC_DEFINE_UNQUOTED([LS_$1_VERSION], ["$ls_version"],
				   [the $1 that it is built against])],
		[missing="$missing
  $2 (Debian package $3)"])
])

# LS_DOVECOT
# Dovecot's headers and flags, from the dovecot-config that its -dev package
# installs: DOVECOT_CPPFLAGS, DOVECOT_CFLAGS, dovecot_moduledir.
AC_DEFUN([LS_DOVECOT], [
	AC_ARG_WITH([dovecot],
		AS_HELP_STRING([--with-dovecot=DIR],
			       [directory of dovecot-config @<:@/usr/lib/dovecot@:>@]),
		[], [with_dovecot=/usr/lib/dovecot])
	AC_MSG_CHECKING([for dovecot-config])
	AS_IF([test -r "$with_dovecot/dovecot-config"], [
		AC_MSG_RESULT([$with_dovecot/dovecot-config])
		ls_dovecot () { (. "$with_dovecot/dovecot-config" && eval "echo \"\$$[]1\""); }
		# As system headers: their warnings are not ours to fix.
		DOVECOT_CPPFLAGS="-DHAVE_CONFIG_H `ls_dovecot LIBDOVECOT_INCLUDE | sed 's/-I */-isystem /g'`"
		# Only what changes the ABI or the dialect; optimisation is ours.
		DOVECOT_CFLAGS="-std=gnu11"
		AS_IF([test -z "$dovecot_moduledir"],
		      [dovecot_moduledir=`ls_dovecot dovecot_moduledir`])
		ls_dovecot_includedir=`ls_dovecot dovecot_pkgincludedir`
		DOVECOT_VERSION=`sed -n 's/^#define PACKAGE_VERSION "\(.*\)"/\1/p' "$ls_dovecot_includedir/config.h"`
		AS_CASE([$DOVECOT_VERSION],
			[2.3.*|2.4.*], [AC_MSG_NOTICE([Dovecot $DOVECOT_VERSION])],
			[AC_MSG_ERROR([Dovecot "$DOVECOT_VERSION" is neither 2.3 nor 2.4])])
		AC_DEFINE_UNQUOTED([LS_DOVECOT_VERSION], ["$DOVECOT_VERSION"],
				   [the Dovecot that the plugins are built against])
		ls_dovecot_abi=`sed -n 's/^#define DOVECOT_ABI_VERSION "\(.*\)"/\1/p' "$ls_dovecot_includedir/config.h"`
		AC_DEFINE_UNQUOTED([LS_DOVECOT_ABI], ["$ls_dovecot_abi"],
				   [the ABI that its headers name])
	], [
		AC_MSG_RESULT([no])
		missing="$missing
  dovecot-config (Debian package dovecot-dev)"
	])
	AC_SUBST([DOVECOT_CPPFLAGS])
	AC_SUBST([DOVECOT_CFLAGS])
	AC_SUBST([dovecot_moduledir])
])

# LS_PLUGIN_LIBS
# What the modules are linked with. A library that is missing, say since its
# package was removed as not needed any more, would let nobody log in: Dovecot ends
# when it cannot load a module. So they have the few functions that they need of
# libsodium and libcdb in them, where there are archives for that. Nor has a mail
# session, which loads its module anew, to find and load any.
# Debian 12 has libcdb_pic.a. Debian 13 has libcdb.a alone, of position-independent
# code for programs; where the linker takes that for a module, it is as good.
AC_DEFUN([LS_PLUGIN_LIBS], [
	AC_ARG_ENABLE([static-plugin],
		AS_HELP_STRING([--disable-static-plugin],
			       [do not link libsodium and libcdb into the modules]))
	PLUGIN_LIBS="$SODIUM_LIBS $CDB_LIBS"
	PLUGIN_LDFLAGS=
	AS_IF([test "$enable_static_plugin" != no], [
		AC_MSG_CHECKING([for libsodium and libcdb to link into a module])
		ls_libs=$LIBS
		ls_static=no
		for ls_cdb in -lcdb_pic -l:libcdb.a; do
			AS_IF([test "$ls_static" != no], [break])
			LIBS="-shared -fPIC -Wl,-z,text -Wl,--gc-sections -Wl,--exclude-libs,ALL -l:libsodium.a $ls_cdb"
			AC_LINK_IFELSE([AC_LANG_SOURCE([[
				#include <stdio.h>
				#include <cdb.h>
				#include <sodium.h>
				int try_cdb(struct cdb *cdb) { return cdb_init(cdb, 0) || cdb_find(cdb, "", 0); }
				int try_sodium(void) { return sodium_init(); }
			]])], [
				ls_static="-l:libsodium.a $ls_cdb"
				PLUGIN_LIBS=$ls_static
				PLUGIN_LDFLAGS="-Wl,-z,text -Wl,--gc-sections -Wl,--exclude-libs,ALL"
			])
		done
		AC_MSG_RESULT([$ls_static])
		LIBS=$ls_libs
	])
	AC_SUBST([PLUGIN_LIBS])
	AC_SUBST([PLUGIN_LDFLAGS])
])

# LS_PATHS
# Where things are, in full, for the programs and for what an administrator
# reads: CONFDIR, STATEDIR, SBINDIR, PKGLIBEXECDIR. What belongs to the host
# stays in /etc and /var under whatever prefix, unless --sysconfdir or
# --localstatedir say otherwise.
AC_DEFUN([LS_PATHS], [
	AS_IF([test "$sysconfdir" = '${prefix}/etc'], [sysconfdir=/etc])
	AS_IF([test "$localstatedir" = '${prefix}/var'], [localstatedir=/var])
	ls_expand () {
		(
			AS_IF([test "$prefix" = NONE], [prefix=$ac_default_prefix])
			AS_IF([test "$exec_prefix" = NONE], [exec_prefix=$prefix])
			# Twice: libexecdir is written with exec_prefix, and that
			# with prefix.
			eval "ls_path=$[]1"
			eval "echo $ls_path"
		)
	}
	CONFDIR=`ls_expand "$sysconfdir/lockstep"`
	STATEDIR=`ls_expand "$localstatedir/lib/lockstep"`
	SBINDIR=`ls_expand "$sbindir"`
	PKGLIBEXECDIR=`ls_expand "$libexecdir/lockstep"`
	AC_SUBST([CONFDIR])
	AC_SUBST([STATEDIR])
	AC_SUBST([SBINDIR])
	AC_SUBST([PKGLIBEXECDIR])
	AC_DEFINE_UNQUOTED([LS_CONF_PATH], ["$CONFDIR/lockstep.conf"],
			   [the configuration])
	AC_DEFINE_UNQUOTED([LS_POLICY_PATH], ["$STATEDIR/policy.cdb"],
			   [the compiled policy])
])

# LS_WARNINGS
# LS_CFLAGS for our files, LS_CFLAGS_DOVECOT for those that include Dovecot's
# headers, whose inline functions and macros would not pass the whole set.
AC_DEFUN([LS_WARNINGS], [
	AC_ARG_ENABLE([werror],
		AS_HELP_STRING([--enable-werror], [warnings are errors]))
	ls_werror=
	AS_IF([test "$enable_werror" = yes], [ls_werror=" -Werror"])
	LS_CFLAGS_DOVECOT="-Wall -Wextra -Wshadow -Wpointer-arith -Wwrite-strings -Wformat=2 -Wmissing-prototypes -Wstrict-prototypes -Wvla$ls_werror"
	LS_CFLAGS="-std=gnu11 -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wundef -Wpointer-arith -Wwrite-strings -Wcast-align -Wcast-qual -Wformat=2 -Wmissing-prototypes -Wstrict-prototypes -Wvla$ls_werror"
	AC_SUBST([LS_CFLAGS])
	AC_SUBST([LS_CFLAGS_DOVECOT])
])

# LS_INSTRUMENTS
# Builds that watch themselves. Modules built so cannot be loaded into a plain
# Dovecot: these serve the unit tests and the fuzzers.
AC_DEFUN([LS_INSTRUMENTS], [
	ls_instruments=
	AC_ARG_ENABLE([asan],
		AS_HELP_STRING([--enable-asan], [AddressSanitizer and UBSan]))
	AC_ARG_ENABLE([tsan],
		AS_HELP_STRING([--enable-tsan], [ThreadSanitizer]))
	AC_ARG_ENABLE([coverage],
		AS_HELP_STRING([--enable-coverage], [gcov's counters]))
	AC_ARG_ENABLE([fuzzing],
		AS_HELP_STRING([--enable-fuzzing],
			       [build tests/fuzz with libFuzzer (needs CC=clang)]))
	AS_IF([test "$enable_asan" = yes && test "$enable_tsan" = yes],
	      [AC_MSG_ERROR([--enable-asan and --enable-tsan exclude each other])])
	AS_IF([test "$enable_asan" = yes],
	      [ls_instruments="-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"])
	AS_IF([test "$enable_tsan" = yes],
	      [ls_instruments="-fsanitize=thread -fno-omit-frame-pointer"])
	AS_IF([test "$enable_coverage" = yes],
	      [ls_instruments="$ls_instruments --coverage"])
	AS_IF([test "$enable_fuzzing" = yes],
	      [AC_LINK_IFELSE([AC_LANG_PROGRAM([[
#ifndef __clang__
#error
#endif
]])], [], [AC_MSG_ERROR([--enable-fuzzing needs CC=clang (Debian packages clang and libclang-rt-VERSION-dev)])])
	      ls_instruments="-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"])
	CFLAGS="$CFLAGS $ls_instruments"
	LDFLAGS="$LDFLAGS $ls_instruments"
	AM_CONDITIONAL([FUZZING], [test "$enable_fuzzing" = yes])
])
