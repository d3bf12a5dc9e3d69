/* What the lab's own programs share: each is a library's server that gives back what it gets, and
 * its client that says what it reads. */
#ifndef BM_LAB_PEER_H
#define BM_LAB_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As the command line says it. */
struct peer_setup {
	bool server;
	const char *folder; /* has server.key and server.crt */
	unsigned version;   /* as on the wire: 0x0301 to 0x0304 */
	unsigned suite;     /* its number; 0: what the library likes best */
	bool no_etm;        /* CBC with the MAC inside */
	bool logs;          /* write secrets to keys.log */
};

/* A TLS library. What goes wrong is said on standard output, in the library's own words, by
 * whoever notices it. */
struct peer_library {
	void (*say_version)(void); /* one line */
	/* Lines for badmac lab list: "VERS-TLS1.2" for a version, "NAME " or "0xc0, 0x2f" for a suite.
	 */
	void (*say_abilities)(void);
	/* Once, before anything else. */
	bool (*set_up)(const struct peer_setup *s);
	/* A connection, which owns nothing of fd, after its handshake; NULL: there was none. */
	void *(*begin)(int fd);
	/* Octets, at least one; 0 when the other end says no more; PEER_LATER: what came was no
	 * content, as tickets of TLS 1.3 are not; any other number below 0 when it went wrong. fd does
	 * not block from here on. */
	int (*read)(void *connection, uint8_t *p, size_t n);
	bool (*write)(void *connection, const uint8_t *p, size_t n);
	bool (*has_more)(void *connection); /* read would not wait */
	void (*say_end)(void *connection);  /* close_notify */
	void (*end)(void *connection);
};

enum { PEER_LATER = -2 };
/* Until fd can be written to. */
void peer_await_room(int fd);

/* main. Words: "version", "list", or server|client PORT FOLDER VERSION SUITE [keys] [-no_etm], with
 * numbers in decimal. */
int peer_main(const struct peer_library *library, int argc, char **argv);

/* FOLDER/name; short enough or the program ends. */
enum { PEER_PATH = 4096 };
const char *peer_path(const struct peer_setup *s, const char *name, char out[PEER_PATH]);
/* Appends "LABEL RANDOM SECRET" to keys.log (draft-ietf-tls-keylogfile). */
void peer_log(const struct peer_setup *s, const char *label, const uint8_t random[32],
	const uint8_t *secret, size_t n);
/* "error: WHAT: WORDS", on one line. */
void peer_error(const char *what, const char *words);

#endif
