/* What a driver tells of its device through SIOCETHTOOL (linux/ethtool.h): the calls that need no
 * privilege. Of the network namespace that the process is in. */
#ifndef BM_HOST_ETHTOOL_H
#define BM_HOST_ETHTOOL_H

#include "host/model.h"

/* A socket for the calls below; -1, and errno. */
int bm_ethtool_open(void);

/* Each fills in what it is named after, with strings of h's arena. 0, or an errno, and l is as it
 * was. The name must be shorter than IFNAMSIZ. */
int bm_ethtool_driver(struct bm_host *h, int fd, struct bm_link *l);
int bm_ethtool_features(struct bm_host *h, int fd, struct bm_link *l);
/* Adds those statistics whose names speak of errors or checksums. */
int bm_ethtool_stats(struct bm_host *h, int fd, struct bm_link *l);
/* MTU, flags, index. */
int bm_ethtool_basics(int fd, struct bm_link *l);

/* One more statistic; those that say nothing of errors are passed over. */
void bm_link_add_stat(
	struct bm_host *h, struct bm_link *l, const char *name, uint64_t n, bool of_driver);

#endif
