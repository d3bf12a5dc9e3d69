/* Writes secrets as an NSS key log. Refuses to know where they came from. */
#include "explain/explain.h"

#include <stdio.h>

enum { LINE_MAX_OCTETS = 2 * (64 + 2048) + 64 };

static const char *
label_name(enum bm_label label)
{
	switch (label) {
	case BM_LABEL_CLIENT_RANDOM:
		return "CLIENT_RANDOM";
	case BM_LABEL_PMS_CLIENT_RANDOM:
		return "PMS_CLIENT_RANDOM";
	default:
		return NULL; /* no key log can hold it */
	}
}

enum bm_status
bm_explain_keys(const struct bm_keyring *k, int (*write)(void *ctx, const char *bytes, size_t n),
	void *ctx, uint64_t *n)
{
	struct bm_ring_entry e;
	uint64_t at = 0;
	enum bm_status st = BM_OK;

	*n = 0;
	while (st == BM_OK && bm_keyring_walk(k, &at, &e)) {
		char line[LINE_MAX_OCTETS];
		const char *label = label_name(e.label);
		if (label == NULL || e.id.n > 64 || e.secret.bytes.n > 2048)
			continue;
		size_t len = (size_t)snprintf(line, sizeof line, "%s ", label);
		bm_hex(e.id, line + len);
		len += 2 * e.id.n;
		line[len++] = ' ';
		bm_hex(e.secret.bytes, line + len);
		len += 2 * e.secret.bytes.n;
		line[len++] = '\n';
		if (write(ctx, line, len) != 0)
			st = BM_IO;
		bm_wipe(line, sizeof line);
		*n += 1;
	}
	return st;
}
