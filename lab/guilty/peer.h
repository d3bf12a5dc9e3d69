/* A TLS client on libssl whose output goes through memory, so that whoever writes it can do so
 * wrongly; it counts what it sends as its receiver does. */
#ifndef BM_LAB_GUILTY_PEER_H
#define BM_LAB_GUILTY_PEER_H

#include "lab/guilty/seal.h"

struct settings {
	const char *crime, *cipher, *ciphersuites, *folder;
	unsigned port, record; /* at which of its records of application data, from 0 */
	int version;
	uint64_t seed;
	bool no_etm, logs; /* logs: its secrets go to keys.log in the folder */
};

enum secret_of { CLIENT_HANDSHAKE, CLIENT_TRAFFIC, SERVER_TRAFFIC, MASTER, SECRETS };

struct peer {
	const struct settings *s;
	SSL_CTX *ctx;
	SSL *ssl;
	BIO *out;
	int fd;
	unsigned connection; /* how many of this program's came before */
	/* Of what is sent next: offset in the stream, sequence number, number among the records of
	 * application data. */
	uint64_t offset, sequence, index;
	/* Of the first protected record. */
	uint64_t first_offset;
	size_t first_length;
	struct secret secret[SECRETS];
	char secret_line[400]; /* the latest line for a key log */
	bool writes_log;
	bool gone; /* the other end said that it is, or that it will not go on */
};

/* Says why on standard output, in a line that begins with the program's name. Always false. */
__attribute__((format(printf, 1, 2))) bool trouble(const char *format, ...);
bool libssl_trouble(const char *what);

/* Connects; the handshake is peer_shake's or the caller's. All gives false when it said why. */
bool peer_open(struct peer *p, const struct settings *s, unsigned connection);
bool peer_shake(struct peer *p);
/* One step of a handshake: 1 done, 0 to go on, below 0 it failed. Output stays in p->out. */
int peer_step(struct peer *p);
/* For libssl, of an SSL whose app data is a peer. A line of a key log: a label, the client's
 * random, the secret. */
void peer_keep_secret(const SSL *ssl, const char *line);
/* The key log's file gets the latest line. */
bool peer_log(const struct peer *p);
/* Waits until something can be read, ms at most. */
void peer_wait(const struct peer *p, int ms);

/* The record that libssl makes of the text; p counts it as made, and not as sent. */
bool peer_make(struct peer *p, const char *text, struct record *out);
/* What libssl has put out since; empty is no trouble. */
bool peer_take(struct peer *p, struct record *out);
bool peer_send(struct peer *p, const void *octets, size_t n);
/* Both. */
bool peer_say(struct peer *p, const char *text);
/* Reads what came, for ms at most; notices that the other end is gone. */
void peer_listen(struct peer *p, int ms);
/* Until it is let go, what is sent waits, so that all of it goes at once. */
void peer_hold(const struct peer *p, bool hold);
void peer_close(struct peer *p, bool orderly);
void peer_free(struct peer *p);

/* Lines of letters and digits, the n-th of the same seed always the same, no two alike. */
enum { LINE_MAX_OCTETS = 3000, LINES = 8 };
void line_text(const struct settings *s, unsigned n, unsigned variant, char out[LINE_MAX_OCTETS]);

#endif
