# What Debian hardens programs with, where compiler and linker have it. All of it
# stands before the user's CFLAGS, CPPFLAGS and LDFLAGS, which win.

# LS_TRY_FLAG(VARIABLE, FLAG)
# Append a flag that compiler and linker take. As an error, since clang warns of
# what it does not know.
AC_DEFUN([LS_TRY_FLAG], [
	AC_MSG_CHECKING([whether $CC takes $2])
	ls_cflags=$CFLAGS
	CFLAGS="$CFLAGS -Werror $2"
	AC_LINK_IFELSE([AC_LANG_PROGRAM([[
		#include <string.h>
		void try_copy(char *to, const char *from)
		{
			char copy[64];
			strncpy(copy, from, sizeof(copy));
			memcpy(to, copy, sizeof(copy));
		}
	]])], [
		AC_MSG_RESULT([yes])
		$1="$$1 $2"
	], [AC_MSG_RESULT([no])])
	CFLAGS=$ls_cflags
])

# LS_FORTIFY(VARIABLE)
# The highest level of _FORTIFY_SOURCE that the C library knows, unless the user or
# the compiler chose one. It needs optimisation.
AC_DEFUN([LS_FORTIFY], [
	AC_MSG_CHECKING([for _FORTIFY_SOURCE])
	AC_COMPILE_IFELSE([AC_LANG_SOURCE([[
		#ifndef _FORTIFY_SOURCE
		#error
		#endif
	]])], [ls_fortify="as it is"], [ls_fortify=no])
	for ls_level in 3 2; do
		AS_IF([test "$ls_fortify" != no], [break])
		AC_COMPILE_IFELSE([AC_LANG_SOURCE([[
			#define _FORTIFY_SOURCE $ls_level
			#include <string.h>
			#if __USE_FORTIFY_LEVEL < $ls_level
			#error
			#endif
		]])], [
			ls_fortify=$ls_level
			$1="$$1 -D_FORTIFY_SOURCE=$ls_level"
		])
	done
	AC_MSG_RESULT([$ls_fortify])
])

# LS_HARDENING
# To LS_CFLAGS and LS_CFLAGS_DOVECOT; LS_LDFLAGS for programs and modules,
# LS_PIE_LDFLAGS for programs. AddressSanitizer has its own checks in place of
# _FORTIFY_SOURCE's.
AC_DEFUN([LS_HARDENING], [
	AC_ARG_ENABLE([hardening],
		AS_HELP_STRING([--disable-hardening],
			       [build with the compiler's own defaults]))
	LS_LDFLAGS=
	LS_PIE_LDFLAGS=
	AS_IF([test "$enable_hardening" != no], [
		ls_harden=
		LS_TRY_FLAG([ls_harden], [-fstack-protector-strong])
		LS_TRY_FLAG([ls_harden], [-fstack-clash-protection])
		LS_TRY_FLAG([ls_harden], [-fcf-protection])
		LS_TRY_FLAG([ls_harden], [-mbranch-protection=standard])
		LS_TRY_FLAG([ls_harden], [-Werror=format-security])
		AS_IF([test -z "$ls_instruments"], [LS_FORTIFY([ls_harden])])
		LS_CFLAGS="$LS_CFLAGS$ls_harden"
		LS_CFLAGS_DOVECOT="$LS_CFLAGS_DOVECOT$ls_harden"
		LS_TRY_FLAG([LS_LDFLAGS], [-Wl,-z,relro])
		LS_TRY_FLAG([LS_LDFLAGS], [-Wl,-z,now])
		# Where it is not the compiler's default. For modules, libtool says
		# -fPIC after this.
		AC_COMPILE_IFELSE([AC_LANG_SOURCE([[
			#ifndef __PIE__
			#error
			#endif
		]])], [], [
			LS_TRY_FLAG([LS_PIE_LDFLAGS], [-fPIE -pie])
			AS_IF([test -n "$LS_PIE_LDFLAGS"], [LS_CFLAGS="$LS_CFLAGS -fPIE"])
		])
	])
	AC_SUBST([LS_LDFLAGS])
	AC_SUBST([LS_PIE_LDFLAGS])
])
