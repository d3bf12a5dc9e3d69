/* XXH3 over the octets of a stream in order, from its hello on: what a proxy was told before it
 * stands at one side of that proxy only. */
#include "api/digest.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { KEPT_MAX = 1 << 16 };

struct digest {
	XXH3_state_t *state;
	uint64_t at; /* stream offset of the next octet */
	bool broken, begun;
	uint8_t *kept; /* before it is known where the hello begins */
	size_t kept_n;
};

struct digest *
digest_new(void)
{
	struct digest *d = calloc(1, sizeof *d);

	if (d == NULL)
		return NULL;
	d->state = XXH3_createState();
	if (d->state == NULL || XXH3_64bits_reset(d->state) != XXH_OK) {
		digest_free(d);
		return NULL;
	}
	return d;
}

void
digest_free(struct digest *d)
{
	if (d == NULL)
		return;
	if (d->state != NULL)
		(void)XXH3_freeState(d->state);
	free(d->kept);
	free(d);
}

void
digest_begin(struct digest *d, uint64_t off)
{
	uint64_t from = d->at - d->kept_n;
	size_t skip = off <= from ? 0 : off - from < d->kept_n ? (size_t)(off - from) : d->kept_n;

	if (d->begun)
		return;
	d->begun = true;
	if (d->kept_n != skip)
		(void)XXH3_64bits_update(d->state, d->kept + skip, d->kept_n - skip);
	free(d->kept);
	d->kept = NULL;
	d->kept_n = 0;
}

static void
add(struct digest *d, struct bm_view v)
{
	if (!d->begun && v.n <= KEPT_MAX - d->kept_n) {
		uint8_t *more = realloc(d->kept, d->kept_n + v.n);
		if (more != NULL) {
			memcpy(more + d->kept_n, v.p, v.n);
			d->kept = more;
			d->kept_n += v.n;
			d->at += v.n;
			return;
		}
	}
	digest_begin(d, 0);
	(void)XXH3_64bits_update(d->state, v.p, v.n);
	d->at += v.n;
}

void
digest_data(struct digest *d, struct bm_stream *s)
{
	struct bm_span spans[32];

	if (d->at < bm_stream_base(s)) {
		digest_begin(d, 0);
		d->at = bm_stream_base(s);
		d->broken = true;
	}
	for (;;) {
		size_t n = bm_stream_avail(s, d->at);
		if (n == 0) {
			uint64_t gap = bm_stream_gap(s, d->at);
			if (gap == 0)
				return;
			digest_begin(d, 0);
			d->at += gap;
			d->broken = true;
			continue;
		}
		size_t count = bm_stream_spans(s, d->at, n, spans, 32);
		if (count > 32)
			count = 32;
		if (count == 0)
			return;
		for (size_t i = 0; i < count; i++)
			add(d, spans[i].data);
	}
}

uint64_t
digest_value(struct digest *d)
{
	digest_begin(d, 0);
	return d->broken ? 0 : XXH3_64bits_digest(d->state) | 1;
}
