/* The crimes, as a table: what is done wrongly, and what it says of itself. */
#ifndef BM_LAB_GUILTY_CRIMES_H
#define BM_LAB_GUILTY_CRIMES_H

#include "lab/guilty/peer.h"

/* What was done, for the lab: the record that its receiver cannot verify first. */
struct confession {
	int64_t record; /* among those of application data; below 0: it is none */
	uint64_t sequence, offset;
	size_t length;
	const char *party;
	/* A run that should not be there, or one that is missing. */
	bool damaged;
	size_t damage_off;
	struct record received, sent;
};

/* What a crime has to do with: the connection that it is committed on, and one that came before. */
struct scene {
	const struct settings *s;
	struct peer peer, other;
	unsigned connections; /* so many were made */
	int stale_fd;         /* a number that was a file's and is the socket's now */
	uint64_t restarted;   /* a sequence number that began at 0 again */
	struct confession done;
	bool committed;
};

struct crime {
	const char *name;
	/* Before the connection is made; NULL: there is nothing to do. */
	bool (*prepare)(struct scene *s);
	/* In place of the handshake; NULL: it goes as it should. Then commit is NULL. */
	bool (*shake)(struct scene *s);
	/* In place of the line that is due. */
	bool (*commit)(struct scene *s);
	/* In place of each line behind it; NULL: those are as they should be. */
	bool (*go_on)(struct scene *s, const char *text);
	/* When all is over; NULL: there is nothing to do. */
	bool (*end)(struct scene *s);
};

extern const struct crime crime_fork, crime_child_exit, crime_threads, crime_threads_nested,
	crime_reorder, crime_short_write;
extern const struct crime crime_log_line, crime_stale_writer, crime_late_shutdown,
	crime_outer_alert, crime_outer_alert_unknown;
extern const struct crime crime_changed_buffer, crime_padding, crime_untyped, crime_mac_inside,
	crime_short_mac, crime_half_key, crime_inner_length, crime_restart, crime_other_direction;
extern const struct crime crime_handshake_key, crime_old_key, crime_stale_keys, crime_stale_secret,
	crime_mixed_log;

/* crime_outer.c: the other connection, to the same server, in use. */
bool connect_other(struct scene *s);
/* What the next record is for its receiver; before it is made. */
void confess_here(struct scene *s, const char *party);

#endif
