/* The relay: listens, connects to the real server for each client, and passes octets on. */
#ifndef BM_LAB_RELAY_H
#define BM_LAB_RELAY_H

#include "lab/lane.h"
#include "lab/net.h"

enum { LAB_CONNECTIONS = 256 }; /* at a time; more wait */

struct lab_connection;

/* What showed of a connection. */
struct lab_known {
	unsigned version; /* as negotiated; 0: was not */
	const struct bm_suite *suite;
	uint64_t octets[2]; /* that were passed on, by direction */
};
enum { LAB_KNOWN = 8 };

struct lab_relay {
	const struct lab_ui *ui;
	struct lab_plan plan;
	struct sockaddr_in listen, to;
	int fd; /* that listens */
	struct lab_connection *open[LAB_CONNECTIONS];
	size_t open_count;
	uint64_t accepted;
	/* Of any connection, for whoever drives it. */
	uint64_t ended, refused;
	uint64_t applications[2]; /* records of application data that were seen, by direction */
	uint64_t passed;          /* octets */
	struct lab_known known[LAB_KNOWN]; /* of the first ones, by number, once they have ended */
	struct lab_pcapng sender, receiver;
	struct lab_shape shape;
	char *folder;
	const char *keys;
};

/* Takes listen, to, plan and shape from the caller; folder and keys may be NULL. False: it was said
 * why.
 */
bool lab_relay_open(struct lab_relay *r, const char *folder, const char *keys);
/* Waits for something to happen, timeout_ms at most, and passes on. False: it was said why. */
bool lab_relay_step(struct lab_relay *r, int timeout_ms);
/* What shows of the connection of that number so far. False: there is none, or it was none of the
 * first ones. */
bool lab_relay_knows(const struct lab_relay *r, uint64_t number, struct lab_known *out);
/* Closes what is open and writes the files. False: it was said why. */
bool lab_relay_close(struct lab_relay *r);
/* Frees everything; also after a failure. */
void lab_relay_clear(struct lab_relay *r);

#endif
