/* Has the library diagnose a repaired capture, as anyone would, and reads its report. Refuses to
 * know what was repaired. */
#include "cli/carve_check.h"

#include "cli/cli.h"
#include "cli/input.h"

#include <stdlib.h>
#include <string.h>

/* Not realloc, which would leave a copy behind. */
static bool
make_room(struct kept *k, size_t n)
{
	size_t want = k->cap != 0 ? k->cap : 1 << 16;

	if (n <= k->cap - k->n)
		return true;
	while (want - k->n < n) {
		if (want > SIZE_MAX / 4)
			return false;
		want *= 2;
	}
	uint8_t *more = malloc(want);
	if (more == NULL)
		return false;
	if (k->n != 0)
		memcpy(more, k->p, k->n);
	input_forget(k->p, k->n);
	k->p = more;
	k->cap = want;
	return true;
}

int
kept_write(void *ctx, const char *bytes, size_t n)
{
	struct kept *k = ctx;

	if (!make_room(k, n))
		return -1;
	memcpy(k->p + k->n, bytes, n);
	k->n += n;
	return 0;
}

void
kept_forget(struct kept *k)
{
	input_forget(k->p, k->n);
	*k = (struct kept){.p = NULL};
}

static bool
diagnose(struct badmac *b, struct bm_view file, const struct bm_view *keys, size_t key_count)
{
	for (size_t i = 0; i < key_count; i++)
		if (badmac_add_keys(b, keys[i].p, keys[i].n, NULL) != BADMAC_OK)
			return false;
	return badmac_add_capture(b, "repaired", file.p, file.n, NULL) == BADMAC_OK &&
		   badmac_run(b, NULL) == BADMAC_OK;
}

/* What an endpoint complained of stays in the capture. */
static bool
is_complaint(const struct bm_found_failure *f)
{
	return strcmp(f->cause, "record-was-good") == 0;
}

static bool
connection_is_good(const struct bm_found_connection *c, bool quiet)
{
	bool good = true;

	for (size_t i = 0; i < c->failure_count; i++) {
		if (is_complaint(&c->failures[i]))
			continue;
		good = false;
		if (!quiet)
			say("repaired: %s -> %s still fails (%s): %s", c->client, c->server,
				c->failures[i].cause, c->failures[i].summary);
	}
	if (good && c->result == BM_FOUND_UNDECIDED) {
		good = false;
		if (!quiet)
			say("repaired: %s -> %s could not be checked: %s", c->client, c->server,
				c->undecided_because != NULL ? c->undecided_because : "undecided");
	}
	return good;
}

bool
carve_check(struct bm_view file, const struct bm_view *keys, size_t key_count, bool quiet)
{
	struct kept report = {.p = NULL};
	const struct badmac_options o = {
		.format = BADMAC_JSON, .effort = BADMAC_QUICK, .write = kept_write, .write_ctx = &report};
	struct bm_findings findings = {.connection_count = 0};
	char problem[BM_FINDINGS_PROBLEM];
	struct badmac *b = NULL;

	bool good = badmac_new(&b, &o, NULL) == BADMAC_OK && diagnose(b, file, keys, key_count);
	badmac_free(b);
	good = good && bm_findings_read(
					   bm_view(report.p, report.n), &findings, problem, sizeof problem) == BM_OK;
	if (!good && !quiet)
		say("repaired: what is written could not be checked");
	for (size_t i = 0; i < findings.connection_count; i++)
		good = connection_is_good(&findings.connections[i], quiet) && good;
	bm_findings_clear(&findings);
	kept_forget(&report);
	return good;
}
