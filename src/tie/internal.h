/* What the files of src/tie share. */
#ifndef BM_TIE_INTERNAL_H
#define BM_TIE_INTERNAL_H

#include "tie/tie.h"

enum {
	TIE_RECORDS = 128, /* the last ones of a direction */
	TIE_ALERTS = 16,
	TIE_NONE = -1
};
/* Of the memory: for records of connections under way one in so many octets; of the rest one half
 * for what is kept of logs and connections, the other for what is said of them. */
enum { TIE_WATCH_SHARE = 5 };
/* Entries of a connection in the tables, besides those of its failures and of lengths: four ends,
 * random, event and life; and four more while those are sorted. */
enum { TIE_ENTRIES = 11 };
#define TIE_LEAST_MEMORY ((size_t)32 << 20)

/* A record, or a datagram, as it went by. */
struct tie_record {
	uint64_t off; /* of its header in the stream; BM_UNKNOWN: a datagram */
	uint64_t packet, ts_ns;
	uint16_t len; /* header not counted */
	uint8_t type;
};

struct tie_failure {
	unsigned direction;
	uint64_t off, len; /* BM_UNKNOWN: no record can be named; len with its header */
	uint64_t packet;   /* the last that carries it; 0: none */
	uint64_t ts_ns;    /* when its last octet came; 0: not known */
	enum bm_cause cause;
};

struct tie_alert {
	unsigned direction;
	uint8_t level, description; /* 0 and 255: it could not be read */
	uint64_t packet, ts_ns;
};

/* A connection of the report, as far as a log can speak of it. */
struct tie_connection {
	uint64_t id;
	struct bm_address client, server;
	uint64_t first_ns, last_ns; /* 0: not known */
	const char *server_name;    /* NULL: not known */
	uint64_t name_hash;
	const struct bm_suite *suite;
	unsigned version;
	bool has_random;
	uint8_t random[32];
	enum bm_conclusion result;
	bool keys; /* some opened it */
	struct tie_failure *failures;
	size_t failure_count;
	struct tie_alert *alerts;
	size_t alert_count;
	struct tie_record *records[2]; /* by direction; application data alone */
	size_t record_count[2];
};

struct tie_log {
	const char *name;
	uint64_t lines, bytes, left_out;
	size_t first, count; /* its incidents */
	uint64_t secrets;
	/* Its clock: what it shows is UTC plus offset plus skew. */
	double offset, skew;
	bool zoned;        /* its lines name their zone */
	bool weak;         /* by version and suite alone */
	size_t supported;  /* incidents that speak for it */
	const char *clock; /* a sentence; NULL: there is nothing to say */
	double other[4];   /* offsets that time alone would allow as well */
	size_t other_count;
};

/* One occurrence in a log. */
struct tie_incident {
	size_t log;
	uint64_t first_line, last_line;
	const struct bm_rule *event, *stack, *program;
	enum bm_detector detected;
	enum bm_stage stage;
	enum bm_role role;
	const char *thread; /* NULL: not known */
	bool doubtful;
	char version[16], suite[64]; /* "": not known */
	const struct bm_suite *known_suite;
	struct bm_log_time time; /* text "": none */
	struct bm_clues clues;
	bool random_of_thread; /* of the last ClientHello there, which may be another connection's */
	uint64_t lengths[BM_TRACE_LENGTHS]; /* of records received, the failed one last */
	size_t length_count;
	const char *headline, *quote; /* quote: its first line */
	/* What became of it. */
	enum bm_sure sure;
	struct tie_told *told; /* its candidates, the best first */
	size_t told_count;
	uint64_t told_more;
	const char *because;
};

/* How a moment in a log and one in the capture lie to each other. */
enum tie_when {
	TIE_WHEN_UNKNOWN,
	TIE_WHEN_OUTSIDE,
	TIE_WHEN_FAR,    /* within a minute of the event, outside of the connection's life */
	TIE_WHEN_DURING, /* in the life of the connection */
	TIE_WHEN_NEAR,   /* within two seconds of the event */
	TIE_WHEN_AT      /* when it happened */
};
enum tie_end { TIE_END_NONE, TIE_END_SERVER, TIE_END_IP, TIE_END_PORT, TIE_END_CLIENT };

/* What an incident and a failure (or a connection) have in common. */
struct tie_match {
	size_t connection;
	int failure, alert; /* TIE_NONE */
	int score;
	int telling; /* the part of it that few connections share */
	bool random, thread_random, name, version, suite;
	enum tie_end end;
	size_t end_at;     /* which of the incident's ends */
	size_t lengths;    /* how many stand in the stream in the log's order */
	bool lengths_fail; /* and the last is the failure's */
	uint64_t length_off;
	unsigned length_direction;
	int direction; /* 1: fits, -1: does not, 0: not known */
	enum tie_when when;
	double distance; /* seconds from the event to the log's time */
	/* What speaks against it. */
	bool other_version, other_suite, other_length, other_end, other_alert, no_alert, healthy;
	bool complaint; /* the alert says, or may say, that a record was bad */
	bool taken;     /* others that fit as well are spoken of by other incidents */
};

enum { TIE_GROUNDS = 12, TIE_AGAINST = 8 };

/* A candidate in words. */
struct tie_told {
	struct tie_match match;
	struct {
		const char *kind, *says;
	} grounds[TIE_GROUNDS];
	size_t ground_count;
	const char *against[TIE_AGAINST];
	size_t against_count;
};

/* Sorted by key, then by time. */
struct tie_entry {
	uint64_t key, ts_ns;
	uint32_t connection;
	int32_t failure; /* of events and lengths: TIE_NONE */
};
struct tie_table {
	struct tie_entry *entries;
	size_t count, cap;
};

struct tie_index {
	struct tie_table ends;    /* hashes of addresses and ports */
	struct tie_table randoms; /* the first octets of client randoms */
	struct tie_table lengths; /* hashes of two lengths that follow one another, or of one */
	struct tie_table events;  /* key: ts_ns of failures and fatal alerts */
	struct tie_table lives;   /* key: first_ns; ts_ns: the latest last_ns up to there */
};

struct bm_tie {
	struct bm_arena arena; /* what is kept */
	struct bm_arena words; /* what is said of it */
	struct bm_rules *rules;
	bool sealed, want_lengths, settled;
	struct bm_explain *reading;
	enum bm_status status; /* first failure inside a callback */
	struct tie_log *logs;
	size_t log_count, log_cap;
	struct tie_incident *incidents;
	size_t incident_count, incident_cap;
	struct tie_connection *connections;
	size_t connection_count, connection_cap;
	uint64_t left_out;
	size_t watch_max;
	size_t watching; /* octets that watches take */
	size_t tables_max;
	size_t tables;              /* octets that tables take, those to come for connections too */
	size_t lengths_of;          /* so many of a direction's last records are in the table */
	uint64_t first_ns, last_ns; /* of all frames; 0: none */
	struct tie_index index;
	struct tie_mention *mentions; /* report.h; sorted by connection and failure */
	size_t mention_count;
	size_t *rest; /* incidents that speak of no failure */
	size_t rest_count;
};

/* watch.c: the nth of the records that are kept of a way, the oldest first; NULL past the last. */
const struct tie_record *tie_watch_nth(const struct bm_tie_watch *w, enum bm_way way, uint64_t n);

/* report.c: once all incidents have their candidates. */
BM_MUST_USE enum bm_status tie_mentions_build(struct bm_tie *t);

/* index.c */
BM_MUST_USE enum bm_status tie_index_build(struct bm_tie *t);
void tie_index_clear(struct tie_index *x);
/* Entries of a key, in *n. */
const struct tie_entry *tie_index_find(const struct tie_table *t, uint64_t key, size_t *n);
/* The first entry at or after key. */
size_t tie_index_from(const struct tie_table *t, uint64_t key);
uint64_t tie_key_end(const struct bm_clue_end *e);
uint64_t tie_key_port(uint16_t port);
uint64_t tie_key_ip(const struct bm_clue_end *e);
uint64_t tie_key_random(const uint8_t random[32]);
uint64_t tie_key_lengths(uint64_t before, uint64_t last); /* before 0: none */
struct bm_clue_end tie_end_of(const struct bm_address *a);

/* clock.c: what the clocks of all logs are set to. */
BM_MUST_USE enum bm_status tie_clocks(struct bm_tie *t);
/* The moment of an incident in UTC, seconds since 1970, near `about`; false: it shows none. */
bool tie_moment(const struct bm_tie *t, const struct tie_incident *i, double about, double *out);
/* The same as the log's own clock has it, offset and skew not taken off. */
bool tie_reading(const struct tie_incident *i, double about, double *out);
const char *tie_offset_text(double seconds, char out[16]); /* "UTC+01:00" */

/* compare.c: match->connection, failure and alert are set; fills in the rest. */
void tie_compare(
	const struct bm_tie *t, const struct tie_incident *i, struct tie_match *match, bool clock);
/* When what is tied to happened, ns; 0: not known. */
uint64_t tie_event_ns(const struct tie_connection *c, int failure, int alert);

/* candidates.c: the best of them, best first, at most max; *n of them. clock: whether times say
 * anything yet. */
size_t tie_candidates(const struct bm_tie *t, const struct tie_incident *i, bool clock,
	struct tie_match *out, size_t max, uint64_t *left_out);

/* assign.c */
BM_MUST_USE enum bm_status tie_assign(struct bm_tie *t);
/* words.c: candidates in words. False: out of memory. */
bool tie_words(struct bm_tie *t, const struct tie_incident *i, struct tie_told *told);
const char *tie_sure_id(enum bm_sure s);

#endif
