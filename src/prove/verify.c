/* The two checks: the record as its receiver had it, and with what the claim altered. Refuses to
 * look for anything. */
#include "prove/internal.h"

#include <stdlib.h>

enum {
	/* What puts a cipher that chains records where its receiver was not. */
	STANDS_ELSEWHERE = BADMAC_INPUT_SEQUENCE_NUMBER | BADMAC_INPUT_RECORD | BADMAC_INPUT_EPOCH |
					   BADMAC_INPUT_DIRECTION | BADMAC_INPUT_CONNECTION | BADMAC_INPUT_DERIVATION
};

static const struct key_set *
receivers_keys(const struct judge *j)
{
	const struct badmac_claim *c = j->claim;
	const struct part *x = j->part;

	if (x->case_keys < j->flow->key_count && j->flow->keys[x->case_keys].side == c->direction &&
		j->flow->keys[x->case_keys].epoch == c->epoch)
		return &j->flow->keys[x->case_keys];
	return flow_keys(j->flow, c->direction, c->epoch, 0);
}

bool
judge_made(struct judge *j, const struct check *c, const char *id, struct checked *out)
{
	bool agree;
	enum bm_status st = check_make(c, &j->p->scratch, out, &agree);

	if (st == BM_NOMEM)
		j->p->status = st;
	if (st != BM_OK)
		step_decides(
			j, BADMAC_CANNOT_BE_CHECKED, id, "the check cannot be made: %s", bm_status_text(st));
	else if (!agree)
		step_decides(j, BADMAC_CANNOT_BE_CHECKED, id, "the crypto libraries do not agree");
	return st == BM_OK && agree;
}

static struct bm_view
bytes(struct badmac_bytes b)
{
	return bm_view(b.p, b.n);
}

/* Is it to verify as it was captured? */
static bool
is_good_as_captured(const struct judge *j)
{
	return is_cause(j, "record-was-good") ||
		   (is_cause(j, "sequence-reused") && j->claim->altered.inputs == 0);
}

/* No record is named: each of its direction has to verify. */
static void
judge_direction(struct judge *j)
{
	const struct bm_tally *t = &j->flow->tally[j->claim->direction];

	if (!is_cause(j, "record-was-good")) {
		step_decides(j, BADMAC_CANNOT_BE_CHECKED, "as-captured", "the report names no record");
		return;
	}
	if (t->failed != 0 || t->verified == 0)
		step_decides(j, BADMAC_DOES_NOT_HOLD, "as-captured",
			"of its direction %llu records verify, and %llu do not", ull(t->verified),
			ull(t->failed));
	else if (t->undecided != 0)
		step_decides(j, BADMAC_CANNOT_BE_CHECKED, "as-captured",
			"%llu records of its direction could not be checked", ull(t->undecided));
	else
		step_passes(j, "as-captured", "all %llu protected records of its direction verify",
			ull(t->verified));
}

/* CBC up to TLS 1.0, a record that was good: its IV stands in front of it. */
static bool
iv_stands_before(const struct judge *j)
{
	struct badmac_bytes iv = j->claim->altered.iv;
	struct bm_view there = window_iv(&j->part->record, &j->receiver->keys);

	if (j->receiver->keys.encrypt_then_mac)
		return iv.n == 0;
	return iv.n == 0 || bm_view_equal(there, bytes(iv));
}

/* What the receiver expected shows when the stream is followed. False: it was decided. */
static bool
judge_expected(struct judge *j)
{
	const struct badmac_claim *c = j->claim;
	const struct part *x = j->part;
	/* DTLS: a number under a mask is what the repair leaves of it. */
	bool masked = j->flow->dtls && (c->altered.inputs & BADMAC_INPUT_BYTES) != 0;

	if (!x->has_case)
		step_decides(j, BADMAC_CANNOT_BE_CHECKED, "as-captured",
			"when the stream is followed, no record fails there");
	else if (x->len != c->length)
		step_decides(j, BADMAC_DOES_NOT_HOLD, "as-captured", "the record there has %lu bytes",
			(unsigned long)x->len);
	else if (x->expected != c->sequence_number && !masked)
		step_decides(j, BADMAC_DOES_NOT_HOLD, "as-captured",
			"the receiver expected number %llu there", ull(x->expected));
	return !j->decided;
}

void
judge_as_captured(struct judge *j)
{
	const struct badmac_claim *c = j->claim;
	struct checked got;

	if (is_cause(j, "record-was-good") && !j->part->rejected) {
		step_decides(j, BADMAC_DOES_NOT_HOLD, "as-captured",
			"no endpoint reports that a record of this direction was bad");
		return;
	}
	if (c->length == BADMAC_UNKNOWN) {
		judge_direction(j);
		return;
	}
	if (c->sequence_number == BADMAC_UNKNOWN || c->epoch == BADMAC_UNKNOWN) {
		step_decides(j, BADMAC_CANNOT_BE_CHECKED, "as-captured",
			"the report does not say which number and epoch were expected");
		return;
	}
	if (!is_good_as_captured(j) && !judge_expected(j))
		return;
	j->receiver = receivers_keys(j);
	if (j->receiver == NULL) {
		step_decides(j, BADMAC_CANNOT_BE_CHECKED, "as-captured",
			"keys of epoch %llu in this direction are not at hand", ull(c->epoch));
		return;
	}
	struct check k = {.keys = &j->receiver->keys,
		.seq = c->sequence_number,
		.keystream = BADMAC_UNKNOWN,
		.dtls = j->flow->dtls,
		.cid_len = j->part->cid_len[0],
		.record = judge_captured(j),
		.padding = BADMAC_UNKNOWN};
	if (!k.dtls && k.record.n > c->length && bm_load16(k.record.p + 3) + 5u == c->length)
		k.record.n = (size_t)c->length;
	bool good = is_good_as_captured(j);
	if (good && !k.dtls && k.record.n != c->length) {
		step_decides(j, BADMAC_DOES_NOT_HOLD, "as-captured", "the record there has another length");
		return;
	}
	if (check_is_chained(k.keys)) {
		if (good) {
			k.iv = k.keys->encrypt_then_mac ? window_iv(&j->part->record, k.keys)
											: bytes(c->altered.iv);
			k.keystream = c->altered.keystream_offset;
			if (!iv_stands_before(j)) {
				step_decides(j, BADMAC_DOES_NOT_HOLD, "as-captured",
					"the bytes before the record are not the IV that the report says");
				return;
			}
		} else if (j->part->has_position && j->part->has_case) {
			k.position = &j->part->position;
			if (j->part->position.seq != c->sequence_number) {
				step_decides(j, BADMAC_DOES_NOT_HOLD, "as-captured",
					"the receiver expected number %llu here", ull(j->part->position.seq));
				return;
			}
		} else {
			step_decides(j, BADMAC_CANNOT_BE_CHECKED, "as-captured",
				"under this cipher a record rests on those before it, and what stood there is not "
				"known");
			return;
		}
	}
	if (!judge_made(j, &k, "as-captured", &got))
		return;
	/* Not every header is authenticated; one that no receiver takes begins no record. */
	unsigned version = k.keys->version == BM_TLS13 ? BM_TLS12 : k.keys->version;
	bool framed = k.dtls || (k.record.n >= BM_HEADER &&
								bm_record_plausible(bm_record_header(k.record.p), version));
	bool verifies = got.made && got.result == BM_VERIFIED && framed;
	if (verifies != good) {
		step_decides(j, BADMAC_DOES_NOT_HOLD, "as-captured",
			verifies ? "it verifies as captured" : "it does not verify as captured");
		return;
	}
	if (is_cause(j, "bad-padding") && c->altered.inputs == 0 &&
		(!got.made || (got.result != BM_BAD_PADDING && got.result != BM_BAD_INNER))) {
		step_decides(j, BADMAC_DOES_NOT_HOLD, "as-captured", "it is not the padding that is wrong");
		return;
	}
	j->tag_len = got.tag_len;
	j->captured = got.result;
	step_passes(j, "as-captured",
		good ? "at number %llu of epoch %llu it verifies as captured"
			 : "at number %llu of epoch %llu it does not verify as captured",
		ull(c->sequence_number), ull(c->epoch));
}

/* -- with what was altered ---------------------------------------------------------- */

/* The captured octets with every run of damage put right. */
static struct bm_view
put_right(struct judge *j)
{
	const struct badmac_claim *c = j->claim;
	struct bm_view all = judge_captured(j);
	size_t n = all.n, at = 0, from = 0;

	for (size_t i = 0; i < c->damage_count; i++)
		n += c->damage[i].sent.n;
	uint8_t *out = realloc(j->room, n + 1);
	if (out == NULL) {
		j->p->status = BM_NOMEM;
		return bm_view(NULL, 0);
	}
	j->room = out;
	for (size_t i = 0; i < c->damage_count; i++) {
		const struct badmac_claimed_damage *d = &c->damage[i];
		size_t to = (size_t)d->record_offset; /* judge_received has looked at it */
		memcpy(out + at, all.p + from, to - from);
		at += to - from;
		if (d->sent.n != 0)
			memcpy(out + at, d->sent.p, d->sent.n);
		at += d->sent.n;
		from = to + (size_t)d->length;
	}
	memcpy(out + at, all.p + from, all.n - from);
	at += all.n - from;
	return bm_view(out, at);
}

/* False: it was decided. */
static bool
choose_record(struct judge *j, struct check *k)
{
	const struct badmac_claimed_change *a = &j->claim->altered;

	k->record = judge_captured(j);
	if ((a->inputs & BADMAC_INPUT_BYTES) != 0)
		k->record = put_right(j);
	if ((a->inputs & BADMAC_INPUT_RECORD) == 0)
		return true;
	const struct window *w = &j->part->checked;
	if (a->stream_offset == BADMAC_UNKNOWN || window_have(w) < BM_HEADER) {
		step_decides(j, BADMAC_CANNOT_BE_CHECKED, "verifies",
			a->stream_offset == BADMAC_UNKNOWN
				? "the report does not say which record shows the place"
				: "the record that shows the place is not in the capture");
		return false;
	}
	k->record = bm_view(window_bytes(w), window_have(w));
	return true;
}

/* What a cipher that chains records is to bring. False: it was decided. */
static bool
choose_chain(struct judge *j, struct check *k)
{
	const struct badmac_claimed_change *a = &j->claim->altered;
	bool stream = k->keys->suite->cipher == BM_RC4, outside = k->keys->encrypt_then_mac;

	if (!check_is_chained(&j->receiver->keys) &&
		(a->iv.n != 0 || a->keystream_offset != BADMAC_UNKNOWN)) {
		step_decides(j, BADMAC_DOES_NOT_HOLD, "verifies",
			"the report says what the record rests on, and this cipher does not chain records");
		return false;
	}
	if (!check_is_chained(k->keys))
		return true;
	if (outside && a->iv.n != 0) {
		step_decides(j, BADMAC_DOES_NOT_HOLD, "verifies",
			"the report names an IV, which encrypt-then-MAC does not look at");
		return false;
	}
	if ((a->inputs & STANDS_ELSEWHERE) == 0 && !is_good_as_captured(j)) {
		/* As the receiver stood; what the report says of it is to be that. */
		k->position = &j->part->position;
		k->keystream = BADMAC_UNKNOWN;
		const struct bm_position *p = k->position;
		if (!stream && a->iv.n != 0 && memcmp(p->iv, a->iv.p, a->iv.n) != 0) {
			step_decides(j, BADMAC_DOES_NOT_HOLD, "verifies", "the receiver had another IV");
			return false;
		}
		if ((a->inputs & BADMAC_INPUT_KEYSTREAM) != 0) {
			k->position = NULL;
			k->keystream = a->keystream_offset;
		} else if (stream && a->keystream_offset != p->rc4.position) {
			step_decides(j, BADMAC_DOES_NOT_HOLD, "verifies",
				"the receiver stood at another place of the keystream");
			return false;
		}
		return true;
	}
	k->iv = bytes(a->iv);
	k->keystream = a->keystream_offset;
	if (a->sequence_number != 0 &&
		(stream ? k->keystream == BADMAC_UNKNOWN : k->iv.n == 0 && !outside)) {
		step_decides(j, BADMAC_CANNOT_BE_CHECKED, "verifies",
			"under this cipher a record rests on those before it, and the report does not say what "
			"it rests on there");
		return false;
	}
	return true;
}

/* The sets of keys that the claim leaves, one after the other; NULL past the last. */
static const struct bm_traffic_keys *
choose_keys(struct judge *j, size_t nth)
{
	const struct badmac_claimed_change *a = &j->claim->altered;

	if ((a->inputs & BADMAC_INPUT_DERIVATION) != 0)
		return nth == 0 && j->part->has_derived ? &j->part->derived : NULL;
	if ((a->inputs & BADMAC_INPUT_CONNECTION) != 0) {
		const struct others *o = a->sender != NULL && a->receiver != NULL
									 ? others_of(j->p, a->sender, a->receiver)
									 : NULL;
		return o != NULL && nth < o->key_count ? &o->keys[nth].keys : NULL;
	}
	if (a->epoch == j->claim->epoch && a->direction == j->claim->direction)
		return nth == 0 ? &j->receiver->keys : NULL;
	if (a->epoch == BADMAC_UNKNOWN)
		return NULL;
	const struct key_set *k = flow_keys(j->flow, a->direction, a->epoch, nth);
	return k != NULL ? &k->keys : NULL;
}

/* Encrypt-then-MAC: the MAC was looked at first, and is right. Where the record that it is chained
 * to is not there, padding in its first block cannot be read. */
static bool
is_right_without_iv(
	const struct judge *j, const struct bm_traffic_keys *k, const struct checked *got)
{
	return got->result == BM_BAD_PADDING && k->encrypt_then_mac && check_is_chained(k) &&
		   (j->claim->altered.inputs & STANDS_ELSEWHERE) != 0;
}

/* How long a connection id has to be for the record to end where the claim says (RFC 9146, section
 * 4; RFC 9147, section 4); 0: none is. */
static uint8_t
cid_len_by_length(struct bm_view record, uint64_t end)
{
	enum { CID_AT = 11, HAS_CID = 0x10, LONG_NUMBER = 0x08, HAS_LENGTH = 0x04 };
	bool classic = record.n != 0 && record.p[0] == BM_TLS12_CID;
	bool unified = record.n != 0 && record.p[0] >> 5 == 1 && (record.p[0] & HAS_CID) != 0 &&
				   (record.p[0] & HAS_LENGTH) != 0;
	size_t before = classic   ? CID_AT
					: unified ? 1 + ((record.p[0] & LONG_NUMBER) != 0 ? 2u : 1u)
							  : 0;

	for (size_t n = 1; n < 256 && before != 0 && before + n + 2 <= record.n; n++)
		if (before + n + 2 + bm_load16(record.p + before + n) == end)
			return (uint8_t)n;
	return 0;
}

static void
try_keys(struct judge *j, const struct bm_traffic_keys *keys, bool *verifies)
{
	const struct badmac_claimed_change *a = &j->claim->altered;
	struct checked got;
	struct check k = {.keys = keys,
		.seq = a->sequence_number,
		.keystream = BADMAC_UNKNOWN,
		.dtls = j->flow->dtls,
		.cid_len = j->part->cid_len[0],
		.padding = (a->inputs & BADMAC_INPUT_PADDING) != 0 ? a->padding : BADMAC_UNKNOWN};

	*verifies = false;
	if (!choose_record(j, &k) || !choose_chain(j, &k))
		return;
	if ((a->inputs & BADMAC_INPUT_RULE) != 0)
		rule_choose(j, &k);
	/* A record of the other direction has its connection id; under a header that is put right there
	 * may be one where none could be read. */
	const uint8_t cid_len[] = {
		j->part->cid_len[0], j->part->cid_len[1], cid_len_by_length(k.record, j->claim->length)};
	for (unsigned i = 0; i < (k.dtls ? 3 : 1) && !*verifies && !j->decided; i++) {
		k.cid_len = cid_len[i];
		if (i != 0 && k.cid_len == cid_len[0])
			continue;
		if (!judge_made(j, &k, "verifies", &got))
			return;
		*verifies = got.made && (got.result == BM_VERIFIED || is_right_without_iv(j, keys, &got));
	}
	j->tag_len = got.tag_len;
	if (*verifies)
		j->rebuilt = bm_view(k.record.p, got.used);
	if (*verifies && k.rule != NULL)
		judge_rule_needed(j, &k);
}

/* Bad as captured, and its MAC right, which was looked at first: outside of the encryption (RFC
 * 7366), or an AEAD's. */
static bool
is_right_beside_padding(const struct judge *j)
{
	const struct bm_traffic_keys *k = &j->receiver->keys;

	return j->captured == BM_BAD_INNER ||
		   (j->captured == BM_BAD_PADDING && k->suite->mode == BM_MODE_CBC && k->encrypt_then_mac);
}

void
judge_verifies(struct judge *j)
{
	const struct badmac_claimed_change *a = &j->claim->altered;
	bool verifies = false;
	size_t n = 0;

	if (j->claim->length == BADMAC_UNKNOWN)
		return;
	if (is_cause(j, "bad-padding") && a->inputs == 0) {
		if (is_right_beside_padding(j))
			step_passes(j, "verifies", "the MAC itself is right, by %s", check_libraries());
		else
			step_decides(j, BADMAC_DOES_NOT_HOLD, "verifies",
				"under this cipher suite the padding says nothing of the MAC");
		return;
	}
	if ((a->inputs & BADMAC_INPUT_RULE) != 0 && !judge_rule(j))
		return;
	if (a->sequence_number == BADMAC_UNKNOWN) {
		step_decides(j, BADMAC_CANNOT_BE_CHECKED, "verifies",
			"the report does not say under which number it verifies");
		return;
	}
	/* DTLS: what comes again under another header is the body alone; the record that it is of is
	 * checked with it (judge_sources). */
	if (j->flow->dtls && a->has_other_record &&
		(is_cause(j, "record-replayed") || is_cause(j, "reflected-record")))
		return;
	const struct bm_traffic_keys *keys;
	for (; !verifies && !j->decided && (keys = choose_keys(j, n)) != NULL; n++)
		try_keys(j, keys, &verifies);
	if (j->decided)
		return;
	if (n == 0) {
		step_decides(j, BADMAC_CANNOT_BE_CHECKED, "verifies", "%s",
			(a->inputs & BADMAC_INPUT_CONNECTION) != 0
				? "the keys of the other connection are not at hand"
				: "the keys that it names are not at hand");
		return;
	}
	/* The number of DTLS 1.3 is under a mask, which other keys take off otherwise. */
	const unsigned other_keys =
		BADMAC_INPUT_EPOCH | BADMAC_INPUT_DIRECTION | BADMAC_INPUT_CONNECTION;
	if (!verifies && j->receiver->keys.version == BM_DTLS13 && (a->inputs & other_keys) != 0) {
		step_decides(j, BADMAC_CANNOT_BE_CHECKED, "verifies",
			"under those keys its number reads otherwise, and does not verify");
		return;
	}
	if (!verifies) {
		step_decides(
			j, BADMAC_DOES_NOT_HOLD, "verifies", "with what the report altered it does not verify");
		return;
	}
	step_passes(j, "verifies", "with that it verifies at number %llu, by %s",
		ull(a->sequence_number), check_libraries());
}
