/* watch.h - survive a mapped file that is cut short
 *
 * Reading a mapped page beyond the end of its file raises SIGBUS, which would
 * take a mail server's process down with it. A handler takes the signal for
 * addresses of watched ranges: it puts anonymous zero pages in the place of
 * the range from the faulting page on, and marks the range as broken. All other
 * SIGBUS go where they went before.
 *
 * The table of ranges is fixed and atomic, as the handler may run at any
 * instruction. Ranges are added and removed by one thread. */
#ifndef LS_WATCH_H
#define LS_WATCH_H

#include <stdbool.h>
#include <stddef.h>

/* Returns a number for the two below, or -1: too many ranges, not watched. */
int ls_watch_add(void *base, size_t size);
void ls_watch_remove(int watch);
bool ls_watch_broken(int watch);

#endif
