/* Session-ID and Master-Key of the sessions that OpenSSL prints. Refuses to know the other lines.
 */
#include "logs/session_text.h"

#include "base/buf.h"
#include "logs/text.h"

/* The hex after "name:" of a line; false when the line is another. *len is 0 for what is not hex.
 */
static bool
read_field(struct bm_view line, const char *name, uint8_t *out, size_t max, size_t *len)
{
	size_t n = strlen(name);

	if (line.n < n || memcmp(line.p, name, n) != 0)
		return false;
	struct bm_view hex = text_trim(bm_view(line.p + n, line.n - n));
	*len = 0;
	if (hex.n % 2 == 0 && hex.n / 2 <= max && bm_unhex((const char *)hex.p, hex.n / 2, out))
		*len = hex.n / 2;
	return true;
}

enum bm_status
bm_session_text_read(struct bm_keyring *k, struct bm_view text, size_t *found)
{
	uint8_t id[32], master[BM_MASTER];
	size_t id_len = 0, master_len;
	enum bm_status st = BM_OK;
	struct bm_view line;

	*found = 0;
	while (st == BM_OK && text_line(&text, &line)) {
		line = text_trim(line);
		if (read_field(line, "Session-ID:", id, sizeof id, &id_len))
			continue;
		if (!read_field(line, "Master-Key:", master, sizeof master, &master_len))
			continue;
		if (id_len != 0 && master_len == BM_MASTER) {
			st = bm_keyring_add(k, BM_LABEL_RSA_SESSION_ID, bm_view(id, id_len),
				bm_view(master, master_len), BM_SOURCE_KEY_LOG);
			++*found;
		}
		id_len = 0;
	}
	bm_wipe(master, sizeof master);
	return st;
}
