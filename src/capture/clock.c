/* Timestamps of pcapng interfaces in nanoseconds, without overflow.
 * Refuses to know where the numbers were read. */
#include "capture/format.h"

static const uint64_t power_of_ten[] = {
	1,
	10,
	100,
	1000,
	10000,
	100000,
	1000000,
	10000000,
	100000000,
	1000000000,
	10000000000,
	100000000000,
	1000000000000,
	10000000000000,
	100000000000000,
	1000000000000000,
	10000000000000000,
	100000000000000000,
	1000000000000000000,
	10000000000000000000U,
};

enum { POWERS = sizeof power_of_ten / sizeof power_of_ten[0] };

#define NS_PER_S UINT64_C(1000000000)

void
bm_interface_clock(struct bm_interface *f, uint8_t ts_resolution, int64_t ts_offset_s)
{
	f->ts_resolution = ts_resolution;
	f->ts_offset_s = ts_offset_s;
	f->ns_per_unit = ts_resolution <= 9 && ts_offset_s == 0 ? power_of_ten[9 - ts_resolution] : 0;
}

/* units * 2^-exponent seconds, rounded down to nanoseconds. */
static void
from_binary(uint64_t units, unsigned exponent, uint64_t *s, uint64_t *ns)
{
	*s = exponent < 64 ? units >> exponent : 0;
	uint64_t fraction = exponent < 64 ? units & ((UINT64_C(1) << exponent) - 1) : units;
	if (exponent < 32) {
		*ns = fraction * NS_PER_S >> exponent;
		return;
	}
	/* fraction * 10^9 has up to 94 bits; the low 32 of them are below the point. */
	uint64_t high = (fraction >> 32) * NS_PER_S + ((fraction & 0xffffffff) * NS_PER_S >> 32);
	*ns = exponent - 32 < 64 ? high >> (exponent - 32) : 0;
}

/* units * 10^-exponent seconds, rounded down to nanoseconds. */
static void
from_decimal(uint64_t units, unsigned exponent, uint64_t *s, uint64_t *ns)
{
	uint64_t fraction = units;
	*s = 0;
	if (exponent < POWERS) {
		*s = units / power_of_ten[exponent];
		fraction = units % power_of_ten[exponent];
	}
	if (exponent <= 9)
		*ns = fraction * power_of_ten[9 - exponent];
	else
		*ns = exponent - 9 < POWERS ? fraction / power_of_ten[exponent - 9] : 0;
}

uint64_t
bm_interface_time(const struct bm_interface *f, uint64_t units)
{
	if (f->ns_per_unit != 0 && units <= UINT64_MAX / f->ns_per_unit)
		return units * f->ns_per_unit;

	uint64_t s;
	uint64_t ns;
	if (f->ts_resolution & 0x80)
		from_binary(units, f->ts_resolution & 0x7f, &s, &ns);
	else
		from_decimal(units, f->ts_resolution, &s, &ns);

	if (f->ts_offset_s < 0) {
		uint64_t back = (uint64_t)0 - (uint64_t)f->ts_offset_s;
		if (back > s)
			return 0;
		s -= back;
	} else {
		uint64_t ahead = (uint64_t)f->ts_offset_s;
		if (ahead > UINT64_MAX - s)
			return UINT64_MAX;
		s += ahead;
	}
	if (s > (UINT64_MAX - ns) / NS_PER_S)
		return UINT64_MAX;
	return s * NS_PER_S + ns;
}
