/* Remembers which address and name was replaced by what, so that the same one always gets the same
 * replacement. Refuses to know where they stood. */
#include "report/redact_internal.h"

#include "base/hash64.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	KNOWN_MAX = 1 << 20, /* past it all that is new gets number 0 */
	KEY_MEMORY = 256 << 20,
	FILES_MAX = 1 << 18,
	NAME_OCTETS = 4096,
	BENCHMARK = 1 << 17 /* addresses of 198.18.0.0/15 */
};

struct bm_hidden_key {
	struct bm_view key; /* its kind, then the octets; p NULL: free */
	uint64_t hash, number;
};

enum bm_status
bm_redact_new(struct bm_redact **out, enum bm_redaction level)
{
	*out = NULL;
	if (level == BM_REDACT_NOTHING)
		return BM_USAGE;
	*out = calloc(1, sizeof **out);
	if (*out == NULL)
		return BM_NOMEM;
	(*out)->level = level;
	(*out)->keys.max = KEY_MEMORY;
	return BM_OK;
}

void
bm_redact_free(struct bm_redact *r)
{
	if (r == NULL)
		return;
	free(r->files[0]);
	free(r->files[1]);
	free(r->table);
	bm_arena_clear(&r->keys);
	free(r);
}

enum bm_redaction
bm_redact_level(const struct bm_redact *r)
{
	return r != NULL ? r->level : BM_REDACT_NOTHING;
}

const char *
bm_redaction_id(enum bm_redaction level)
{
	return level == BM_REDACT_ADDRESSES ? "addresses" : level == BM_REDACT_ALL ? "all" : NULL;
}

/* Where the key stands, or would. The table is never full. */
static struct bm_hidden_key *
slot(struct bm_hidden_key *table, size_t cap, struct bm_view key, uint64_t hash)
{
	size_t at = (size_t)hash & (cap - 1);

	while (
		table[at].key.p != NULL && (table[at].hash != hash || !bm_view_equal(table[at].key, key)))
		at = (at + 1) & (cap - 1);
	return &table[at];
}

static enum bm_status
make_room(struct bm_redact *r)
{
	if (r->cap != 0 && r->count < r->cap / 2)
		return BM_OK;
	size_t cap = r->cap != 0 ? 2 * r->cap : 64;
	struct bm_hidden_key *table = calloc(cap, sizeof *table);
	if (table == NULL)
		return BM_NOMEM;
	for (size_t i = 0; i < r->cap; i++)
		if (r->table[i].key.p != NULL)
			*slot(table, cap, r->table[i].key, r->table[i].hash) = r->table[i];
	free(r->table);
	r->table = table;
	r->cap = cap;
	return BM_OK;
}

enum bm_status
bm_hidden_number(
	struct bm_redact *r, enum bm_hidden kind, struct bm_view key, bool add, uint64_t *number)
{
	uint8_t octets[1 + NAME_OCTETS];
	size_t n = key.n < NAME_OCTETS ? key.n : NAME_OCTETS;

	octets[0] = (uint8_t)kind;
	if (n != 0)
		memcpy(octets + 1, key.p, n);
	struct bm_view whole = bm_view(octets, n + 1);
	uint64_t hash = bm_hash64(whole, 0);
	*number = 0;
	if (r->cap != 0) {
		const struct bm_hidden_key *found = slot(r->table, r->cap, whole, hash);
		if (found->key.p != NULL) {
			*number = found->number;
			return BM_OK;
		}
	}
	if (!add || r->count == KNOWN_MAX)
		return BM_OK;
	enum bm_status st = make_room(r);
	if (st != BM_OK)
		return st;
	const uint8_t *kept = bm_arena_copy(&r->keys, whole);
	if (kept == NULL)
		return BM_NOMEM;
	*number = ++r->counted[kind];
	*slot(r->table, r->cap, whole, hash) =
		(struct bm_hidden_key){bm_view(kept, whole.n), hash, *number};
	r->count++;
	return BM_OK;
}

/* RFC 5737's three blocks for documentation, then that for benchmarks (RFC 2544), then what is
 * reserved (RFC 1112, section 4); number 0 has 192.0.2.0, which no other gets. */
static void
ipv4_of(uint64_t number, uint8_t ip[4])
{
	static const uint8_t blocks[3][3] = {{192, 0, 2}, {198, 51, 100}, {203, 0, 113}};
	enum { EACH = 254 };

	if (number <= 3 * EACH) {
		memcpy(ip, blocks[number == 0 ? 0 : (number - 1) / EACH], 3);
		ip[3] = (uint8_t)(number == 0 ? 0 : (number - 1) % EACH + 1);
		return;
	}
	uint32_t n = (uint32_t)(number - 3 * EACH - 1);
	uint32_t v = n < BENCHMARK ? (198u << 24 | 18u << 16) + n : (240u << 24) + (n - BENCHMARK);
	for (int i = 0; i < 4; i++)
		ip[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* RFC 3849. */
static void
ipv6_of(uint64_t number, uint8_t ip[16])
{
	static const uint8_t block[4] = {0x20, 0x01, 0x0d, 0xb8};

	memset(ip, 0, 16);
	memcpy(ip, block, sizeof block);
	for (int i = 0; i < 4; i++)
		ip[12 + i] = (uint8_t)(number >> (24 - 8 * i));
}

static void
mac_of(uint64_t number, uint8_t mac[6])
{
	/* Locally administered, of nobody. */
	const uint8_t of[6] = {
		0x02, 0, 0, (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number};

	memcpy(mac, of, sizeof of);
}

enum bm_status
bm_hidden_ip(struct bm_redact *r, uint8_t *ip, unsigned family)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	enum bm_hidden kind = family == 4   ? BM_HIDDEN_IPV4
						  : family == 6 ? BM_HIDDEN_IPV6
										: BM_HIDDEN_MAC;
	size_t n = family == 4 ? 4 : family == 6 ? 16 : 6;
	uint8_t own[16];
	uint64_t number;

	/* IPv4 in IPv6 (RFC 4291, section 2.5.5.2) is that IPv4 address. */
	if (family == 6 && memcmp(ip, mapped, sizeof mapped) == 0)
		return bm_hidden_ip(r, ip + 12, 4);
	memcpy(own, ip, n);
	enum bm_status st = bm_hidden_number(r, kind, bm_view(own, n), true, &number);
	if (st != BM_OK)
		return st;
	for (;;) {
		if (kind == BM_HIDDEN_IPV4)
			ipv4_of(number, ip);
		else if (kind == BM_HIDDEN_IPV6)
			ipv6_of(number, ip);
		else
			mac_of(number, ip);
		/* An address of those blocks never stands for itself: it takes the place past all. */
		if (number == 0 || memcmp(ip, own, n) != 0)
			return BM_OK;
		number = (uint64_t)KNOWN_MAX + number;
	}
}

enum bm_status
bm_redact_address(struct bm_redact *r, struct bm_address *a)
{
	return bm_hidden_ip(r, a->ip, a->family == 6 ? 6 : 4);
}

enum bm_status
bm_hidden_name(struct bm_redact *r, enum bm_hidden kind, struct bm_view name, bool add,
	char out[BM_HIDDEN_NAME_MAX])
{
	uint8_t key[NAME_OCTETS];
	uint64_t number;

	out[0] = '\0';
	while (kind == BM_HIDDEN_HOST && name.n > 1 && name.p[name.n - 1] == '.')
		name.n--;
	if (name.n > sizeof key)
		name.n = sizeof key;
	for (size_t i = 0; i < name.n; i++)
		key[i] = kind == BM_HIDDEN_HOST && name.p[i] >= 'A' && name.p[i] <= 'Z'
					 ? (uint8_t)(name.p[i] - 'A' + 'a')
					 : name.p[i];
	enum bm_status st = bm_hidden_number(r, kind, bm_view(key, name.n), add, &number);
	if (st != BM_OK || (number == 0 && !add))
		return st;
	for (;;) {
		(void)snprintf(out, BM_HIDDEN_NAME_MAX,
			kind == BM_HIDDEN_HOST ? "host-%" PRIu64 ".example" : "user-%" PRIu64, number);
		/* As with addresses: nothing stands for itself. */
		if (name.n != strlen(out) || memcmp(out, key, name.n) != 0)
			return BM_OK;
		number += KNOWN_MAX;
	}
}

const char *
bm_redact_host(struct bm_redact *r, struct bm_arena *a, struct bm_view name)
{
	char shown[BM_HIDDEN_NAME_MAX];

	if (bm_hidden_name(r, BM_HIDDEN_HOST, name, true, shown) != BM_OK)
		return NULL;
	return bm_arena_print(a, "%s", shown);
}

/* What the end of a file's name says of what is in it; "": nothing that is known. */
static const char *
ending_of(enum bm_redact_kind kind, const char *name)
{
	static const char *const known[BM_REDACT_KINDS][10] = {
		{".pcap.gz", ".pcap.zst", ".pcapng.gz", ".pcapng.zst", ".pcapng", ".pcap", ".cap.gz",
			".cap"},
		{".log.gz", ".log.zst", ".log", ".txt"},
		{".log", ".txt", ".keys", ".keylog", ".pem", ".key"}};
	static const char *const otherwise[] = {".pcap", ".log", ".keys"};
	size_t n = strlen(name);

	for (size_t i = 0; i < 10 && known[kind][i] != NULL; i++) {
		size_t m = strlen(known[kind][i]);
		if (n > m && strcmp(name + n - m, known[kind][i]) == 0)
			return known[kind][i];
	}
	return otherwise[kind];
}

/* What the command and the library call inputs that have no name. */
static bool
names_none(const char *name)
{
	return strcmp(name, "standard input") == 0 || strcmp(name, "key material") == 0;
}

/* Past so many different lengths the shortest are no longer looked for in texts. */
static void
add_length(struct bm_redact *r, size_t n)
{
	size_t at = 0;

	if (n > NAME_OCTETS)
		n = NAME_OCTETS;
	while (at < r->length_count && r->lengths[at] > n)
		at++;
	if (at == BM_HIDDEN_LENGTHS || (at < r->length_count && r->lengths[at] == n))
		return;
	if (r->length_count < BM_HIDDEN_LENGTHS)
		r->length_count++;
	memmove(r->lengths + at + 1, r->lengths + at, (r->length_count - at - 1) * sizeof *r->lengths);
	r->lengths[at] = (uint16_t)n;
}

/* *new: this name was not known as one of that kind. */
static enum bm_status
add_file(struct bm_redact *r, enum bm_hidden kind, const char *name, bool *new)
{
	size_t nth = kind == BM_HIDDEN_BASE;
	uint64_t number, before = r->counted[kind];
	enum bm_status st = bm_hidden_number(r, kind, bm_view(name, strlen(name)), true, &number);

	*new = st == BM_OK &&number > before;
	if (!*new)
		return st;
	void *items = r->files[nth];
	st = bm_grow(&items, &r->file_cap[nth], (size_t)number, FILES_MAX, sizeof **r->files);
	r->files[nth] = items;
	if (st == BM_OK)
		add_length(r, strlen(name));
	return st;
}

enum bm_status
bm_redact_file(struct bm_redact *r, enum bm_redact_kind kind, const char *name)
{
	static const char *const words[] = {"capture", "log", "keys"};
	struct bm_hidden_file f;
	bool new;

	if (name[0] == '\0' || names_none(name))
		return BM_OK;
	enum bm_status st = add_file(r, BM_HIDDEN_FILE, name, &new);
	if (st != BM_OK || !new)
		return st;
	(void)snprintf(f.shown, sizeof f.shown, "%s-%u%s", words[kind], ++r->files_told[kind],
		ending_of(kind, name));
	r->files[0][r->counted[BM_HIDDEN_FILE] - 1] = f;
	const char *last = strrchr(name, '/');
	if (last == NULL || last[1] == '\0')
		return BM_OK;
	st = add_file(r, BM_HIDDEN_BASE, last + 1, &new);
	if (st == BM_OK && new)
		r->files[1][r->counted[BM_HIDDEN_BASE] - 1] = f;
	return st;
}

/* NULL: it is none. */
static const char *
file_of(struct bm_redact *r, enum bm_hidden kind, struct bm_view name)
{
	uint64_t number;

	/* Nothing is added, so nothing can fail. */
	if (bm_hidden_number(r, kind, name, false, &number) != BM_OK || number == 0)
		return NULL;
	return r->files[kind == BM_HIDDEN_BASE][number - 1].shown;
}

const char *
bm_redact_file_name(struct bm_redact *r, const char *name)
{
	if (name == NULL || names_none(name))
		return name;
	const char *shown = file_of(r, BM_HIDDEN_FILE, bm_view(name, strlen(name)));
	return shown != NULL ? shown : "file";
}

bool
bm_hidden_goes_on(uint8_t c)
{
	return bm_is_alnum(c) || c == '_' || c >= 0x80;
}

const char *
bm_hidden_file_at(struct bm_redact *r, struct bm_view v, const char *behind, size_t *n)
{
	size_t m = strlen(behind);

	for (size_t i = 0; i < r->length_count; i++) {
		size_t len = r->lengths[i];
		if (len > v.n || (len < v.n && bm_hidden_goes_on(v.p[len])))
			continue;
		if (v.n - len < m || memcmp(v.p + len, behind, m) != 0)
			continue;
		const char *shown = file_of(r, BM_HIDDEN_FILE, bm_view(v.p, len));
		if (shown == NULL)
			shown = file_of(r, BM_HIDDEN_BASE, bm_view(v.p, len));
		if (shown != NULL) {
			*n = len;
			return shown;
		}
	}
	return NULL;
}

uint64_t
bm_redact_time(struct bm_redact *r, uint64_t ts_ns)
{
	static const uint64_t SHOWN = UINT64_C(946684800) * 1000000000; /* 2000-01-01 */

	if (ts_ns == 0 || r->level != BM_REDACT_ALL)
		return ts_ns;
	if (r->origin_ns == 0)
		r->origin_ns = ts_ns;
	/* Captures may be of other decades; what would be before 1970 stays at its beginning. */
	if (ts_ns < r->origin_ns && r->origin_ns - ts_ns >= SHOWN)
		return 1;
	return SHOWN + (ts_ns - r->origin_ns);
}
