/* What is told of a flow to those who follow it; it is theirs to ignore. Refuses to know segments.
 */
#include "tcp/internal.h"

uint64_t
bm_flow_id(const struct bm_flow *f)
{
	return f->id;
}

enum bm_transport
bm_flow_transport(const struct bm_flow *f)
{
	return (enum bm_transport)f->transport;
}

uint32_t
bm_flow_site(const struct bm_flow *f)
{
	return f->site;
}

const struct bm_address *
bm_flow_source(const struct bm_flow *f, enum bm_way way)
{
	return &f->source[way];
}

void
bm_flow_set_user(struct bm_flow *f, void *user)
{
	f->user = user;
}

void *
bm_flow_user(const struct bm_flow *f)
{
	return f->user;
}

struct bm_stream *
bm_flow_stream(struct bm_flow *f, enum bm_way way)
{
	return &f->stream[way];
}

void
bm_flow_ignore(struct bm_flow *f)
{
	/* Its bytes go when the segment has been dealt with: whoever calls may stand among them. */
	f->ignored = true;
}

bool
bm_flow_saw_syn(const struct bm_flow *f, enum bm_way way)
{
	return f->stream[way].saw_syn;
}

uint64_t
bm_flow_first_ts(const struct bm_flow *f)
{
	return f->first_ts;
}

uint64_t
bm_flow_last_ts(const struct bm_flow *f)
{
	return f->last_ts;
}

struct bm_sighting
bm_flow_sighting(const struct bm_flow *f, enum bm_way way)
{
	const struct bm_stream *s = &f->stream[way];

	return (struct bm_sighting){.ttl = s->ttl,
		.inbound = s->inbound,
		.outbound = s->outbound,
		.bare_valid = s->bare_valid,
		.bare_offloaded = s->bare_offloaded,
		.checksums = s->checksums,
		.syn_ns = s->syn_again ? 0 : s->syn_ts,
		.first_ns = s->first_ts};
}

uint8_t
bm_flow_ttl(const struct bm_flow *f, enum bm_way way)
{
	return f->stream[way].ttl;
}
