/* Writes what the decoder makes of a capture, one line a frame that completes a segment, for
 * packets.py to hold against tshark. Refuses to judge. */
#include "packet/packet.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const checksum[] = {"unknown", "valid", "invalid", "offloaded"};

static void
print_ip(const struct bm_address *a)
{
	for (size_t i = 0; i < (a->family == 4 ? 4U : 16U); i++)
		printf("%02x", a->ip[i]);
	printf("\t%u\t", a->port);
}

/* A piece tells where it stands, so the payload can be read there again. */
static void
print_segment(const struct bm_segment *s)
{
	printf("%" PRIu64 "\t%s\t", s->packet, s->transport == BM_TCP ? "tcp" : "udp");
	print_ip(&s->src);
	print_ip(&s->dst);
	printf("%u\t%u\t%u\t%u\t", s->seq, s->ack, s->flags, s->window);
	printf("%u\t%zu\t%u\t%u\t%s\t", s->payload_len, s->payload.n, s->ttl, s->checksum_field,
		checksum[s->checksum]);
	printf("%u\t%zu\n", s->tunnel, s->piece_count);
}

static struct bm_view
read_all(const char *name)
{
	FILE *f = fopen(name, "rb");
	struct bm_view v = {NULL, 0};

	if (f == NULL)
		return v;
	fseek(f, 0, SEEK_END);
	long n = ftell(f);
	rewind(f);
	uint8_t *p = malloc((size_t)n + 1);
	if (p != NULL && fread(p, 1, (size_t)n, f) == (size_t)n)
		v = bm_view(p, (size_t)n);
	else
		free(p);
	fclose(f);
	return v;
}

int
main(int argc, char **argv)
{
	struct bm_view bytes = read_all(argc == 2 ? argv[1] : "");
	struct bm_capture *c;
	struct bm_decoder *d;
	struct bm_capture_item item;
	struct bm_segment s;
	struct bm_error e;

	if (bytes.p == NULL || bm_capture_open_memory(&c, bytes, &e) != BM_OK)
		return 2;
	if (bm_decoder_new(&d, 4 << 20) != BM_OK)
		return 2;
	while (bm_capture_next(c, &item, &e) == BM_OK)
		if (item.event == BM_CAPTURE_FRAME && bm_decode(d, &item.frame, &s))
			print_segment(&s);
	const struct bm_decoder_stats *t = bm_decoder_stats(d);
	fprintf(stderr,
		"frames %" PRIu64 " segments %" PRIu64 " link %" PRIu64 " malformed %" PRIu64
		" other %" PRIu64 " fragments %" PRIu64 " dropped %" PRIu64 "\n",
		t->frames, t->segments, t->unknown_link, t->malformed, t->not_transport, t->fragments,
		t->fragments_dropped);
	bm_decoder_free(d);
	bm_capture_free(c);
	free((void *)bytes.p);
	return 0;
}
