/* The kernel's own counters, and what was added to them between two readings. */
#include "host/counters.h"

#include "host/text.h"

#include <errno.h>

static const struct {
	enum bm_counter_file file;
	const char *group, *name, *whole;
	bool grows;
} counters[] = {
#define ROW(id, file, group, name, grows) {BM_COUNTER_##file, group, name, group name, grows},
	BM_COUNTER_LIST(ROW)
#undef ROW
};

static const char *const paths[] = {
	[BM_COUNTER_SNMP] = "proc/net/snmp",
	[BM_COUNTER_SNMP6] = "proc/net/snmp6",
	[BM_COUNTER_NETSTAT] = "proc/net/netstat",
	[BM_COUNTER_TLS_STAT] = "proc/net/tls_stat",
};

const char *
bm_counter_name(enum bm_counter c)
{
	return counters[c].whole;
}

const char *
bm_counter_path(enum bm_counter_file file)
{
	return paths[file];
}

enum bm_counter_file
bm_counter_file(enum bm_counter c)
{
	return counters[c].file;
}

bool
bm_counter_grows(enum bm_counter c)
{
	return counters[c].grows;
}

static void
set(enum bm_counter_file file, struct bm_view group, struct bm_view name, struct bm_view value,
	struct bm_counters *out)
{
	for (size_t i = 0; i < BM_COUNTERS; i++) {
		uint64_t n;
		if (counters[i].file == file && bm_is(group, counters[i].group) &&
			bm_is(name, counters[i].name) && bm_number(value, &n))
			out->at[i] = (struct bm_count){true, n};
	}
}

/* "Tcp: NAME NAME...", and in the line that follows "Tcp: VALUE VALUE...". */
static void
parse_pairs(enum bm_counter_file file, struct bm_view text, struct bm_counters *out)
{
	struct bm_view names = {NULL, 0}, group = {NULL, 0}, line, head, rest, name, value;
	bool have_names = false;

	while (bm_line(&text, &line)) {
		if (!bm_cut(line, ':', &head, &rest)) {
			have_names = false;
			continue;
		}
		if (!have_names || !bm_view_equal(head, group)) {
			group = head;
			names = rest;
			have_names = true;
			continue;
		}
		while (bm_word(&names, &name) && bm_word(&rest, &value))
			set(file, group, name, value, out);
		have_names = false;
	}
}

/* "NAME VALUE" in each line. */
static void
parse_lines(enum bm_counter_file file, struct bm_view text, struct bm_counters *out)
{
	struct bm_view line, name, value, more;

	while (bm_line(&text, &line))
		if (bm_word(&line, &name) && bm_word(&line, &value) && !bm_word(&line, &more))
			set(file, (struct bm_view){NULL, 0}, name, value, out);
}

void
bm_counters_parse(enum bm_counter_file file, struct bm_view bytes, struct bm_counters *out)
{
	if (file == BM_COUNTER_SNMP || file == BM_COUNTER_NETSTAT)
		parse_pairs(file, bytes, out);
	else
		parse_lines(file, bytes, out);
}

static bool
printable(struct bm_view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] <= ' ' || v.p[i] > '~')
			return false;
	return true;
}

void
bm_counters_read(const struct bm_root *root, struct bm_counters *out)
{
	struct bm_buf b = {.max = BM_HOST_FILE_MAX};

	memset(out, 0, sizeof *out);
	for (enum bm_counter_file f = 0; f < BM_COUNTER_FILES; f++) {
		out->error[f] = bm_root_read(root, paths[f], &b);
		if (out->error[f] == 0)
			bm_counters_parse(f, bm_buf_view(&b), out);
	}
	if (bm_root_read(root, "proc/sys/kernel/random/boot_id", &b) == 0) {
		struct bm_view text = bm_buf_view(&b), id;
		if (bm_line(&text, &id) && id.n < sizeof out->boot && printable(id) && id.n != 0)
			memcpy(out->boot, id.p, id.n);
	}
	bm_buf_clear(&b);
}

int
bm_counters_read_at(const char *root, struct bm_counters *out)
{
	struct bm_root r;
	int error = bm_root_open(&r, root);

	if (error == 0) {
		bm_counters_read(&r, out);
		bm_root_close(&r);
		return 0;
	}
	memset(out, 0, sizeof *out);
	for (size_t f = 0; f < BM_COUNTER_FILES; f++)
		out->error[f] = error;
	return error;
}

void
bm_counters_since(
	const struct bm_counters *before, const struct bm_counters *after, struct bm_counters *out)
{
	bool started =
		before->boot[0] != '\0' && after->boot[0] != '\0' && strcmp(before->boot, after->boot) != 0;

	memset(out, 0, sizeof *out);
	memcpy(out->boot, after->boot, sizeof out->boot);
	for (size_t i = 0; i < BM_COUNTERS; i++) {
		const struct bm_count *a = &before->at[i], *b = &after->at[i];
		if (a->known && b->known && counters[i].grows && !started && b->n >= a->n)
			out->at[i] = (struct bm_count){true, b->n - a->n};
	}
	for (size_t f = 0; f < BM_COUNTER_FILES; f++)
		out->error[f] = after->error[f] != 0 ? after->error[f] : before->error[f];
}
