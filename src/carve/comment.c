/* What Wireshark is to show beside packets: what is wrong at which octet, what was sent, and what
 * the report says of it. Refuses to change a frame. */
#include "carve/internal.h"

#include <stdio.h>

enum { SHOWN = 16, VERDICT_MOST = 16000 };

static const char *
way_text(enum bm_found_direction d)
{
	return d == BM_FOUND_CLIENT_TO_SERVER ? "client to server" : "server to client";
}

static const char *
confidence_text(enum bm_found_confidence x)
{
	static const char *const text[] = {"possible", "supported", "proven"};

	return text[x];
}

static const char *
plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* Hex of the first octets. */
static const char *
hex_text(struct bm_view v, char out[2 * SHOWN + 4])
{
	size_t n = v.n < SHOWN ? v.n : SHOWN;

	bm_hex(bm_view(v.p, n), out);
	if (v.n > n)
		memcpy(out + 2 * n, "...", 4);
	return out;
}

static const char *
number_text(uint64_t n, char out[24])
{
	if (n == BM_FOUND_UNKNOWN)
		(void)snprintf(out, 24, "unknown");
	else
		(void)snprintf(out, 24, "%llu", (unsigned long long)n);
	return out;
}

static void
on_record(struct bm_carve *c, struct frame *f, const struct bm_found_failure *x)
{
	char epoch[24], number[24], offset[24];

	frame_comment(c, f,
		"badmac: %s (%s): %s The record: %s, epoch %s, sequence number %s, stream offset %s.",
		x->cause, confidence_text(x->confidence), x->summary, way_text(x->direction),
		number_text(x->epoch, epoch), number_text(x->sequence_number, number),
		number_text(x->stream_offset, offset));
}

/* Does the frame have at its place what the report says was received? */
static bool
fits(const struct frame *f, const struct bm_found_damage *d)
{
	return d->packet_offset <= f->n &&
		   (!d->received_known ||
			   (d->received.n <= f->n - d->packet_offset &&
				   memcmp(f->bytes + d->packet_offset, d->received.p, d->received.n) == 0));
}

/* A run may go on in the next packet: then only its start stands here. */
static bool
fits_start(const struct frame *f, const struct bm_found_damage *d)
{
	if (d->packet_offset >= f->n || !d->received_known)
		return false;
	size_t left = f->n - (size_t)d->packet_offset, n = d->received.n < left ? d->received.n : left;
	return memcmp(f->bytes + d->packet_offset, d->received.p, n) == 0;
}

static void
on_damage(struct bm_carve *c, struct frame *f, const struct bm_found_damage *d)
{
	char received[2 * SHOWN + 4], sent[2 * SHOWN + 4];
	unsigned long long at = (unsigned long long)d->packet_offset;
	unsigned long long in_record = (unsigned long long)d->record_offset;

	if (d->length == 0)
		frame_comment(c, f,
			"badmac: before byte %llu of this frame (offset %llu of the record) octets are "
			"missing: %s%s",
			at, in_record, d->sent_known ? hex_text(d->sent, sent) : "which ones is not known",
			d->sent_known ? " were sent and never came" : "");
	else if (d->sent_known && d->sent.n == 0)
		frame_comment(c, f,
			"badmac: from byte %llu of this frame (offset %llu of the record) on, %llu octet%s "
			"that nobody sent: %s",
			at, in_record, (unsigned long long)d->length, plural(d->length),
			hex_text(d->received, received));
	else
		frame_comment(c, f,
			"badmac: byte %llu of this frame (offset %llu of the record), %llu octet%s: %s "
			"arrived, %s%s",
			at, in_record, (unsigned long long)d->length, plural(d->length),
			hex_text(d->received, received),
			d->sent_known ? hex_text(d->sent, sent) : "what was sent is not known",
			d->sent_known ? " was sent" : "");
}

static struct frame *
frame_or_say(struct bm_carve *c, const struct item *item, size_t failure, uint64_t packet)
{
	struct frame *f = frame_of(c, item, packet);

	if (f == NULL)
		carve_say(c, true,
			"connection %llu, failure %zu: packet %llu of the report is not among its packets",
			(unsigned long long)item->found->id, failure, (unsigned long long)packet);
	return f;
}

static void
comment_failure(struct bm_carve *c, const struct item *item, size_t which)
{
	const struct bm_found_failure *x = &item->found->failures[which];
	struct frame *told = NULL;

	for (size_t k = 0; k < x->damage_count; k++) {
		const struct bm_found_damage *d = &x->damage[k];
		if (d->packet == BM_FOUND_UNKNOWN || d->packet_offset == BM_FOUND_UNKNOWN)
			continue;
		struct frame *f = frame_or_say(c, item, which, d->packet);
		if (f == NULL)
			continue;
		if (!fits(f, d) && !fits_start(f, d)) {
			carve_say(c, true,
				"connection %llu, failure %zu: packet %llu does not have at byte %llu what the "
				"report says",
				(unsigned long long)item->found->id, which, (unsigned long long)d->packet,
				(unsigned long long)d->packet_offset);
			continue;
		}
		if (f != told)
			on_record(c, f, x);
		told = f;
		on_damage(c, f, d);
	}
	if (told != NULL || x->packet_count == 0)
		return;
	told = frame_or_say(c, item, which, x->packets[0]);
	if (told != NULL)
		on_record(c, told, x);
}

static void
comment_alert(struct bm_carve *c, const struct item *item, const struct bm_found_alert *a)
{
	struct frame *f = a->packet != BM_FOUND_UNKNOWN ? frame_of(c, item, a->packet) : NULL;
	bool fatal = a->level != NULL && strcmp(a->level, "fatal") == 0;

	if (f == NULL || !fatal || a->description == NULL)
		return;
	frame_comment(c, f, "badmac: the %s reports %s (fatal, %s)%s",
		a->direction == BM_FOUND_CLIENT_TO_SERVER ? "client" : "server", a->description,
		a->encrypted ? "encrypted" : "in the clear",
		a->code == 20 ? ": a record that it received did not verify" : "");
}

void
comment_all(struct bm_carve *c)
{
	for (size_t i = 0; i < c->item_count; i++) {
		const struct item *item = &c->items[i];
		if (!item->in_capture)
			continue;
		for (size_t k = 0; k < item->found->failure_count; k++)
			if (item->wanted[k])
				comment_failure(c, item, k);
		for (size_t k = 0; k < item->found->alert_count; k++)
			comment_alert(c, item, &item->found->alerts[k]);
	}
}

/* A complaint is put down to whatever of its direction failed; else it was reported by itself. */
static bool
is_answered(const struct item *item, const struct bm_found_alert *a)
{
	unsigned way = 1 - (unsigned)a->direction;
	bool repaired = item->edit_count[way] != 0;

	for (size_t k = 0; k < item->found->failure_count; k++) {
		const struct bm_found_failure *x = &item->found->failures[k];
		if ((unsigned)x->direction == way && strcmp(x->cause, "record-was-good") == 0)
			return false;
	}
	return repaired;
}

static void
mark_stale(struct bm_carve *c, struct frame *f)
{
	frame_comment(c, f,
		BM_STALE_ALERT "it is about a record that was repaired here, and says nothing about its "
					   "receiver");
}

void
comment_stale_alerts(struct bm_carve *c)
{
	/* bad_record_mac, decryption_failed (RFC 5246, section 7.2.2), or one that nobody could read.
	 */
	enum { BAD_RECORD_MAC = 20, DECRYPTION_FAILED = 21 };

	for (size_t i = 0; i < c->item_count; i++) {
		const struct item *item = &c->items[i];
		for (size_t k = 0; item->in_capture && k < item->found->alert_count; k++) {
			const struct bm_found_alert *a = &item->found->alerts[k];
			bool complains = a->code == BAD_RECORD_MAC || a->code == DECRYPTION_FAILED ||
							 a->code == BM_FOUND_UNKNOWN;
			struct frame *f = a->packet != BM_FOUND_UNKNOWN ? frame_of(c, item, a->packet) : NULL;
			if (f != NULL && complains && !f->stale_alert && is_answered(item, a))
				mark_stale(c, f);
		}
	}
	/* What was repaired before stays so. */
	for (size_t i = 0; i < c->frame_count; i++)
		if (c->frames[i].wanted && c->frames[i].stale_alert)
			mark_stale(c, &c->frames[i]);
}

static void
add(char *out, size_t *used, const char *text)
{
	size_t n = strlen(text);

	n = n < VERDICT_MOST - 1 - *used ? n : VERDICT_MOST - 1 - *used;
	memcpy(out + *used, text, n);
	*used += n;
	out[*used] = '\0';
}

static void
say_item(char *out, size_t *used, const struct bm_carve *c, const struct item *item)
{
	const struct bm_found_connection *f = item->found;
	char line[400];

	(void)snprintf(line, sizeof line, "\nconnection %llu: %.60s -> %.60s, %.20s, %.60s",
		(unsigned long long)f->id, f->client, f->server, f->version != NULL ? f->version : "TLS",
		f->cipher_suite != NULL ? f->cipher_suite : "cipher suite unknown");
	add(out, used, line);
	if (!item->in_capture)
		add(out, used, ": not in the capture");
	for (size_t k = 0; item->in_capture && k < f->failure_count; k++) {
		if (!item->wanted[k])
			continue;
		(void)snprintf(line, sizeof line, "\n  %.60s (%s): ", f->failures[k].cause,
			confidence_text(f->failures[k].confidence));
		add(out, used, line);
		add(out, used, f->failures[k].summary);
		if (c->options.repaired && item->left[k])
			add(out, used, " Not repaired.");
		if (item->twice[k])
			add(out, used,
				" The record stands right behind it once more, so the damaged one is taken out.");
	}
	if (item->taken_out != 0) {
		(void)snprintf(line, sizeof line, "\n  %llu packets that carried nothing else taken out",
			(unsigned long long)item->taken_out);
		add(out, used, line);
	}
}

const char *
carve_verdict(struct bm_carve *c)
{
	char out[VERDICT_MOST];
	size_t used = 0;

	add(out, &used,
		c->options.repaired ? BM_REPAIRED_SECTION
			"packets as they were sent, not as they were captured; "
			"comments say what was changed"
							: "badmac carve: the connections that failed, packets as captured");
	for (size_t i = 0; i < c->item_count; i++)
		say_item(out, &used, c, &c->items[i]);
	/* Texts of the report may hold anything. */
	for (char *p = out; *p != '\0'; p++)
		if (((unsigned char)*p < ' ' && *p != '\n') || *p == 0x7f)
			*p = ' ';
	return bm_arena_print(&c->arena, "%s", out);
}
