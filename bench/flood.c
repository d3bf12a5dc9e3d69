/* Repeats the IPv4 connections of a capture, from other addresses each time, to standard output:
 * millions of connections for the price of a few. Takes what bench/traffic writes: pcap in this
 * machine's byte order, TCP over IPv4 over Ethernet. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] = "usage: flood [-o] CAPTURE TIMES\n"
							"  -o   without FIN and RST: nothing ends\n";

enum { FILE_HEADER = 24, RECORD_HEADER = 16, ETHERNET = 14, IP = 20, FLAGS = 13 };
enum { FIN = 1, RST = 4 };

static void
fail(const char *what)
{
	fprintf(stderr, "flood: %s\n", what);
	exit(1);
}

static uint8_t *
load(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");

	if (f == NULL || fseek(f, 0, SEEK_END) != 0)
		fail("the capture cannot be read");
	long size = ftell(f);
	uint8_t *p = size > FILE_HEADER ? malloc((size_t)size) : NULL;
	if (p == NULL || fseek(f, 0, SEEK_SET) != 0 || fread(p, 1, (size_t)size, f) != (size_t)size)
		fail("the capture cannot be read");
	(void)fclose(f);
	*n = (size_t)size;
	return p;
}

static uint32_t
get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static void
put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* A word that a checksum covers becomes another one (RFC 1624). */
static void
replace(uint8_t *checksum, uint32_t was, uint32_t is)
{
	uint32_t sum = (~get16(checksum) & 0xffff) + (~was & 0xffff) + is;

	sum = (sum & 0xffff) + (sum >> 16);
	put16(checksum, ~(sum + (sum >> 16)) & 0xffff);
}

/* The client's address is the one in network 10; its two last octets stay with the first of those
 * in the capture. */
static void
move(uint8_t *ip, uint8_t *address, uint32_t by)
{
	uint8_t *tcp = ip + IP;

	for (size_t i = 0; i < 4; i += 2) {
		uint32_t was = get16(address + i), is = was ^ (i == 0 ? by >> 16 : by & 0xffff);
		replace(ip + 10, was, is);
		replace(tcp + 16, was, is);
		put16(address + i, is);
	}
}

/* Writes the frame whose record header stands at p, `nth` time. */
static void
write_frame(const uint8_t *p, size_t n, uint32_t nth, uint64_t *clock_us, bool open)
{
	uint8_t out[1 << 17];
	uint32_t time[2] = {(uint32_t)(*clock_us / 1000000), (uint32_t)(*clock_us % 1000000)};
	uint8_t *ip = out + RECORD_HEADER + ETHERNET;

	if (n > sizeof out || n < RECORD_HEADER + ETHERNET + IP + IP || p[RECORD_HEADER + 12] != 8 ||
		p[RECORD_HEADER + 13] != 0)
		fail("the capture holds more than TCP over IPv4 over Ethernet");
	memcpy(out, p, n);
	memcpy(out, time, sizeof time);
	if (open && (ip[IP + FLAGS] & (FIN | RST)) != 0)
		return;
	/* The lower port is the server's. */
	bool from_client = get16(ip + IP) > get16(ip + IP + 2);
	move(ip, ip + (from_client ? 12 : 16), nth);
	*clock_us += 2;
	if (fwrite(out, 1, n, stdout) != n)
		fail("nobody reads");
}

int
main(int argc, char **argv)
{
	bool open = argc == 4 && strcmp(argv[1], "-o") == 0;
	uint64_t clock_us = UINT64_C(1700000000000000);
	size_t n;

	if (argc != 3 + open) {
		fputs(usage, stderr);
		return 2;
	}
	const uint8_t *p = load(argv[1 + open], &n);
	unsigned long times = strtoul(argv[2 + open], NULL, 10);
	setvbuf(stdout, NULL, _IOFBF, 1 << 20);
	(void)fwrite(p, 1, FILE_HEADER, stdout);
	for (unsigned long i = 0; i < times; i++) {
		for (size_t at = FILE_HEADER; at + RECORD_HEADER <= n;) {
			uint32_t captured;
			memcpy(&captured, p + at + 8, sizeof captured);
			if (captured > n - at - RECORD_HEADER)
				fail("the capture is cut off");
			write_frame(p + at, RECORD_HEADER + captured, (uint32_t)i, &clock_us, open);
			at += RECORD_HEADER + captured;
		}
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
