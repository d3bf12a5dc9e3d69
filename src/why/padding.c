/* bad-padding: the MAC is right, what the receiver looks at beside it is not. Refuses to say what
 * the content is. */
#include "why/record.h"

#include "base/buf.h"

enum { PADDING_MOST = 256 };

/* What stands behind the MAC or, with encrypt-then-MAC, at the end. */
struct tail {
	const uint8_t *p;
	size_t n;     /* with the length octet */
	size_t block; /* of the cipher */
	bool ssl3;
};

static size_t
others(struct tail t, unsigned value)
{
	size_t n = 0;

	for (size_t i = 0; i < t.n; i++)
		n += t.p[i] != value;
	return n;
}

static void
tell_padding(const struct bm_why *w, struct bm_finding *out, struct tail t)
{
	if (t.n == 0) {
		bm_evidence(w, out,
			"the MAC is the last of the plaintext: there is no padding, not even its length");
		return;
	}
	unsigned last = t.p[t.n - 1], due = (unsigned)t.n - 1;
	size_t wrong = others(t, due), odd = others(t, last);

	if (wrong == 0)
		bm_evidence(w, out,
			"%zu octets of padding, more than SSL 3.0 allows (RFC 6101, section 5.2.3.2: less than "
			"a block)",
			t.n);
	else if (last == due && t.ssl3)
		bm_evidence(w, out, "%zu octets of padding, more than a block", t.n);
	else if (last == due)
		bm_evidence(w, out,
			"the length octet of the padding is right, %u; %zu of the %u octets before it differ "
			"from it, which TLS forbids (RFC 5246, section 6.2.3.2)%s",
			due, wrong, due,
			t.n > t.block       ? ""
			: others(t, 0) == 1 ? ": they are zero"
								: ", and SSL 3.0 allowed");
	else if (odd == 0)
		bm_evidence(w, out,
			"%zu octets of padding, each of value %u instead of %u (RFC 5246, section 6.2.3.2)%s",
			t.n, last, due, last == due + 1 ? ": one too many, as PKCS #7 has it" : "");
	else
		bm_evidence(w, out,
			"%zu octets stand behind the MAC; the last one, the length of the padding, says %u "
			"instead of %u, and %zu of the others differ from %u",
			t.n, last, due, wrong - 1, due);
}

/* A damaged block of ciphertext garbles its plaintext as a whole. */
static bool
block_garbled(struct tail t)
{
	for (size_t at = t.n % t.block; at + t.block <= t.n; at += t.block) {
		struct tail b = {t.p + at, t.block, t.block, t.ssl3};
		if (others(b, (unsigned)t.n - 1) + 2 >= t.block && others(b, b.p[0]) != 0)
			return true;
	}
	return false;
}

/* Damage on the way that falls into nothing but padding leaves the MAC right, too. */
static bool
damaged_on_the_way(const struct bm_why *w, struct tail t, const char **because)
{
	if (t.n == 0 || !block_garbled(t))
		return false;
	if (bm_find_repair(w)->found) {
		*because = "the MAC holds, and bytes changed back make the padding right as well";
		return true;
	}
	if (t.p[t.n - 1] == t.n - 1)
		return false;
	*because =
		"the MAC holds; a whole block behind it is garbled, as damage on the way would do it";
	return true;
}

/* Which of the lengths that padding can have leaves a content whose MAC is right? */
static enum bm_answer
search(const struct bm_why *w, const struct bm_wire *wire, const struct bm_mac_rules *r,
	struct bm_finding *out, const char **because)
{
	const uint8_t *plain = w->scratch->bytes;
	size_t n = wire->body.n - r->record_iv;
	size_t most = n - r->tag_len;
	uint64_t tried = 0, work = 0;

	if (most > PADDING_MOST)
		most = PADDING_MOST;
	for (size_t t = 0; t <= most && work < w->share / 8; t++) {
		uint8_t head[BM_MAC_HEADER_MAX], mac[BM_HASH_MAX];
		size_t len = n - r->tag_len - t;
		size_t k = bm_mac_header(w->c->protection, w->c->position, wire, len, head);
		if (bm_mac_of(r->hash, r->ssl3, r->key, bm_view(head, k), bm_view(plain, len), mac) !=
			BM_OK) {
			*because = "not tried: out of memory";
			return BM_EXCLUDED;
		}
		uint64_t cost = bm_protection_cost(w->c->protection, len);
		work += cost;
		*w->spent += cost;
		tried++;
		if (memcmp(mac, plain + len, r->tag_len) != 0)
			continue;
		/* The repair search takes the scratch for its own. */
		uint8_t end[PADDING_MOST];
		memcpy(end, plain + n - t, t);
		struct tail tail = {end, t, r->block, r->ssl3};
		if (damaged_on_the_way(w, tail, because))
			return BM_EXCLUDED;
		bm_prove(out, "padding-search", r->tag_len, tried);
		bm_alter(w, out, BM_INPUT_PADDING);
		out->altered.padding = t;
		bm_evidence(w, out, "the MAC is right where %zu octets follow it as padding", t);
		tell_padding(w, out, tail);
		return BM_SHOWN;
	}
	*because = bm_arena_print(
		w->arena, "with none of %llu lengths of padding the MAC holds", (unsigned long long)tried);
	return BM_EXCLUDED;
}

/* The MAC is there in the clear and right. */
static void
show_behind_mac(const struct bm_why *w, const struct bm_wire *wire, const struct bm_mac_rules *r,
	struct bm_finding *out)
{
	size_t n = wire->body.n - r->record_iv - r->tag_len;
	const uint8_t *plain = w->scratch->bytes;
	unsigned last = plain[n - 1];

	bm_prove(out, "verified-as-captured", r->tag_len, 1);
	bm_alter(w, out, 0);
	bm_evidence(w, out, "the MAC over IV and ciphertext is right (RFC 7366)");
	if (last + 1u > n) {
		bm_evidence(w, out,
			"the padding's length octet says %u, more than the %zu octets of plaintext have room "
			"for",
			last, n);
		return;
	}
	struct tail t = {plain + n - last - 1, last + 1u, r->block, r->ssl3};
	bm_evidence(w, out,
		"the padding's length octet says %u, and %zu of the octets before it differ from it", last,
		others(t, last));
}

/* A length that is a block too small takes padding away, and leaves it to what follows. */
static bool
by_its_length(const struct bm_why *w)
{
	struct bm_finding other = {.cause = BM_CAUSE_HEADER_DAMAGED};
	const char *because;

	return (w->c->framing_lost || w->c->region != w->c->len) &&
		   bm_ask_header(w, &other, &because) == BM_SHOWN;
}

enum bm_answer
bm_ask_padding(const struct bm_why *w, struct bm_finding *out, const char **because)
{
	const struct bm_case *c = w->c;
	struct bm_wire wire;
	struct bm_outcome o;
	struct bm_mac_rules r;
	enum bm_answer answer = BM_EXCLUDED;

	if (c->kind != BM_CASE_BAD_RECORD)
		return BM_NOT_ASKED;
	if (c->framing_lost && c->after != BM_AFTER_NOTHING) {
		/* A length that takes away nothing but padding leaves the MAC right, too. */
		*because = "the next good record does not stand behind it: no padding does that";
		return BM_EXCLUDED;
	}
	if (c->result == BM_BAD_LENGTH || !bm_failed_record(w, &wire) ||
		bm_verify(c->protection, c->position, &wire, true, w->scratch, &o) != BM_OK) {
		*because = "not tried: the record's bytes are not at hand, or have no length that fits";
		return BM_EXCLUDED;
	}
	if (by_its_length(w)) {
		*because = "with another length in its header its padding is right as well";
		return BM_EXCLUDED;
	}
	bm_protection_mac(c->protection, &r);
	if (o.result == BM_BAD_LENGTH || o.result == BM_VERIFIED) {
		*because = "the record has no padding that its receiver could look at";
	} else if (o.result == BM_BAD_INNER) {
		bm_prove(out, "verified-as-captured", o.tag_len, 1);
		bm_alter(w, out, 0);
		bm_evidence(w, out,
			"the tag is right; all %zu octets inside are zero, so there is no content type (RFC "
			"8446, section 5.4)",
			o.padding);
		answer = BM_SHOWN;
	} else if (r.order == BM_MAC_NONE || r.order == BM_MAC_BEHIND) {
		*because = "this cipher suite has no padding";
	} else if (r.order == BM_MAC_ENCRYPT_THEN && o.result != BM_BAD_PADDING) {
		*because = "the MAC, which stands outside of the padding, is wrong";
	} else if (r.order == BM_MAC_ENCRYPT_THEN) {
		show_behind_mac(w, &wire, &r, out);
		answer = BM_SHOWN;
	} else {
		answer = search(w, &wire, &r, out, because);
	}
	bm_wipe(w->scratch->bytes, sizeof w->scratch->bytes);
	return answer;
}
