/* Writes every hand-made sample frame, and some cut into IP fragments, as pcap files into a
 * folder, for packets.py to show to tshark. Refuses to judge. */
#include "../unit/packet/make.h"

#include <stdio.h>

static struct made m;

static void
little(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static FILE *
open_pcap(const char *folder, size_t number, uint32_t link_type)
{
	char path[512];
	uint8_t h[24] = {0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0};

	snprintf(path, sizeof path, "%s/sample-%02zu.pcap", folder, number);
	FILE *f = fopen(path, "wb");
	little(h + 16, 262144);
	little(h + 20, link_type);
	if (f != NULL)
		fwrite(h, 1, sizeof h, f);
	return f;
}

static void
record(FILE *f, const uint8_t *p, size_t captured, size_t sent)
{
	uint8_t h[16] = {1};

	little(h + 8, (uint32_t)captured);
	little(h + 12, (uint32_t)sent);
	fwrite(h, 1, sizeof h, f);
	fwrite(p, 1, captured, f);
}

/* Whole, with a wrong bit, with a trailer, and without its last octets. */
static void
sample(const char *folder, size_t i)
{
	FILE *f = open_pcap(folder, i, samples[i].link_type);
	uint8_t *p = m.bytes;

	if (f == NULL)
		return;
	make(&m, samples[i].words, MADE_PAYLOAD);
	p += m.start;
	size_t n = m.end - m.start;
	record(f, p, n, n);
	p[n - 5] ^= 4;
	record(f, p, n, n);
	p[n - 5] ^= 4;
	record(f, p, n - 9, n);
	make_trailer(&m, 11);
	record(f, p, n + 11, n + 11);
	fclose(f);
}

/* A datagram of 3008 octets behind an IPv4 or IPv6 header, in fragments out of order. */
static void
fragments(const char *folder, size_t number, const char *words)
{
	static const struct {
		unsigned off, len;
	} part[] = {{1600, 800}, {0, 800}, {2400, 608}, {800, 800}};
	FILE *f = open_pcap(folder, number, 101);
	uint8_t p[1000];

	if (f == NULL)
		return;
	make(&m, words, 3000);
	const uint8_t *whole = m.bytes + m.start;
	bool four = whole[0] >> 4 == 4;
	size_t header = four ? 20 : 40, size = four ? 20 : 48;
	for (size_t i = 0; i < 4; i++) {
		bool more = part[i].off + part[i].len < 3008;
		memcpy(p, whole, header);
		if (four) {
			bm_store16(p + 2, (unsigned)(20 + part[i].len));
			bm_store16(p + 6, part[i].off / 8 | (more ? 0x2000 : 0));
			bm_store16(p + 10, 0);
			bm_store16(p + 10, 0xffff & ~(unsigned)plain_sum(p, 20, 0));
		} else {
			bm_store16(p + 4, 8 + part[i].len);
			p[6] = 44;
			p[40] = 17;
			p[41] = 0;
			bm_store16(p + 42, part[i].off | more);
			bm_store32(p + 44, 77);
		}
		memcpy(p + size, whole + header + part[i].off, part[i].len);
		record(f, p, size + part[i].len, size + part[i].len);
	}
	fclose(f);
}

int
main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	for (size_t i = 0; i < sample_count; i++)
		sample(argv[1], i);
	fragments(argv[1], sample_count, "ip4 udp");
	fragments(argv[1], sample_count + 1, "ip6 udp");
	return 0;
}
