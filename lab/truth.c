/* Writes down a fault as JSON, in the words of badmac.diagnosis.v1. Refuses to know what is found.
 */
#include "lab/truth.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

static const char *const directions[2] = {"client_to_server", "server_to_client"};

__attribute__((format(printf, 2, 3))) static bool
add(struct bm_buf *b, const char *format, ...)
{
	char text[800];
	va_list ap;

	va_start(ap, format);
	int n = vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	return n >= 0 && (size_t)n < sizeof text && lab_put(b, text, (size_t)n);
}

static bool
add_hex(struct bm_buf *b, const char *name, struct bm_view v, bool known)
{
	if (!known)
		return add(b, ", \"%s\": null", name);
	char *hex = malloc(2 * v.n + 1);
	if (hex == NULL)
		return false;
	bm_hex(v, hex);
	bool good = add(b, ", \"%s\": \"", name) && lab_put(b, hex, 2 * v.n) && lab_puts(b, "\"");
	free(hex);
	return good;
}

static bool
add_damage(struct bm_buf *b, uint64_t at, size_t off, struct bm_view received, struct bm_view sent)
{
	return add(b, "{\"record_offset\": %zu, \"stream_offset\": %" PRIu64 ", \"length\": %zu", off,
			   at + off, received.n) &&
		   add_hex(b, "received", received, true) && add_hex(b, "sent", sent, true) &&
		   lab_puts(b, "}");
}

/* Runs in which the record as it arrives differs from the one that was sent. */
static bool
add_changes(struct bm_buf *b, uint64_t at, struct bm_view now, struct bm_view was)
{
	bool any = false;

	for (size_t i = 0, end; i < now.n; i = end) {
		end = i + 1;
		if (now.p[i] == was.p[i])
			continue;
		while (end < now.n && now.p[end] != was.p[end])
			end++;
		if ((any && !lab_puts(b, ", ")) ||
			!add_damage(b, at, i, bm_view(now.p + i, end - i), bm_view(was.p + i, end - i)))
			return false;
		any = true;
	}
	return true;
}

static bool
is_edited(const struct lab_strike *s)
{
	return s->out.n == s->record->bytes.n && s->extent == 0 && s->received.n == 0 && s->sent.n == 0;
}

/* Everything up to the damage. */
static bool
add_head(struct bm_buf *b, const struct lab_truth *t)
{
	const char *version = bm_version_name(t->version);

	if (b->n != 0 && !lab_puts(b, ",\n"))
		return false;
	return add(b, "  {\"cause\": \"%s\", \"how\": ", t->cause) &&
		   (t->how != NULL ? add(b, "\"%s\"", t->how) : lab_puts(b, "null")) &&
		   add(b,
			   ", \"connection\": %" PRIu64 ", \"version\": \"%s\", \"cipher_suite\": \"%s\", "
			   "\"encrypt_then_mac\": %s,\n   \"direction\": \"%s\", ",
			   t->connection, version != NULL ? version : "unknown",
			   t->suite != NULL ? t->suite->name : "unknown",
			   t->encrypt_then_mac != NULL ? t->encrypt_then_mac : "null",
			   directions[t->direction]) &&
		   (t->record >= 0 ? add(b, "\"record\": %" PRId64, t->record)
						   : lab_puts(b, "\"record\": null")) &&
		   add(b,
			   ", \"sequence_number\": %" PRIu64 ", \"stream_offset\": %" PRIu64
			   ", \"length\": %zu, \"party\": \"%s\", \"checksum\": \"%s\", \"mended\": %s, ",
			   t->sequence, t->at, t->length, t->party, t->checksum,
			   t->mended ? "true" : "false") &&
		   (t->age_ms >= 0 ? add(b, "\"age_ms\": %" PRId64, t->age_ms)
						   : lab_puts(b, "\"age_ms\": null")) &&
		   lab_puts(b, ",\n   \"damage\": [");
}

bool
lab_truth_put(struct lab_plan *plan, const struct lab_truth *t)
{
	struct bm_buf *b = &plan->truth;

	plan->suite = t->suite;
	if (!add_head(b, t))
		return false;
	if (t->damaged &&
		(!add(b,
			 "{\"record_offset\": %" PRIu64 ", \"stream_offset\": %" PRIu64
			 ", \"length\": %zu, \"received\": \"",
			 t->damage_off, t->at + t->damage_off, t->received.n / 2) ||
			!lab_put(b, t->received.p, t->received.n) || !lab_puts(b, "\", \"sent\": \"") ||
			!lab_put(b, t->sent.p, t->sent.n) || !lab_puts(b, "\"}")))
		return false;
	return lab_puts(b, "]}");
}

bool
lab_truth_add(struct lab_plan *plan, const struct lab_strike *s, const struct lab_lane *l,
	const struct lab_tls *t, uint64_t connection, uint64_t at)
{
	struct bm_buf *b = &plan->truth;
	const struct lab_spec *spec = s->spec;
	struct lab_truth head = {.cause = spec->fault->cause,
		.how = spec->fault->ways[spec->how],
		.connection = connection,
		.version = t->version,
		.suite = t->suite,
		.encrypt_then_mac = t->encrypt_then_mac ? "true" : "false",
		.direction = l->direction,
		.record = (int64_t)s->record->index,
		.sequence = s->record->sequence + s->ahead,
		.at = at,
		.length = s->extent != 0 ? s->extent : s->record->bytes.n,
		.party = "network",
		.checksum = spec->sum == LAB_SUM_ANEW ? "made anew" : "as sent",
		.mended = spec->sum == LAB_SUM_DROPPED,
		.age_ms = (int64_t)l->age_ms};

	plan->suite = t->suite;
	if (!add_head(b, &head))
		return false;
	if (is_edited(s) ? !add_changes(b, at, bm_buf_view(&s->out), s->record->bytes)
					 : (s->received.n != 0 || s->sent.n != 0) &&
						   !add_damage(b, at, s->damage_off, bm_buf_view(&s->received),
							   bm_buf_view(&s->sent)))
		return false;
	return lab_puts(b, "]}");
}

bool
lab_truth_text(const struct lab_plan *plan, struct bm_buf *out)
{
	return add(out, "{\"schema\": \"badmac.lab.v1\", \"seed\": %" PRIu64 ", \"faults\": [\n",
			   plan->seed) &&
		   lab_put(out, plan->truth.p, plan->truth.n) && lab_puts(out, "\n]}\n");
}

bool
lab_truth_write(const struct lab_plan *plan, const char *path)
{
	struct bm_buf text = {.p = NULL};
	FILE *f = fopen(path, "wb");

	if (f == NULL)
		return false;
	bool good = lab_truth_text(plan, &text) && fwrite(text.p, 1, text.n, f) == text.n;
	bm_buf_clear(&text);
	return fclose(f) == 0 && good;
}
