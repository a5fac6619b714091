/* logtime.c - see dovelog-private.h: the times that lines of logs begin with */
#include "lockstep-config.h"

#include "logs/dovelog-private.h"

/* Exactly so many digits. */
static bool take_digits(struct dovelog_text *text, size_t digits, int *number_r)
{
	int number = 0;

	if (text->len < digits)
		return false;
	for (size_t i = 0; i < digits; i++) {
		if (text->at[i] < '0' || text->at[i] > '9')
			return false;
		number = number * 10 + (text->at[i] - '0');
	}
	*number_r = number;
	*text = text_skip(*text, digits);
	return true;
}

/* ".123456", of which three digits count, or nothing. */
static void take_fraction(struct dovelog_text *text, struct dovelog_when *when)
{
	unsigned scale = 100;

	if (text->len < 2 || (text->at[0] != '.' && text->at[0] != ',') ||
	    text->at[1] < '0' || text->at[1] > '9')
		return;
	*text = text_skip(*text, 1);
	for (; text->len > 0 && text->at[0] >= '0' && text->at[0] <= '9';
	     *text = text_skip(*text, 1), scale /= 10)
		when->ms += (text->at[0] - '0') * (int)scale;
}

/* "02:23:26", perhaps with a fraction. */
static bool take_clock(struct dovelog_text *text, struct dovelog_when *when)
{
	if (!take_digits(text, 2, &when->hour) || !text_take(text, TEXT(":")) ||
	    !take_digits(text, 2, &when->minute) ||
	    !text_take(text, TEXT(":")) || !take_digits(text, 2, &when->second))
		return false;
	take_fraction(text, when);
	return true;
}

/* "Z", "+01:00", "-0730", "+03", or nothing. */
static bool take_offset(struct dovelog_text *text, struct dovelog_when *when)
{
	int hours, minutes = 0, sign;
	struct dovelog_text rest;

	if (text_take(text, TEXT("Z"))) {
		when->zoned = true;
		return true;
	}
	if (text->len == 0 || (text->at[0] != '+' && text->at[0] != '-'))
		return true;
	sign = text->at[0] == '-' ? -1 : 1;
	*text = text_skip(*text, 1);
	if (!take_digits(text, 2, &hours))
		return false;
	rest = *text;
	if (text_take(&rest, TEXT(":")) || (rest.len > 0 && rest.at[0] != ' ')) {
		if (!take_digits(&rest, 2, &minutes))
			return false;
		*text = rest;
	}
	when->zoned = true;
	when->offset_s = sign * (hours * 3600 + minutes * 60);
	return true;
}

static bool take_month(struct dovelog_text *text, struct dovelog_when *when)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int i = 0; i < 12; i++)
		if (text_take(text, (struct dovelog_text){ names + 3 * i, 3 })) {
			when->month = i + 1;
			return text_take(text, TEXT(" "));
		}
	return false;
}

/* "2026 ", or nothing. */
static void take_year(struct dovelog_text *text, struct dovelog_when *when)
{
	struct dovelog_text rest = *text;
	int year;

	if (!take_digits(&rest, 4, &year) || !text_take(&rest, TEXT(" ")))
		return;
	when->year = year;
	*text = rest;
}

/* "25", " 5" or "5". */
static bool take_day(struct dovelog_text *text, struct dovelog_when *when)
{
	return (!text_take(text, TEXT(" ")) &&
		take_digits(text, 2, &when->day)) ||
	       take_digits(text, 1, &when->day);
}

/* "Nov 25 02:23:26", the year before the month or behind the day, or nowhere. */
static bool take_traditional(struct dovelog_text *text,
			     struct dovelog_when *when)
{
	take_year(text, when);
	if (!take_month(text, when) || !take_day(text, when) ||
	    !text_take(text, TEXT(" ")))
		return false;
	if (when->year == 0)
		take_year(text, when);
	return take_clock(text, when);
}

/* "2026-11-25T02:23:26" or with a blank; with "_" it is svlogd's, of UTC. */
static bool take_iso_time(struct dovelog_text *text, struct dovelog_when *when)
{
	if (!take_digits(text, 4, &when->year) || !text_take(text, TEXT("-")) ||
	    !take_digits(text, 2, &when->month) ||
	    !text_take(text, TEXT("-")) || !take_digits(text, 2, &when->day))
		return false;
	if (text_take(text, TEXT("_")))
		when->zoned = true;
	else if (!text_take(text, TEXT("T")) && !text_take(text, TEXT(" ")))
		return false;
	return take_clock(text, when);
}

static bool take_iso(struct dovelog_text *text, struct dovelog_when *when)
{
	return take_iso_time(text, when) && take_offset(text, when);
}

/* "Wed 2026-11-25 02:23:26 UTC": journalctl's. The name of any other zone is
 * taken for this machine's. */
static bool take_weekday(struct dovelog_text *text, struct dovelog_when *when)
{
	static const char names[] = "MonTueWedThuFriSatSun";
	size_t len = 0;
	int i = 0;

	while (i < 7 &&
	       !text_take(text, (struct dovelog_text){ names + 3 * i, 3 }))
		i++;
	if (i == 7 || !text_take(text, TEXT(" ")) ||
	    !take_iso_time(text, when) || !text_take(text, TEXT(" ")))
		return false;
	if (text->len > 0 && (text->at[0] == '+' || text->at[0] == '-'))
		return take_offset(text, when);
	while (len < text->len && text->at[len] >= 'A' && text->at[len] <= 'Z')
		len++;
	when->zoned = len == 3 && (text_begins(*text, TEXT("UTC")) ||
				   text_begins(*text, TEXT("GMT")));
	*text = text_skip(*text, len);
	return len >= 1;
}

/* "1795573406.123456": seconds since 1970. */
static bool take_unix(struct dovelog_text *text, struct dovelog_when *when)
{
	enum { DIGITS = 10 }; /* from 2001 to 2286 */
	int high, low;

	if (!take_digits(text, DIGITS / 2, &high) ||
	    !take_digits(text, DIGITS / 2, &low))
		return false;
	when->kind = DOVELOG_UNIX;
	when->seconds = (int64_t)high * 100000 + low;
	when->zoned = true;
	take_fraction(text, when);
	return true;
}

/* "[ 1234.567890]": seconds since the boot; or "[ 1234.567890 <    0.001000 >]", and
 * since the line before. */
static bool take_monotonic(struct dovelog_text *text, struct dovelog_when *when)
{
	unsigned seconds;

	if (!text_take(text, TEXT("[")))
		return false;
	while (text_take(text, TEXT(" ")))
		;
	if (text_take_number(text, &seconds) == 0 || text->len == 0 ||
	    text->at[0] != '.')
		return false;
	when->kind = DOVELOG_BOOT;
	when->seconds = seconds;
	take_fraction(text, when);
	if (text_take(text, TEXT(" <")))
		while (text->len > 0 && text->at[0] != ']' &&
		       strchr(" .0123456789>", text->at[0]) != NULL)
			*text = text_skip(*text, 1);
	return text_take(text, TEXT("]"));
}

static bool take_hex(struct dovelog_text *text, size_t digits, uint64_t *number_r)
{
	uint64_t number = 0;

	if (text->len < digits)
		return false;
	for (size_t i = 0; i < digits; i++) {
		static const char all[] = "0123456789abcdef";
		const char *digit = memchr(all, text->at[i], 16);

		if (digit == NULL)
			return false;
		number = number << 4 | (uint64_t)(digit - all);
	}
	*number_r = number;
	*text = text_skip(*text, digits);
	return true;
}

/* "@400000006a9f7c5e075bcd15": TAI64N, seconds of TAI and nanoseconds. TAI is
 * 37 s ahead of UTC since 2017. (multilog and svlogd write as if it were 10 s:
 * their times are read 27 s too early.) Source: https://cr.yp.to/libtai/tai64.html */
static bool take_tai64n(struct dovelog_text *text, struct dovelog_when *when)
{
	enum { AHEAD_S = 37 };
	uint64_t seconds, nanoseconds;

	if (!text_take(text, TEXT("@")) || !take_hex(text, 16, &seconds) ||
	    !take_hex(text, 8, &nanoseconds) || seconds >> 34 != 1U << 28 ||
	    nanoseconds > 999999999)
		return false;
	when->kind = DOVELOG_UNIX;
	when->seconds = (int64_t)(seconds & ((UINT64_C(1) << 34) - 1)) - AHEAD_S;
	when->ms = (int)(nanoseconds / 1000000);
	when->zoned = true;
	return true;
}

static bool is_possible(const struct dovelog_when *when)
{
	return when->kind != DOVELOG_DATE ||
	       (when->month >= 1 && when->month <= 12 && when->day >= 1 &&
		when->day <= 31 && when->hour <= 23 && when->minute <= 59 &&
		when->second <= 60 && (when->year == 0 || when->year >= 1970));
}

size_t dovelog_when(const char *line, size_t len, struct dovelog_when *when_r)
{
	static bool (*const forms[])(struct dovelog_text *,
				     struct dovelog_when *) = {
		take_traditional, take_iso,	  take_weekday,
		take_unix,	  take_monotonic, take_tai64n,
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		struct dovelog_text text = { line, len };

		memset(when_r, 0, sizeof(*when_r));
		if (forms[i](&text, when_r) && is_possible(when_r) &&
		    text_take(&text, TEXT(" ")))
			return len - text.len;
	}
	memset(when_r, 0, sizeof(*when_r));
	return 0;
}
