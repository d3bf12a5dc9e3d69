/* How one report goes into the tables, within a transaction. */
#ifndef BM_STORE_PUT_H
#define BM_STORE_PUT_H

#include "findings/findings.h"
#include "store/db.h"

/* 128 bits over what identifies something; for equality, not against an adversary. */
struct bm_digest {
	uint64_t half[2];
};
#define BM_DIGEST_TEXT 33
void bm_digest_add(struct bm_digest *d, const void *bytes, size_t n);
/* A text, NULL among them, and where it ends. */
void bm_digest_text(struct bm_digest *d, const char *text);
void bm_digest_number(struct bm_digest *d, uint64_t n);
void bm_digest_print(const struct bm_digest *d, char out[BM_DIGEST_TEXT]);

/* Nanoseconds since 1970 of an RFC 3339 time in UTC; false: none, or before. */
bool bm_store_time(const char *text, int64_t *ns);
/* "192.0.2.1" of "192.0.2.1:443", "2001:db8::1" of "[2001:db8::1]:443"; other text as it is. */
void bm_store_address(const char *endpoint, char *out, size_t n);

/* What goes in, and what has come of it. */
struct bm_put {
	struct bm_store *store;
	const struct bm_store_run *run;
	uint64_t id;                          /* of the run */
	uint64_t verified, failed, undecided; /* connections */
	int64_t first, last;                  /* ns */
	bool has_time;
	struct bm_digest digest; /* of the report's octets */
	struct bm_store_added added;
};

void bm_put_begin(struct bm_put *p);
void bm_put_connection(struct bm_put *p, const struct bm_found_connection *c);
/* summary: connections in it are not looked at. True: this very report is there already. */
bool bm_put_end(struct bm_put *p, const struct bm_findings *summary);

/* put_failure.c: f, of a connection that was seen so. */
void bm_put_failure(struct bm_put *p, uint64_t sighting, uint64_t connection,
	const struct bm_found_connection *c, const struct bm_found_failure *f);
void bm_digest_damage(struct bm_digest *d, const struct bm_found_failure *f);

/* identity.c: which connection of the store c is; BM_DB_NULL: a new one, if it may be `made`,
 * else none. */
uint64_t bm_connection_find(struct bm_store *s, const struct bm_found_connection *c, bool make);

/* merge.c: which failures of a connection are one finding, and who tells of it best. */
void bm_merge(struct bm_store *s, uint64_t connection);

#endif
