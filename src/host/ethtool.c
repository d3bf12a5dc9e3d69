/* Asks drivers. What they answer with is no more trusted than a file: counts have limits, strings
 * have ends. */
#define _GNU_SOURCE /* struct ifreq */
#include "host/ethtool.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum { STRINGS_MAX = 1 << 16, SLACK = 4096 };

int
bm_ethtool_open(void)
{
	return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static void
fill(struct ifreq *r, const struct bm_link *l)
{
	memset(r, 0, sizeof *r);
	memcpy(r->ifr_name, l->name, strnlen(l->name, sizeof r->ifr_name - 1));
}

static int
ask(int fd, const struct bm_link *l, void *command)
{
	struct ifreq r;

	fill(&r, l);
	r.ifr_data = command;
	return ioctl(fd, SIOCETHTOOL, &r) == 0 ? 0 : errno;
}

static const char *
text(struct bm_host *h, const char *p, size_t n)
{
	size_t len = strnlen(p, n);

	return len != 0 ? bm_host_string(h, bm_view(p, len)) : NULL;
}

int
bm_ethtool_driver(struct bm_host *h, int fd, struct bm_link *l)
{
	struct ethtool_drvinfo d = {.cmd = ETHTOOL_GDRVINFO};
	int error = ask(fd, l, &d);

	if (error != 0)
		return error;
	l->driver = text(h, d.driver, sizeof d.driver);
	l->driver_version = text(h, d.version, sizeof d.version);
	l->firmware = text(h, d.fw_version, sizeof d.fw_version);
	l->bus = text(h, d.bus_info, sizeof d.bus_info);
	/* What drivers write who have nothing to say. */
	if (l->firmware != NULL && strcmp(l->firmware, "N/A") == 0)
		l->firmware = NULL;
	return 0;
}

static int
count_strings(int fd, const struct bm_link *l, unsigned set, uint32_t *n)
{
	/* The set's size follows the head, which ends with an array of none. */
	union {
		struct ethtool_sset_info info;
		uint32_t words[sizeof(struct ethtool_sset_info) / 4 + 1];
	} u;

	memset(&u, 0, sizeof u);
	u.info.cmd = ETHTOOL_GSSET_INFO;
	u.info.sset_mask = (uint64_t)1 << set;
	int error = ask(fd, l, &u);
	if (error != 0)
		return error;
	if (u.info.sset_mask == 0)
		return EOPNOTSUPP;
	*n = u.words[sizeof(struct ethtool_sset_info) / 4];
	return *n <= STRINGS_MAX ? 0 : EFBIG;
}

/* The number of strings may grow between the calls (another channel, another program), and the
 * kernel writes as many as there are by then: so there is room for many more, and a number that
 * changed is refused. */
static int
get_strings(
	int fd, const struct bm_link *l, unsigned set, uint32_t n, struct ethtool_gstrings **out)
{
	struct ethtool_gstrings *s = calloc(1, sizeof *s + ((size_t)n * 2 + SLACK) * ETH_GSTRING_LEN);

	if (s == NULL)
		return ENOMEM;
	s->cmd = ETHTOOL_GSTRINGS;
	s->string_set = set;
	s->len = n;
	int error = ask(fd, l, s);
	if (error == 0 && s->len != n)
		error = EAGAIN;
	if (error != 0)
		free(s);
	else
		*out = s;
	return error;
}

static const char *
string_at(struct bm_host *h, const struct ethtool_gstrings *s, size_t i)
{
	const char *t = text(h, (const char *)s->data + i * ETH_GSTRING_LEN, ETH_GSTRING_LEN);

	return t != NULL ? t : "";
}

static bool
bit(uint32_t word, size_t i)
{
	return word >> (i % 32) & 1;
}

static int
take_features(
	struct bm_host *h, int fd, struct bm_link *l, const struct ethtool_gstrings *names, uint32_t n)
{
	size_t blocks = ((size_t)n + 31) / 32, cap = 0;
	struct ethtool_gfeatures *f =
		calloc(1, sizeof *f + (blocks + SLACK) * sizeof(struct ethtool_get_features_block));

	if (f == NULL)
		return ENOMEM;
	f->cmd = ETHTOOL_GFEATURES;
	f->size = (uint32_t)blocks;
	int error = ask(fd, l, f);
	if (f->size < blocks)
		blocks = f->size;
	for (size_t i = 0; error == 0 && i < n && i / 32 < blocks; i++) {
		const struct ethtool_get_features_block *b = &f->features[i / 32];
		const char *name = string_at(h, names, i);
		bool on = bit(b->active, i);
		if (name[0] == '\0' || !bm_host_grow(h, (void **)&l->features, &cap, l->feature_count + 1,
								   STRINGS_MAX, sizeof *l->features))
			continue;
		l->features[l->feature_count++] =
			(struct bm_feature){name, on, bit(b->never_changed, i) || !bit(b->available, i)};
	}
	free(f);
	return error;
}

int
bm_ethtool_features(struct bm_host *h, int fd, struct bm_link *l)
{
	struct ethtool_gstrings *names = NULL;
	uint32_t n = 0;
	int error = count_strings(fd, l, ETH_SS_FEATURES, &n);

	if (error == 0)
		error = get_strings(fd, l, ETH_SS_FEATURES, n, &names);
	if (error == 0)
		error = take_features(h, fd, l, names, n);
	free(names);
	l->features_known = error == 0;
	return error;
}

void
bm_link_add_stat(struct bm_host *h, struct bm_link *l, const char *name, uint64_t n, bool of_driver)
{
	enum bm_stat_class kind = bm_stat_classify(name);

	if (kind == BM_STAT_OTHER && strstr(name, "csum") == NULL)
		return;
	if (!bm_host_grow(
			h, (void **)&l->stats, &l->stat_cap, l->stat_count + 1, STRINGS_MAX, sizeof *l->stats))
		return;
	l->stats[l->stat_count++] =
		(struct bm_stat){.name = name, .kind = kind, .of_driver = of_driver, .n = n};
}

static int
take_stats(
	struct bm_host *h, int fd, struct bm_link *l, const struct ethtool_gstrings *names, uint32_t n)
{
	struct ethtool_stats *s = calloc(1, sizeof *s + ((size_t)n * 2 + SLACK) * sizeof(uint64_t));

	if (s == NULL)
		return ENOMEM;
	s->cmd = ETHTOOL_GSTATS;
	s->n_stats = n;
	int error = ask(fd, l, s);
	if (error == 0 && s->n_stats != n)
		error = EAGAIN;
	for (size_t i = 0; error == 0 && i < n; i++)
		bm_link_add_stat(h, l, string_at(h, names, i), s->data[i], true);
	free(s);
	return error;
}

int
bm_ethtool_stats(struct bm_host *h, int fd, struct bm_link *l)
{
	struct ethtool_gstrings *names = NULL;
	uint32_t n = 0;
	int error = count_strings(fd, l, ETH_SS_STATS, &n);

	if (error == 0 && n != 0)
		error = get_strings(fd, l, ETH_SS_STATS, n, &names);
	if (error == 0 && n != 0)
		error = take_stats(h, fd, l, names, n);
	free(names);
	/* A device that counts nothing of its own is no trouble. */
	return error == EOPNOTSUPP ? 0 : error;
}

int
bm_ethtool_basics(int fd, struct bm_link *l)
{
	struct ifreq r;

	fill(&r, l);
	if (ioctl(fd, SIOCGIFMTU, &r) != 0)
		return errno;
	l->mtu = (struct bm_count){r.ifr_mtu >= 0, r.ifr_mtu >= 0 ? (uint64_t)r.ifr_mtu : 0};
	fill(&r, l);
	if (ioctl(fd, SIOCGIFFLAGS, &r) != 0)
		return errno;
	l->flags = (struct bm_count){true, (uint16_t)r.ifr_flags};
	fill(&r, l);
	if (ioctl(fd, SIOCGIFINDEX, &r) != 0)
		return errno;
	l->index =
		(struct bm_count){r.ifr_ifindex > 0, r.ifr_ifindex > 0 ? (uint64_t)r.ifr_ifindex : 0};
	return 0;
}
