/* What the parts of the traffic maker share: a capture, the connections in it, and TLS stacks that
 * talk through them. */
#ifndef BENCH_TRAFFIC_H
#define BENCH_TRAFFIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum side { CLIENT, SERVER };

/* Says so on standard error and ends the program. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A capture under way. */
struct wire {
	FILE *file;
	uint64_t clock_ns;
	size_t segment; /* the most octets of payload in one */
	bool nanoseconds;
};

void wire_open(struct wire *w, const char *path, bool nanoseconds, size_t segment);
void wire_close(struct wire *w);

/* One TCP connection. What is written at one side is cut into segments, and read at the other. */
struct tcp;

struct tcp *tcp_open(struct wire *w, unsigned number);
/* Full segments go out at once; the rest with tcp_flush, or with what is written later. */
void tcp_write(struct tcp *t, enum side from, const void *p, size_t n);
void tcp_flush(struct tcp *t, enum side from);
/* As many octets as there are, at most n. */
size_t tcp_read(struct tcp *t, enum side at, void *p, size_t n);
/* Flushes, and ends both directions, the server's first. */
void tcp_close(struct tcp *t);

struct settings {
	const char *suite; /* by OpenSSL's name */
	FILE *keys;
	bool tls13;
	bool mac_then_encrypt;
};

/* One endpoint of a connection. A call that fails ends the program. */
struct endpoint;

struct stack {
	void (*start)(const struct settings *s);
	struct endpoint *(*open)(struct tcp *t, enum side side);
	/* As far as it goes without more from the other side. True: complete. */
	bool (*handshake)(struct endpoint *e);
	void (*send)(struct endpoint *e, const uint8_t *p, size_t n); /* one record, if it fits */
	size_t (*receive)(struct endpoint *e); /* octets of all there is, which are let go */
	void (*close)(struct endpoint *e);     /* says so to the other, and frees */
	void (*stop)(void);
};

extern const struct stack openssl_stack;
#ifdef BENCH_GNUTLS
extern const struct stack gnutls_stack; /* for RC4, which OpenSSL 3 speaks no more */
#endif

#endif
