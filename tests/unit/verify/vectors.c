/* Reads the vector files of these tests. Knows how they are written, not what a record means. */
#include "vectors.h"

void
vectors_open(struct vectors *v, const char *name)
{
	const char *folder = getenv("BADMAC_TESTS");
	char path[4096];

	snprintf(path, sizeof(path), "%s/unit/verify/%s", folder != NULL ? folder : "tests", name);
	v->f = fopen(path, "r");
	if (v->f == NULL)
		fail_msg("cannot open %s", path);
}

bool
vectors_next(struct vectors *v)
{
	do {
		if (fgets(v->line, sizeof(v->line), v->f) == NULL)
			return false;
		size_t n = strlen(v->line);
		assert_true(n != 0 && v->line[n - 1] == '\n');
		v->line[n - 1] = '\0';
	} while (v->line[0] == '#');
	v->fields = 0;
	for (char *p = v->line; p != NULL; v->fields++) {
		assert_true(v->fields < FIELDS);
		v->field[v->fields] = p;
		p = strchr(p, '\t');
		if (p != NULL)
			*p++ = '\0';
	}
	return true;
}

void
vectors_close(struct vectors *v)
{
	fclose(v->f);
}

struct bytes
bytes_of(const char *hex)
{
	struct bytes b = {NULL, strcmp(hex, "-") == 0 ? 0 : strlen(hex) / 2};

	b.p = malloc(b.n != 0 ? b.n : 1);
	assert_non_null(b.p);
	assert_true(bm_unhex(hex, b.n, b.p));
	return b;
}

struct bytes
bytes_copy(struct bm_view v)
{
	struct bytes b = {malloc(v.n != 0 ? v.n : 1), v.n};

	assert_non_null(b.p);
	if (v.n != 0)
		memcpy(b.p, v.p, v.n);
	return b;
}

void
bytes_free(struct bytes *b)
{
	free(b->p);
	*b = (struct bytes){NULL, 0};
}

uint64_t
number_of(const char *hex)
{
	char *end;
	uint64_t n = strtoull(hex, &end, 16);

	assert_true(*end == '\0');
	return n;
}
