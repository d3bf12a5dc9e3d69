/* Reads any bytes as each file of the kernel's counters, and as names of statistics and interfaces.
 * Nothing may be known that is no number, a reading is never after itself, and a word for a shell
 * holds the name. */
#include "host/findings.h"
#include "host/text.h"

#include <stdlib.h>

static void
must(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
counters(struct bm_view v)
{
	for (enum bm_counter_file f = 0; f < BM_COUNTER_FILES; f++) {
		struct bm_counters c = {.boot = ""}, d;
		bm_counters_parse(f, v, &c);
		bm_counters_since(&c, &c, &d);
		for (enum bm_counter k = 0; k < BM_COUNTERS; k++) {
			must(c.at[k].known || c.at[k].n == 0);
			must(!c.at[k].known || bm_counter_file(k) == f);
			must(d.at[k].known == (c.at[k].known && bm_counter_grows(k)) && d.at[k].n == 0);
		}
	}
}

static void
names(struct bm_view v)
{
	struct bm_arena arena = {.max = 1 << 20};
	bool no_memory = false;
	char *name = malloc(v.n + 1);

	must(name != NULL);
	if (v.n != 0)
		memcpy(name, v.p, v.n);
	name[v.n] = '\0';
	(void)bm_stat_is_error(bm_stat_classify(name));
	const char *word = bm_shell_word(&arena, name, &no_memory);
	must(!no_memory);
	if (word != NULL) {
		must(name[0] != '-' && name[0] != '\0' && strlen(word) >= strlen(name));
		for (const char *c = word; *c != '\0'; c++)
			must(*c >= ' ' && *c <= '~');
	}
	bm_arena_clear(&arena);
	free(name);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct bm_view v = bm_view(p, n), line, word;

	counters(v);
	for (struct bm_view text = v; bm_line(&text, &line);) {
		struct bm_view rest = line;
		while (bm_word(&rest, &word))
			must(word.n != 0 && word.p >= p && word.p + word.n <= p + n);
		names(line.n < 1000 ? line : (struct bm_view){NULL, 0});
	}
	return 0;
}
