/* kept.c - see kept.h */
#include "lockstep-config.h"

#include "map/home.h"
#include "state/kept.h"
#include "policy/policy-record.h" /* ls_get_le, ls_put_le */

#include <string.h>

/* Does a release still want to know since when? */
static bool is_in_doubt(const struct ls_kept *kept, uint64_t now)
{
	return kept->kind == LS_KIND_USER && kept->seen > 0 &&
	       kept->seen + LS_DOUBT_KEEP_MS > now;
}

static bool is_net(const struct ls_kept *kept)
{
	return kept->kind == LS_KIND_IP || kept->kind == LS_KIND_NET;
}

static uint64_t trusted_until(const struct ls_kept *kept)
{
	return is_net(kept) ? kept->seen : 0;
}

static bool worth_keeping(const struct ls_kept *kept, uint64_t now)
{
	if (kept->kind != LS_KIND_IP && kept->kind != LS_KIND_NET &&
	    kept->kind != LS_KIND_USER && kept->kind != LS_KIND_PLACE)
		return false;
	return kept->familiar > now || is_in_doubt(kept, now) ||
	       trusted_until(kept) > now ||
	       ls_lock_active(&kept->freeze, now) ||
	       (kept->lock.strikes > 0 &&
		kept->lock.until + LS_STRIKE_KEEP_MS > now) ||
	       ls_lock_active(&kept->lock, now);
}

static bool is_whole_record(const struct ls_lock_word *lock)
{
	return lock->reason <= LS_REASON_LOCKS && lock->origin < LS_ORIGIN_COUNT;
}

static struct ls_lock_word kept_lock(const struct ls_ref *ref, unsigned word)
{
	struct ls_lock_word lock = ls_lock_unpack(ls_slot_get(ref, word));

	return is_whole_record(&lock) ? lock : ls_lock_unpack(0);
}

bool ls_kept_of(const struct ls_ref *ref, enum ls_kind kind, uint64_t now,
		struct ls_kept *kept_r)
{
	memset(kept_r, 0, sizeof(*kept_r));
	kept_r->kind = kind;
	kept_r->lock = kept_lock(ref, LS_WORD_LOCK);
	kept_r->familiar = ls_slot_get(ref, LS_WORD_FAMILIAR);
	if (kind == LS_KIND_USER) {
		kept_r->freeze = kept_lock(ref, LS_WORD_FREEZE);
		kept_r->seen = ls_slot_get(ref, LS_WORD_SUSPICIOUS);
	} else if (is_net(kept_r)) {
		kept_r->seen = ls_slot_get(ref, LS_WORD_TRUSTED);
	}
	if (!worth_keeping(kept_r, now))
		return false;
	kept_r->key = ls_ref_key(ref);
	kept_r->since = ls_slot_get(ref, LS_WORD_SINCE);
	if (kind == LS_KIND_PLACE) {
		kept_r->seen = ls_slot_get(ref, LS_WORD_FIRST_SEEN);
		kept_r->where[0] = ls_slot_get(ref, LS_WORD_WHERE);
		kept_r->where[1] = ls_slot_get(ref, LS_WORD_WHERE_TOO);
		kept_r->home = ls_home_bytes(ref);
	} else if (kind == LS_KIND_USER) {
		kept_r->freeze_since = ls_slot_get(ref, LS_WORD_FREEZE_SINCE);
	}
	return true;
}

uint64_t ls_kept_to_real(uint64_t at, uint64_t now, uint64_t real_ms)
{
	return at == 0 ? 0 : real_ms + at - now;
}

uint64_t ls_kept_from_real(uint64_t at, uint64_t now, uint64_t real_ms)
{
	int64_t ago = (int64_t)(real_ms - at);

	if (at == 0 || (ago > 0 && (uint64_t)ago >= now))
		return 0;
	/* What no guard has held is not believed; a lock's end rounds up. */
	if (ago < -(int64_t)(LS_AHEAD_MAX_MS - 1000))
		return now + LS_AHEAD_MAX_MS - 1000;
	return now - (uint64_t)ago;
}

void ls_kept_put(const struct ls_kept *kept, uint64_t now, uint64_t real_ms,
		 uint8_t value[LS_KEPT_SIZE])
{
	bool user = kept->kind == LS_KIND_USER;
	const uint64_t words[LS_KEPT_SIZE / 8] = {
		ls_lock_pack(&kept->lock),
		ls_kept_to_real(kept->lock.until, now, real_ms),
		ls_kept_to_real(kept->since, now, real_ms),
		ls_kept_to_real(kept->familiar, now, real_ms),
		ls_kept_to_real(kept->seen, now, real_ms),
		user ? ls_lock_pack(&kept->freeze) : kept->where[0],
		user ? ls_kept_to_real(kept->freeze.until, now, real_ms)
		     : kept->where[1],
		user ? ls_kept_to_real(kept->freeze_since, now, real_ms)
		     : kept->home,
	};

	for (unsigned i = 0; i < LS_KEPT_SIZE / 8; i++)
		ls_put_le(value + 8 * i, 8, words[i]);
}

/* Nothing begins after now. Where it does, the clock is behind the one that the
 * snapshot was written by: what ends is not to last longer for that. */
static void not_before(uint64_t *since, uint64_t *until, uint64_t now)
{
	uint64_t ahead = *since > now ? *since - now : 0;

	*since -= ahead;
	*until = *until > ahead ? *until - ahead : 0;
}

bool ls_kept_get(const uint8_t *value, size_t len, enum ls_kind kind,
		 uint64_t key, uint64_t now, uint64_t real_ms,
		 struct ls_kept *kept_r)
{
	uint64_t words[LS_KEPT_SIZE / 8];

	memset(kept_r, 0, sizeof(*kept_r));
	if (len != LS_KEPT_SIZE || kind < LS_KIND_IP || kind > LS_KIND_PLACE)
		return false;
	for (unsigned i = 0; i < LS_KEPT_SIZE / 8; i++)
		words[i] = ls_get_le(value + 8 * i, 8);
	kept_r->kind = kind;
	kept_r->key = key;
	kept_r->lock = ls_lock_unpack(words[0] & LS_VALUE_MAX);
	kept_r->lock.until = ls_kept_from_real(words[1], now, real_ms);
	kept_r->since = ls_kept_from_real(words[2], now, real_ms);
	kept_r->familiar = ls_kept_from_real(words[3], now, real_ms);
	kept_r->seen = ls_kept_from_real(words[4], now, real_ms);
	if (kind == LS_KIND_USER) {
		kept_r->freeze = ls_lock_unpack(words[5] & LS_VALUE_MAX);
		kept_r->freeze.until = ls_kept_from_real(words[6], now, real_ms);
		kept_r->freeze_since = ls_kept_from_real(words[7], now, real_ms);
	} else {
		kept_r->where[0] = words[5];
		kept_r->where[1] = words[6];
		kept_r->home = (unsigned)words[7];
	}
	not_before(&kept_r->since, &kept_r->lock.until, now);
	not_before(&kept_r->freeze_since, &kept_r->freeze.until, now);
	/* Of a place or an account `seen` is when something began. */
	if (kind == LS_KIND_USER || kind == LS_KIND_PLACE)
		not_before(&kept_r->seen, &kept_r->familiar, now);
	return is_whole_record(&kept_r->lock) &&
	       is_whole_record(&kept_r->freeze);
}

uint64_t ls_kept_locked_until(const struct ls_kept *kept)
{
	uint64_t until = kept->lock.until > kept->freeze.until
				 ? kept->lock.until
				 : kept->freeze.until;

	return trusted_until(kept) > until ? trusted_until(kept) : until;
}

enum ls_kept_for ls_kept_for(const struct ls_kept *kept, uint64_t now)
{
	if (!worth_keeping(kept, now))
		return LS_KEPT_PASSED;
	if (ls_lock_active(&kept->freeze, now))
		return LS_KEPT_FREEZE;
	if (trusted_until(kept) > now)
		return LS_KEPT_TRUST;
	if (kept->kind == LS_KIND_USER && kept->familiar > now)
		return LS_KEPT_PROBATION;
	if (ls_lock_active(&kept->lock, now))
		return kept->lock.origin == LS_ORIGIN_ADMIN ? LS_KEPT_ORDER
							    : LS_KEPT_LOCK;
	if (kept->kind == LS_KIND_PLACE && kept->familiar > now)
		return LS_KEPT_PLACE;
	return is_in_doubt(kept, now) ? LS_KEPT_DOUBT : LS_KEPT_MARK;
}

bool ls_kept_restore(const struct ls_kept *kept, const struct ls_map *map,
		     uint64_t now)
{
	bool user = kept->kind == LS_KIND_USER;
	struct ls_ref ref;

	if (ls_table_claim(&map->subjects, kept->key, kept->kind, now, false,
			   &ref) < 0)
		return false;
	ls_slot_set(&ref, LS_WORD_KEY, kept->key >> 32);
	ls_slot_set(&ref, LS_WORD_LOCK, ls_lock_pack(&kept->lock));
	ls_slot_set(&ref, LS_WORD_SINCE, kept->since);
	ls_slot_set(&ref, LS_WORD_FAMILIAR, kept->familiar);
	if (user) {
		ls_slot_set(&ref, LS_WORD_SUSPICIOUS, kept->seen);
		ls_slot_set(&ref, LS_WORD_FREEZE, ls_lock_pack(&kept->freeze));
		ls_slot_set(&ref, LS_WORD_FREEZE_SINCE, kept->freeze_since);
	} else if (is_net(kept)) {
		ls_slot_set(&ref, LS_WORD_TRUSTED, kept->seen);
	} else if (kept->kind == LS_KIND_PLACE) {
		ls_slot_set(&ref, LS_WORD_FIRST_SEEN, kept->seen);
		ls_slot_set(&ref, LS_WORD_WHERE, kept->where[0]);
		ls_slot_set(&ref, LS_WORD_WHERE_TOO, kept->where[1]);
		ls_home_restore(&ref, kept->home);
	}
	return true;
}
