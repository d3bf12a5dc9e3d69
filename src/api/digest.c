/* XXH3 over the octets of a stream in order. */
#include "api/digest.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

struct digest {
	XXH3_state_t *state;
	uint64_t at; /* stream offset of the next octet */
	bool broken;
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
	free(d);
}

void
digest_data(struct digest *d, struct bm_stream *s)
{
	struct bm_span spans[32];

	if (d->at < bm_stream_base(s)) {
		d->at = bm_stream_base(s);
		d->broken = true;
	}
	for (;;) {
		size_t n = bm_stream_avail(s, d->at);
		if (n == 0) {
			uint64_t gap = bm_stream_gap(s, d->at);
			if (gap == 0)
				return;
			d->at += gap;
			d->broken = true;
			continue;
		}
		size_t count = bm_stream_spans(s, d->at, n, spans, 32);
		if (count > 32)
			count = 32;
		if (count == 0)
			return;
		for (size_t i = 0; i < count; i++) {
			(void)XXH3_64bits_update(d->state, spans[i].data.p, spans[i].data.n);
			d->at += spans[i].data.n;
		}
	}
}

uint64_t
digest_value(const struct digest *d)
{
	return d->broken ? 0 : XXH3_64bits_digest(d->state) | 1;
}
