/* Reads the captures of a place with several threads, each of which follows a part of the
 * connections. What one connection says of another is not to be had this way: so it is given up as
 * soon as anything is not as it should be, and all is read again by one thread. Refuses to judge
 * failures. */
#ifndef BM_API_SHARDS_H
#define BM_API_SHARDS_H

#include "api/internal.h"

/* May the captures of the site be tried that way? */
bool shards_worth_trying(const struct badmac *b, uint32_t site);

/* As read_site. *given_up: it was; what was told of so far will be told of again in the same order
 * and words, and b counts it in `told`. */
BM_MUST_USE enum bm_status shards_read_site(
	struct badmac *b, uint32_t site, bool *given_up, struct bm_error *e);

/* In a shard: a connection has been found to be TLS; the number that it goes by here. */
uint64_t shards_number(struct badmac *b, const struct bm_flow *f);
/* In a shard: it has ended, and this is what there is to say of it. */
void shards_tell(struct badmac *b, const struct bm_flow *f, const struct bm_connection *c);

#endif
