/* Writes a report about connections of all kinds to standard output, for check_schema.py. */
#include "sample.h"

#include <stdio.h>

static int
to_stdout(void *ctx, const char *bytes, size_t n)
{
	(void)ctx;
	return fwrite(bytes, 1, n, stdout) == n ? 0 : -1;
}

int
main(void)
{
	struct bm_report_options o = {.json = true, .write = to_stdout};
	struct bm_failure f[BM_CAUSE_COUNT];
	struct bm_connection c[4 + BM_PARTY_COUNT];
	size_t n = 0;

	c[n++] = *sample_bare();
	c[0].undecided_because = "nothing is known about it";
	c[n++] = *sample_full();
	c[n] = c[1];
	for (size_t i = 0; i < BM_CAUSE_COUNT; i++) {
		f[i] = c[n].failures[0];
		f[i].cause = (enum bm_cause)i;
		f[i].confidence = (enum bm_confidence)(i % 3);
		f[i].proof.chance_log2 = -(double)(40 * i);
		f[i].checksum_as_captured = i % 2 == 0 ? "offloaded" : NULL;
		f[i].checksum_as_sent = i % 2 == 0 ? "invalid" : NULL;
	}
	c[n].failures = f;
	c[n++].failure_count = BM_CAUSE_COUNT;
	c[n] = c[1];
	c[n].server_name = "\x01\"\\\xff\xf0\x9f\x94\x92\x7f";
	c[n++].version = 0xfefc;
	for (size_t i = 0; i < BM_PARTY_COUNT; i++) {
		c[n] = c[1];
		c[n].keys = (enum bm_key_source)(i % 5);
		c[n].resumed = (int)(i % 3) - 1;
		c[n].failures = &f[i];
		f[i].at_fault[0] = (enum bm_party)i;
		f[i].at_fault_count = 1;
		n++;
	}
	for (size_t i = 0; i < n; i++)
		c[i].id = i;
	return sample_report(&o, c, n) == BM_OK ? 0 : 4;
}
