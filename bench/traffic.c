/* Makes captures for measurements: real TLS stacks talk to each other in this process, and what
 * they send goes into a capture, their secrets into a key log. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "traffic.h"

static const char usage[] =
	"usage: traffic [OPTION]... MODE CAPTURE KEYS\n"
	"  bulk SUITE MEGABYTES           one connection, the server sends full records; SUITE by\n"
	"                                 OpenSSL's name; RC4-SHA with GnuTLS\n"
	"  small OCTETS MEGABYTES         one connection, the server sends records of that many "
	"octets\n"
	"  many CONNECTIONS KILOBYTES     a handshake each, and so much from the server\n"
	"  -s OCTETS    payload of a segment (1448); 65483: as a host with offload sees it\n"
	"  -m           MAC-then-encrypt also where both sides know better (RFC 7366)\n"
	"  -2           small, many: TLS 1.2 with AES-128-GCM rather than TLS 1.3 with AES-256-GCM\n"
	"  -i NUMBER    many: as many connections at a time (100)\n"
	"  -n           times in nanoseconds\n";

enum { RECORD = 16384, REQUEST = 100, MOST_AT_A_TIME = 10000 };

/* A connection under way. */
struct talk {
	enum { HANDSHAKE, ASK, ANSWER } stage;
	struct tcp *tcp;
	struct endpoint *end[2];
	bool complete[2];
	enum side turn;
	uint64_t left; /* octets that the server has yet to send */
};

static const struct stack *stack = &openssl_stack;
static uint8_t payload[RECORD];

void
fail(const char *format, ...)
{
	va_list list;

	fputs("traffic: ", stderr);
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fputc('\n', stderr);
	exit(1);
}

static uint64_t
random_word(void)
{
	static uint64_t x = 88172645463325252;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

static void
begin(struct talk *t, struct wire *w, unsigned number, uint64_t octets)
{
	*t = (struct talk){.tcp = tcp_open(w, number), .left = octets};
	t->end[CLIENT] = stack->open(t->tcp, CLIENT);
	t->end[SERVER] = stack->open(t->tcp, SERVER);
}

static void
end(struct talk *t)
{
	for (int side = SERVER; side >= CLIENT; side--) {
		stack->close(t->end[side]);
		tcp_flush(t->tcp, (enum side)side);
	}
	tcp_close(t->tcp);
}

static void
answer(struct talk *t, size_t record)
{
	size_t n = t->left < record ? (size_t)t->left : record;

	stack->send(t->end[SERVER], payload, n);
	if (stack->receive(t->end[CLIENT]) != n)
		fail("the client received another number of octets");
	t->left -= n;
}

/* What one side does at a time. True: the connection has ended. */
static bool
step(struct talk *t)
{
	switch (t->stage) {
	case HANDSHAKE:
		if (!t->complete[t->turn])
			t->complete[t->turn] = stack->handshake(t->end[t->turn]);
		tcp_flush(t->tcp, t->turn);
		t->turn = !t->turn;
		if (t->complete[CLIENT] && t->complete[SERVER])
			t->stage = ASK;
		return false;
	case ASK:
		stack->send(t->end[CLIENT], payload, REQUEST);
		tcp_flush(t->tcp, CLIENT);
		if (stack->receive(t->end[SERVER]) != REQUEST)
			fail("the server received another number of octets");
		t->stage = ANSWER;
		return false;
	case ANSWER:
		if (t->left > 0) {
			answer(t, RECORD);
			tcp_flush(t->tcp, SERVER);
			return false;
		}
	}
	end(t);
	return true;
}

static void
one(struct wire *w, size_t record, uint64_t octets)
{
	struct talk t;

	begin(&t, w, 1, octets);
	while (t.stage != ANSWER)
		step(&t);
	while (t.left > 0)
		answer(&t, record);
	end(&t);
}

static void
many(struct wire *w, unsigned connections, unsigned at_a_time, uint64_t octets)
{
	static struct talk talks[MOST_AT_A_TIME];
	unsigned begun = 0, open = 0;

	for (;;) {
		while (open < at_a_time && begun < connections)
			begin(&talks[open++], w, begun++, octets);
		if (open == 0)
			return;
		unsigned i = (unsigned)(random_word() % open);
		if (step(&talks[i]))
			talks[i] = talks[--open];
	}
}

static uint64_t
number(const char *s, uint64_t least, uint64_t most)
{
	char *rest;
	uint64_t n = strtoull(s, &rest, 10);

	if (*s == '\0' || *rest != '\0' || n < least || n > most)
		fail("%s: not a number from %llu to %llu", s, (unsigned long long)least,
			(unsigned long long)most);
	return n;
}

int
main(int argc, char **argv)
{
	struct settings s = {.suite = "TLS_AES_256_GCM_SHA384", .tls13 = true};
	size_t segment = 1448;
	unsigned at_a_time = 100;
	bool nanoseconds = false;
	struct wire w;

	for (int c; (c = getopt(argc, argv, "s:m2i:n")) != -1;) {
		switch (c) {
		case 's': /* an IPv4 packet has at most 65535, 52 of them headers */
			segment = (size_t)number(optarg, 1, 65483);
			break;
		case 'm':
			s.mac_then_encrypt = true;
			break;
		case '2':
			s.suite = "ECDHE-ECDSA-AES128-GCM-SHA256";
			s.tls13 = false;
			break;
		case 'i':
			at_a_time = (unsigned)number(optarg, 1, MOST_AT_A_TIME);
			break;
		case 'n':
			nanoseconds = true;
			break;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	argv += optind;
	if (argc - optind != 5) {
		fputs(usage, stderr);
		return 2;
	}
	const char *mode = argv[0];
	bool bulk = strcmp(mode, "bulk") == 0;
	if (!bulk && strcmp(mode, "small") != 0 && strcmp(mode, "many") != 0) {
		fputs(usage, stderr);
		return 2;
	}
	if (bulk) {
		s.suite = argv[1];
		s.tls13 = strncmp(s.suite, "TLS_", 4) == 0;
	}
	uint64_t first =
		bulk ? RECORD : number(argv[1], 1, strcmp(mode, "many") == 0 ? 1 << 24 : RECORD);
	uint64_t much = number(argv[2], 1, 1000000);

	if (strcmp(s.suite, "RC4-SHA") == 0) {
#ifdef BENCH_GNUTLS
		stack = &gnutls_stack;
#else
		fail("RC4-SHA needs GnuTLS, and there was none when this was built");
#endif
	}
	s.keys = fopen(argv[4], "w");
	if (s.keys == NULL)
		fail("%s cannot be written", argv[4]);
	/* They are there before what they open, for whoever reads through a pipe. */
	setvbuf(s.keys, NULL, _IOLBF, 1 << 12);
	for (size_t i = 0; i < sizeof payload; i++)
		payload[i] = (uint8_t)random_word();
	stack->start(&s);
	wire_open(&w, argv[3], nanoseconds, segment);
	if (strcmp(mode, "many") == 0)
		many(&w, (unsigned)first, at_a_time, much * 1000);
	else
		one(&w, (size_t)first, much * 1000000);
	wire_close(&w);
	stack->stop();
	if (fclose(s.keys) != 0)
		fail("the key log cannot be written");
	return 0;
}
