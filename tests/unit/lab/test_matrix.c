/* The matrix of a score, with stacks that are made up: programs that say what GnuTLS and OpenSSL
 * say when asked for their suites, and no more. */
#include "lab/matrix.h"

#include "tls/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[] = "/tmp/badmac-test-XXXXXX";
static const char *const programs[] = {"openssl", "gnutls-serv", "gnutls-cli", "node"};
static struct lab_matrix matrix;

static void
path_of(char out[200], const char *name)
{
	(void)snprintf(out, 200, "%s/%s", folder, name);
}

static void
make_program(const char *name, const char *says)
{
	char path[200];

	path_of(path, name);
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	fprintf(f, "#!/bin/sh\n%s\n", says);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0755), 0);
}

static void
make(uint64_t seed, bool quick)
{
	lab_matrix_clear(&matrix);
	assert_true(lab_matrix_make(&matrix, seed, quick));
}

static bool
lacks(const char *what, const char *why)
{
	for (size_t i = 0; i < matrix.gap_count; i++)
		if (strcmp(matrix.gaps[i].what, what) == 0 && strcmp(matrix.gaps[i].why, why) == 0)
			return true;
	return false;
}

static void
test_nothing_installed(void **state)
{
	(void)state;
	make(1, false);
	assert_int_equal(matrix.n, 0);
	assert_true(lacks("openssl", "not installed: openssl"));
	assert_true(lacks("gnutls", "not installed: gnutls-serv, gnutls-cli"));
	assert_true(
		lacks("TLS 1.3, TLS_AES_128_GCM_SHA256", "no two installed stacks say that they have it"));
	assert_true(lacks(
		"TLS 1.0, TLS_RSA_WITH_RC4_128_SHA", "no two installed stacks say that they have it"));
}

static size_t
count_of(const struct lab_fault *f, int how, unsigned version, int direction)
{
	size_t n = 0;

	for (size_t i = 0; i < matrix.n; i++) {
		const struct lab_case *c = &matrix.cases[i];
		n += c->fault == f && (how < 0 || c->how == how) &&
			 (version == 0 || c->version == version) &&
			 (direction < 0 || (int)c->direction == direction);
	}
	return n;
}

/* GnuTLS has two protections of the table, OpenSSL one of these; Node says nothing of itself. */
static void
test_what_is_there(void **state)
{
	(void)state;
	make_program("gnutls-serv", "exit 1");
	make_program("gnutls-cli",
		"echo 'x 0x13, 0x01 VERS-TLS1.3'; echo 'y 0x00, 0x05 VERS-TLS1.0'; echo VERS-TLS1.2");
	make_program("openssl",
		"[ \"$1\" = ciphers ] && echo 'TLS_AES_128_GCM_SHA256 - TLS_AES_128_GCM_SHA256 TLSv1.3'");
	make_program("node", "exit 1");
	make(1, false);
	assert_false(lacks("openssl", "not installed: openssl"));
	assert_true(lacks("go", "not installed: go"));
	for (const struct lab_fault *const *f = lab_faults; *f != NULL; f++) {
		bool alert = strcmp((*f)->cause, "plaintext-alert") == 0;
		/* A guilty program's are under suites of their own. */
		if ((*f)->guilt != NULL)
			continue;
		for (int how = 0; how == 0 || (how < LAB_WAYS && (*f)->ways[how] != NULL); how++) {
			assert_true(count_of(*f, how, BM_TLS13, LAB_C2S) >= 1);
			assert_true(count_of(*f, how, BM_TLS13, LAB_S2C) >= 1);
			assert_int_equal(count_of(*f, how, BM_TLS10, -1), alert ? 0 : 2);
		}
	}
	size_t node = 0;
	for (size_t i = 0; i < matrix.n; i++) {
		const struct lab_case *c = &matrix.cases[i];
		bool main_stack = c->server == &lab_openssl || c->server == &lab_gnutls ||
						  c->client == &lab_openssl || c->client == &lab_gnutls;
		assert_true(main_stack);
		assert_true(
			c->version != BM_TLS10 || (c->server == &lab_gnutls && c->client == &lab_gnutls));
		node += c->server == &lab_node || c->client == &lab_node;
		assert_true(c->server == &lab_node || c->client == &lab_node || c->suite != NULL);
	}
	assert_true(node >= 20);
}

static void
test_small(void **state)
{
	bool node[2] = {false, false};

	(void)state;
	make(1, false);
	size_t all = matrix.n;
	make(1, true);
	assert_true(matrix.n < all / 2);
	for (const struct lab_fault *const *f = lab_faults; *f != NULL; f++)
		if (strcmp((*f)->cause, "plaintext-alert") == 0)
			assert_true(count_of(*f, -1, 0, -1) >= 1);
	for (size_t i = 0; i < matrix.n; i++) {
		node[0] = node[0] || matrix.cases[i].server == &lab_node;
		node[1] = node[1] || matrix.cases[i].client == &lab_node;
	}
	assert_true(node[0] && node[1]);
}

/* A case has its seed from itself, whatever else there is. */
static void
test_seeds(void **state)
{
	char command[LAB_CASE_TEXT], again[LAB_CASE_TEXT], before[LAB_CASE_TEXT];
	uint64_t other;

	(void)state;
	make(1, false);
	lab_case_command(&matrix.cases[matrix.n - 1], before);
	make(2, false);
	other = matrix.cases[0].seed;
	make(1, false);
	assert_true(matrix.cases[0].seed != other);
	lab_case_command(&matrix.cases[0], command);
	char path[200];
	path_of(path, "node");
	assert_int_equal(unlink(path), 0);
	make(1, false);
	lab_case_command(&matrix.cases[0], again);
	assert_string_equal(command, again);
	lab_case_command(&matrix.cases[matrix.n - 1], again);
	assert_string_not_equal(before, again);
	make_program("node", "exit 1");
}

static void
test_command(void **state)
{
	const struct lab_case c = {.fault = lab_fault_find("bits-flipped"),
		.how = 1,
		.direction = LAB_S2C,
		.version = BM_TLS10,
		.suite = bm_suite_find(0x002f),
		.no_etm = true,
		.server = &lab_gnutls,
		.client = &lab_openssl,
		.seed = 77};
	char command[LAB_CASE_TEXT];

	(void)state;
	lab_case_command(&c, command);
	assert_string_equal(command,
		"badmac lab run bits-flipped:how=pair,direction=s2c --tls 1.0 --cipher "
		"TLS_RSA_WITH_AES_128_CBC_SHA --no-etm --server gnutls --client openssl --seed 77 -o flip");
}

static int
remove_all(void **state)
{
	(void)state;
	lab_matrix_clear(&matrix);
	for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
		char path[200];
		path_of(path, programs[i]);
		(void)unlink(path);
	}
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_installed),
		cmocka_unit_test(test_what_is_there),
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_seeds),
		cmocka_unit_test(test_command),
	};

	if (mkdtemp(folder) == NULL || setenv("PATH", folder, 1) != 0)
		return 1;
	return cmocka_run_group_tests_name("lab matrix", tests, NULL, remove_all);
}
