/* One client of a relay and its server. */
#ifndef BM_LAB_CONNECTION_H
#define BM_LAB_CONNECTION_H

#include "lab/relay.h"

struct lab_side {
	int fd;
	struct bm_buf out; /* waits to be written to fd */
	bool read_ended;   /* fd says no more */
	bool shut;         /* was told that no more comes */
};

struct lab_connection {
	uint64_t number, begun_ms;
	struct lab_side side[2]; /* side[d] is whom direction d comes from */
	bool connecting, over;
	struct lab_tls tls;
	struct lab_lane lane[2];
	struct lab_flow flow[2]; /* as the sender's capture shows it, and the receiver's */
	struct lab_passed passed;
};

/* fd is the client's. NULL with errno set; fd is closed then. */
struct lab_connection *lab_connection_new(struct lab_relay *r, int fd, uint16_t client_port);
/* What poll shall wait for at the side that direction d comes from. */
short lab_connection_events(const struct lab_connection *c, enum lab_direction d);
/* poll said so. False: out of memory. */
BM_MUST_USE bool lab_connection_happened(
	struct lab_relay *r, struct lab_connection *c, enum lab_direction d, short events);
void lab_connection_free(struct lab_connection *c);

#endif
