/* Faults that lose octets, or bring in some that TLS did not write. */
#include "lab/fault.h"

static const char text[] =
	"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

static bool
lose(struct lab_strike *s)
{
	struct bm_view v = s->record->bytes;
	size_t n = lab_length(s), at;

	if (!lab_place(s, n, &at) || at < BM_HEADER)
		return false;
	s->damage_off = at;
	return lab_put(&s->out, v.p, at) && lab_put(&s->out, v.p + at + n, v.n - at - n) &&
		   lab_put(&s->sent, v.p + at, n);
}

/* run stands within the record, or before it. */
static bool
put_in(struct lab_strike *s, const void *run, size_t n, bool within)
{
	struct bm_view v = s->record->bytes;
	size_t at = 0;

	if (within && !lab_place(s, 1, &at))
		return false;
	s->damage_off = at;
	s->extent = within ? v.n : n;
	return lab_put(&s->out, v.p, at) && lab_put(&s->out, run, n) &&
		   lab_put(&s->out, v.p + at, v.n - at) && lab_put(&s->received, run, n);
}

static bool
insert(struct lab_strike *s)
{
	uint8_t run[1024];
	size_t n = lab_length(s);

	if (n > sizeof run)
		return false;
	lab_random(s->chance, run, n);
	/* Before a record it must not look like one. */
	run[0] = 0xfe;
	return put_in(s, run, n, s->spec->how == 0);
}

static bool
inject_text(struct lab_strike *s)
{
	return put_in(s, text, sizeof text - 1, s->spec->how == 1);
}

/* RFC 8446, section 5: once keys are in use, an alert in the clear is refused. It is the last word.
 */
static bool
inject_alert(struct lab_strike *s)
{
	static const uint8_t internal_error[] = {BM_ALERT, 3, 3, 0, 2, 2, 80};

	s->mute = true;
	s->extent = sizeof internal_error;
	return lab_put(&s->out, internal_error, sizeof internal_error);
}

const struct lab_fault lab_bytes_missing = {
	"bytes-missing", {NULL}, "octets of the record never arrive", 7, 1, false, lose, NULL};
const struct lab_fault lab_bytes_inserted = {"bytes-inserted", {"within", "before", NULL},
	"octets that nobody sent, within a record or before it", 23, 1, false, insert, NULL};
const struct lab_fault lab_plaintext_injected = {"plaintext-injected", {"before", "within", NULL},
	"an HTTP error in the clear, before a record or within it", 0, 2, false, inject_text, NULL};
const struct lab_fault lab_plaintext_alert = {"plaintext-alert", {NULL},
	"an alert in the clear where TLS 1.3 protects everything", 0, 0, false, inject_alert, NULL};
