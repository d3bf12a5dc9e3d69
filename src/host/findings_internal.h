/* What the files that make findings share. */
#ifndef BM_HOST_FINDINGS_INTERNAL_H
#define BM_HOST_FINDINGS_INTERNAL_H

#include "host/findings.h"

#include <stdio.h>

/* A new finding, never NULL; it stays where it is until the next one is made. The strings are
 * borrowed. */
struct bm_finding *bm_found(
	struct bm_findings *f, enum bm_fact_id id, const char *subject, const char *value);
void bm_found_count(struct bm_finding *x, const char *name, uint64_t n, struct bm_count added);
/* printf into the arena of findings; never NULL. */
#define bm_found_print(f, ...) bm_found_text((f), bm_arena_print((f)->arena, __VA_ARGS__))
const char *bm_found_text(struct bm_findings *f, const char *text);

/* Of network interfaces. */
void bm_find_links(const struct bm_host *h, struct bm_findings *f);

#endif
