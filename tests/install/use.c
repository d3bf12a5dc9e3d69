/* A program outside the tree: compiled against the installed header and library, as C and as C++.
 * Diagnoses the capture named on its command line with the key log named after it, and prints the
 * report's length. */
#include <badmac.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
count(void *ctx, const char *bytes, size_t n)
{
	(void)bytes;
	*(size_t *)ctx += n;
	return 0;
}

static void *
whole(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	char *bytes = (char *)malloc(1 << 24);

	if (f == NULL || bytes == NULL)
		exit(9);
	*n = fread(bytes, 1, 1 << 24, f);
	fclose(f);
	return bytes;
}

int
main(int argc, char **argv)
{
	struct badmac_options o;
	struct badmac_error e;
	struct badmac *b;
	size_t total = 0, n;

	if (argc != 3)
		return 9;
	memset(&o, 0, sizeof o);
	memset(&e, 0, sizeof e);
	o.format = BADMAC_JSON;
	o.write = count;
	o.write_ctx = &total;
	if (badmac_new(&b, &o, &e) != BADMAC_OK)
		return 9;
	void *keys = whole(argv[2], &n);
	if (badmac_add_keys(b, keys, n, &e) != BADMAC_OK)
		return 9;
	void *capture = whole(argv[1], &n);
	if (badmac_add_capture(b, argv[1], capture, n, &e) != BADMAC_OK ||
		badmac_run(b, &e) != BADMAC_OK)
		return 9;
	printf("%s %d %d\n", badmac_version(), total > 500, (int)badmac_result(b));
	badmac_free(b);
	free(keys);
	free(capture);
	return 0;
}
