#include "tsv.h"

void
tsv_open(struct tsv *t, const char *name)
{
	char path[4096];
	const char *tests = getenv("BADMAC_TESTS");

	assert_non_null(tests);
	snprintf(path, sizeof path, "%s/unit/tls/%s", tests, name);
	t->f = fopen(path, "r");
	assert_non_null(t->f);
}

bool
tsv_next(struct tsv *t)
{
	do {
		if (fgets(t->line, sizeof t->line, t->f) == NULL) {
			fclose(t->f);
			return false;
		}
	} while (t->line[0] == '#');
	char *p = t->line;
	assert_non_null(strchr(p, '\n'));
	p[strcspn(p, "\n")] = '\0';
	for (t->n = 0; t->n < TSV_FIELDS && p != NULL;) {
		t->field[t->n++] = p;
		p = strchr(p, '\t');
		if (p != NULL)
			*p++ = '\0';
	}
	assert_null(p);
	return true;
}

uint8_t *
exact(struct bm_view v)
{
	uint8_t *p = malloc(v.n != 0 ? v.n : 1);

	assert_non_null(p);
	if (v.n != 0)
		memcpy(p, v.p, v.n);
	return p;
}

uint8_t *
tsv_bytes(const char *field, struct bm_view *v)
{
	size_t n = strcmp(field, "-") == 0 ? 0 : strlen(field) / 2;
	uint8_t *p = malloc(n != 0 ? n : 1);

	assert_non_null(p);
	assert_true(bm_unhex(field, n, p));
	*v = bm_view(p, n);
	return p;
}

unsigned
tsv_number(const char *field)
{
	return strcmp(field, "-") == 0 ? 0 : (unsigned)strtoul(field, NULL, 16);
}

bool
tsv_is(const char *field, struct bm_view v)
{
	struct bm_view want;
	uint8_t *p = tsv_bytes(field, &want);
	bool same = bm_view_equal(want, v);

	free(p);
	return same;
}

uint32_t
rnd(void)
{
	static uint64_t x = 88172645463325252;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 16);
}
