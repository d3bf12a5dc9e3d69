/* What network cards and memory of this host have to do with the counters: who sums what is
 * received, and what was counted elsewhere. Refuses to weigh it. */
#ifndef BM_ODDS_CARDS_H
#define BM_ODDS_CARDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bm_host;

enum { BM_ODDS_CARDS = 16 };

struct bm_odds_card {
	char name[20], driver[36]; /* driver: "" if not known */
	int rx_checksum;           /* 1: its word on received sums is believed, 0: not, -1: not known */
	/* Its own counters, by what their names say (ethtool -S); UINT64_MAX: it has none of the kind.
	 */
	uint64_t checksum_errors; /* IP, TCP or UDP */
	uint64_t frame_errors;    /* CRC and the like, of the link */
};

struct bm_odds_cards {
	bool known; /* the host was looked at */
	struct bm_odds_card at[BM_ODDS_CARDS];
	size_t count;
	bool more;
	uint64_t memory_errors; /* of all memory controllers (EDAC); UINT64_MAX: not known */
};

/* Cards that are in use, and pairs of virtual ones; nothing that only passes on. Since the host was
 * started, or, where h was compared with an earlier reading, since that. */
void bm_odds_take_cards(const struct bm_host *h, struct bm_odds_cards *out);
/* The first whose word on received sums is believed; NULL: none is known to be. */
const char *bm_odds_card_that_vouches(const struct bm_odds_cards *c);
/* The sum of what the cards counted as bad checksums, 0 if none did. */
uint64_t bm_odds_cards_checksum_errors(const struct bm_odds_cards *c);

#endif
