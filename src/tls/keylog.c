/* NSS key log text (RFC 9850) and its older labels, line by line, as NSS, OpenSSL, GnuTLS, wolfSSL,
 * Go and others write it. Refuses to know what the secrets open. */
#include "tls/keyring_internal.h"

#include "base/buf.h"

enum { PASSED_OVER = -1, BATCH = 8 };

static const struct {
	const char *name;
	int label;
} labels[] = {
	{"CLIENT_RANDOM", BM_LABEL_CLIENT_RANDOM},
	{"CLIENT_HANDSHAKE_TRAFFIC_SECRET", BM_LABEL_CLIENT_HANDSHAKE_TRAFFIC_SECRET},
	{"SERVER_HANDSHAKE_TRAFFIC_SECRET", BM_LABEL_SERVER_HANDSHAKE_TRAFFIC_SECRET},
	{"CLIENT_TRAFFIC_SECRET_0", BM_LABEL_CLIENT_TRAFFIC_SECRET_0},
	{"SERVER_TRAFFIC_SECRET_0", BM_LABEL_SERVER_TRAFFIC_SECRET_0},
	/* wolfSSL, and its DTLS 1.3. */
	{"CLIENT_TRAFFIC_SECRET", BM_LABEL_CLIENT_TRAFFIC_SECRET_0},
	{"SERVER_TRAFFIC_SECRET", BM_LABEL_SERVER_TRAFFIC_SECRET_0},
	{"EXPORTER_SECRET", BM_LABEL_EXPORTER_SECRET},
	{"EXPORTER_MASTER_SECRET", BM_LABEL_EXPORTER_SECRET},
	{"CLIENT_EARLY_TRAFFIC_SECRET", BM_LABEL_CLIENT_EARLY_TRAFFIC_SECRET},
	{"EARLY_EXPORTER_SECRET", BM_LABEL_EARLY_EXPORTER_SECRET},
	{"EARLY_EXPORTER_MASTER_SECRET", BM_LABEL_EARLY_EXPORTER_SECRET},
	{"RSA", BM_LABEL_RSA},
	{"PMS_CLIENT_RANDOM", BM_LABEL_PMS_CLIENT_RANDOM},
	{"ECH_SECRET", PASSED_OVER},
	{"ECH_CONFIG", PASSED_OVER},
};

enum line_kind { LINE_NOTHING, LINE_SECRET, LINE_PASSED_OVER, LINE_UNKNOWN, LINE_BAD };

struct parsed {
	enum bm_label label;
	uint32_t hash;
	size_t id_len, secret_len;
	uint8_t id[ID_MAX];
	uint8_t secret[SECRET_MAX];
};

/* Lines wait here until the memory that they need has been fetched. */
struct batch {
	struct parsed lines[BATCH];
	size_t n;
};

#define NO 0xff
#define NO4 NO, NO, NO, NO
#define NO16 NO4, NO4, NO4, NO4
static const uint8_t digits[256] = {
	NO16,
	NO16,
	NO16,
	0,
	1,
	2,
	3,
	4,
	5,
	6,
	7,
	8,
	9,
	NO,
	NO,
	NO4,
	NO,
	10,
	11,
	12,
	13,
	14,
	15,
	NO,
	NO4,
	NO4,
	NO16,
	NO,
	10,
	11,
	12,
	13,
	14,
	15,
	NO,
	NO4,
	NO4,
	NO16,
	NO16,
	NO16,
	NO16,
	NO16,
	NO16,
	NO16,
	NO16,
	NO16,
};

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static struct bm_view
trim(struct bm_view v)
{
	while (v.n != 0 && is_blank(v.p[0])) {
		v.p++;
		v.n--;
	}
	while (v.n != 0 && (is_blank(v.p[v.n - 1]) || v.p[v.n - 1] == '\r'))
		v.n--;
	return v;
}

/* The next word of a trimmed text; *rest starts with the word after it. */
static struct bm_view
next_word(struct bm_view *rest)
{
	struct bm_view word = *rest;

	if (word.n == 0)
		return word;
	const uint8_t *end = memchr(word.p, ' ', word.n);
	if (end != NULL)
		word.n = (size_t)(end - word.p);
	end = memchr(word.p, '\t', word.n);
	if (end != NULL)
		word.n = (size_t)(end - word.p);
	rest->p += word.n;
	rest->n -= word.n;
	while (rest->n != 0 && is_blank(rest->p[0])) {
		rest->p++;
		rest->n--;
	}
	return word;
}

/* Hex into out (NULL: only looked at). False: not hex, odd, empty or more than max octets. */
static bool
read_hex(struct bm_view word, uint8_t *out, size_t max, size_t *len)
{
	uint8_t bad = 0;

	*len = word.n / 2;
	if (word.n == 0 || word.n % 2 != 0 || *len > max)
		return false;
	for (size_t i = 0; i < *len; i++) {
		uint8_t high = digits[word.p[2 * i]], low = digits[word.p[2 * i + 1]];
		bad |= high | low;
		if (out != NULL)
			out[i] = (uint8_t)(high << 4 | low);
	}
	return bad < 16;
}

static bool
has_head(struct bm_view v, const char *head)
{
	size_t n = strlen(head);

	return v.n >= n && memcmp(v.p, head, n) == 0;
}

/* CLIENT_TRAFFIC_SECRET_1 and on: they follow from _0 (RFC 8446, 7.2). */
static bool
is_later_generation(struct bm_view word)
{
	static const size_t head = sizeof "CLIENT_TRAFFIC_SECRET_" - 1;

	if (word.n <= head ||
		(!has_head(word, "CLIENT_TRAFFIC_SECRET_") && !has_head(word, "SERVER_TRAFFIC_SECRET_")))
		return false;
	for (size_t i = head; i < word.n; i++)
		if (word.p[i] < '0' || word.p[i] > '9')
			return false;
	return true;
}

/* What a label says the line is; *label when it is a secret. LINE_BAD: no label at all. */
static enum line_kind
read_label(struct bm_view word, enum bm_label *label)
{
	for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
		if (!bm_view_equal(word, bm_view(labels[i].name, strlen(labels[i].name))))
			continue;
		if (labels[i].label == PASSED_OVER)
			return LINE_PASSED_OVER;
		*label = (enum bm_label)labels[i].label;
		return LINE_SECRET;
	}
	if (has_head(word, "QUIC_") || is_later_generation(word))
		return LINE_PASSED_OVER;
	if (word.n == 0 || word.p[0] < 'A' || word.p[0] > 'Z')
		return LINE_BAD;
	for (size_t i = 0; i < word.n; i++) {
		uint8_t c = word.p[i];
		if ((c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_')
			return LINE_BAD;
	}
	return LINE_UNKNOWN;
}

bool
bm_keyring_is_key_log_line(struct bm_view line)
{
	enum bm_label label;
	struct bm_view rest = trim(line);
	enum line_kind kind = read_label(next_word(&rest), &label);

	return kind == LINE_SECRET || kind == LINE_PASSED_OVER;
}

/* RSA Session-ID:hex Master-Key:hex */
static bool
read_session_id_line(struct bm_view id, struct bm_view secret, struct parsed *out)
{
	static const size_t id_head = sizeof "Session-ID:" - 1, secret_head = sizeof "Master-Key:" - 1;

	if (!has_head(id, "Session-ID:") || !has_head(secret, "Master-Key:"))
		return false;
	out->label = BM_LABEL_RSA_SESSION_ID;
	return read_hex(bm_view(id.p + id_head, id.n - id_head), out->id, ID_MAX, &out->id_len) &&
		   read_hex(bm_view(secret.p + secret_head, secret.n - secret_head), out->secret,
			   SECRET_MAX, &out->secret_len);
}

static enum line_kind
read_line(struct bm_view line, struct parsed *out)
{
	struct bm_view rest = trim(line);

	if (rest.n == 0 || rest.p[0] == '#')
		return LINE_NOTHING;
	enum line_kind kind = read_label(next_word(&rest), &out->label);
	struct bm_view id = next_word(&rest), secret = next_word(&rest);
	if (kind == LINE_BAD || rest.n != 0)
		return LINE_BAD;
	if (kind != LINE_SECRET) {
		size_t len;
		bool well_formed =
			read_hex(id, NULL, SIZE_MAX, &len) && read_hex(secret, NULL, SIZE_MAX, &len);
		return well_formed ? kind : LINE_BAD;
	}
	bool ok = out->label == BM_LABEL_RSA && has_head(id, "Session-ID:")
				  ? read_session_id_line(id, secret, out)
				  : read_hex(id, out->id, ID_MAX, &out->id_len) &&
						read_hex(secret, out->secret, SECRET_MAX, &out->secret_len);
	return ok && ring_fits(out->label, out->id_len, out->secret_len) ? LINE_SECRET : LINE_BAD;
}

static enum bm_status
put_away(struct bm_keyring *k, struct batch *b, enum bm_key_source source, struct bm_key_counts *c)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct parsed *p = &b->lines[i];
		struct new_secret n = {
			p->label, source, bm_view(p->id, p->id_len), bm_view(p->secret, p->secret_len)};
		bool duplicate;
		enum bm_status st = ring_add(k, &n, p->hash, &duplicate);
		if (st != BM_OK)
			return st;
		c->duplicates += duplicate;
		c->secrets += !duplicate;
	}
	b->n = 0;
	return BM_OK;
}

static enum bm_status
take_line(struct bm_keyring *k, struct batch *b, struct bm_view line, enum bm_key_source source,
	struct bm_key_counts *c)
{
	struct parsed *p = &b->lines[b->n];

	c->lines++;
	switch (read_line(line, p)) {
	case LINE_NOTHING:
		break;
	case LINE_SECRET:
		p->hash = ring_hash(k, p->label, bm_view(p->id, p->id_len));
		ring_prefetch(k, p->hash);
		if (++b->n == BATCH)
			return put_away(k, b, source, c);
		break;
	case LINE_PASSED_OVER:
		c->passed_over++;
		break;
	case LINE_UNKNOWN:
		c->unknown_labels++;
		break;
	case LINE_BAD:
		c->bad_lines++;
		if (c->first_bad_line == 0)
			c->first_bad_line = c->lines;
	}
	return BM_OK;
}

enum bm_status
bm_keyring_add_key_log(struct bm_keyring *k, struct bm_view text, enum bm_key_source source,
	struct bm_key_counts *counts)
{
	struct bm_key_counts c = {0};
	struct batch b;
	enum bm_status st = BM_OK;

	b.n = 0;
	if (has_head(text, "\xef\xbb\xbf")) /* what some editors put in front of UTF-8 */
		text = bm_view(text.p + 3, text.n - 3);
	while (text.n != 0 && st == BM_OK) {
		const uint8_t *end = memchr(text.p, '\n', text.n);
		size_t n = end != NULL ? (size_t)(end - text.p) : text.n;
		st = take_line(k, &b, bm_view(text.p, n), source, &c);
		n += end != NULL;
		text = bm_view(text.p + n, text.n - n);
	}
	if (st == BM_OK)
		st = put_away(k, &b, source, &c);
	if (counts != NULL)
		bm_key_counts_add(counts, &c);
	bm_wipe(&b, sizeof b);
	return st;
}
