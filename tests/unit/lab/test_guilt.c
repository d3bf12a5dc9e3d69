/* Faults of a guilty program: how they are asked for, what they fit, and that nothing is believed
 * that the program cannot have meant. */
#include "lab/guilt.h"
#include "tls/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#define START "guilty: connection=0 version=0303 suite=c02f record=2 sequence=3 offset=1221 "
static const char plain[] = START "length=1329 party=sender-application damage=-";

static bool
parse(const char *line, struct lab_confession *out)
{
	/* A copy of just that length: a sanitizer sees what is read beyond. */
	size_t n = strlen(line);
	uint8_t *copy = malloc(n != 0 ? n : 1);

	assert_non_null(copy);
	memcpy(copy, line, n);
	bool good = lab_confession_parse(bm_view(copy, n), out);
	/* Its views point into the copy. */
	assert_true(!good || out->received.n <= n);
	free(copy);
	out->received.p = out->sent.p = NULL;
	return good;
}

static void
test_believed(void **state)
{
	struct lab_confession c;

	(void)state;
	assert_true(parse(plain, &c));
	assert_int_equal(c.connection, 0);
	assert_int_equal(c.version, BM_TLS12);
	assert_string_equal(c.suite->name, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
	assert_int_equal(c.record, 2);
	assert_int_equal(c.sequence, 3);
	assert_int_equal(c.offset, 1221);
	assert_int_equal(c.length, 1329);
	assert_string_equal(c.party, "sender-application");
	assert_false(c.damaged);
	assert_true(parse("guilty: connection=1 version=0304 suite=1301 record=- sequence=0 offset=0 "
					  "length=24 party=sender-tls damage=7:00ff:",
		&c));
	assert_int_equal(c.record, -1);
	assert_true(c.damaged);
	assert_int_equal(c.damage_off, 7);
	assert_int_equal(c.received.n, 4);
	assert_int_equal(c.sent.n, 0);
	assert_true(parse(START "length=9 party=sender-tls damage=6::abcdef", &c));
	assert_int_equal(c.sent.n, 6);
	assert_true(parse(START "length=9 party=configuration damage=-", &c));
}

static void
test_not_believed(void **state)
{
	static const char *const wrong[] = {"", "guilty:", "guilty", START,
		START "length=0 party=sender-tls damage=-", START "length=99999 party=sender-tls damage=-",
		START "length=9 party=network damage=-", START "length=9 party=sender-tlsx damage=-",
		START "length=9 party=sender-tls damage=", START "length=9 party=sender-tls damage=- ",
		START "length=9 party=sender-tls damage=-\r", START "length=9 party=sender-tls damage=0::",
		START "length=9 party=sender-tls damage=10:00:",
		START "length=9 party=sender-tls damage=7::abcdef",
		START "length=9 party=sender-tls damage=0:0:",
		START "length=9 party=sender-tls damage=0:0g:",
		START "length=9 party=sender-tls damage=0:AA:",
		START "length=9 party=sender-tls damage=0:00",
		START "length=9 party=sender-tls damage=:00:",
		START "length=9 party=sender-tls damage=0:00:00:00",
		START "length=9  party=sender-tls damage=-", START "length=-9 party=sender-tls damage=-",
		START "length=09 party=sender-tls damage=-", START "length=9 party=sender-tls\" damage=-",
		"guilty: connection=1001 version=0303 suite=c02f record=2 sequence=3 offset=1 length=9 "
		"party=sender-tls damage=-",
		"guilty: connection=0 version=0300 suite=c02f record=2 sequence=3 offset=1 length=9 "
		"party=sender-tls damage=-",
		"guilty: connection=0 version=303 suite=c02f record=2 sequence=3 offset=1 length=9 "
		"party=sender-tls damage=-",
		"guilty: connection=0 version=0303 suite=ffff record=2 sequence=3 offset=1 length=9 "
		"party=sender-tls damage=-",
		"guilty: connection=0 version=0303 suite=c02f record= sequence=3 offset=1 length=9 "
		"party=sender-tls damage=-",
		"guilty: connection=0 version=0303 suite=c02f record=-1 sequence=3 offset=1 length=9 "
		"party=sender-tls damage=-",
		"guilty: connection=0 version=0303 suite=c02f record=2 sequence=18446744073709551616 "
		"offset=1 length=9 party=sender-tls damage=-",
		"guilty: connection=0 version=0303 suite=c02f record=2 sequence=9007199254740993 "
		"offset=1 length=9 party=sender-tls damage=-",
		"guilty: version=0303 connection=0 suite=c02f record=2 sequence=3 offset=1 length=9 "
		"party=sender-tls damage=-"};
	struct lab_confession c;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		if (parse(wrong[i], &c))
			fail_msg("believed: %s", wrong[i]);
	/* Cut anywhere, and with any octet changed to one that no such line has. */
	for (size_t i = 0; i < sizeof plain - 1; i++) {
		char line[sizeof plain];
		memcpy(line, plain, sizeof plain);
		line[i] = '\0';
		assert_false(parse(line, &c));
		memcpy(line, plain, sizeof plain);
		line[i] = '\x80';
		assert_false(parse(line, &c));
	}
}

/* More hex than a record has. */
static void
test_too_much(void **state)
{
	static char line[3 * (BM_HEADER + BM_BODY_MAX)];
	struct lab_confession c;
	int head = snprintf(line, sizeof line, "%slength=9 party=sender-tls damage=0:", START);

	(void)state;
	size_t most = 2 * (BM_HEADER + BM_BODY_MAX);
	memset(line + head, '7', most);
	memcpy(line + head + most, ":", 2);
	assert_true(parse(line, &c));
	memset(line + head, '7', most + 2);
	memcpy(line + head + most + 2, ":", 2);
	assert_false(parse(line, &c));
}

/* Another version or suite than was negotiated, and places where nothing was sent. */
static void
test_seen(void **state)
{
	struct lab_known seen = {BM_TLS12, bm_suite_find(0xc02f), {1240, 5000}};
	struct lab_confession c;
	const char *at = START "length=29 party=sender-tls damage=-",
			   *damaged = START "length=29 party=sender-tls damage=17:00ff:";

	(void)state;
	assert_true(parse(at, &c) && lab_confession_fits(&c, &seen));
	/* Its last two octets are the last that were sent; or they are not. */
	assert_true(parse(damaged, &c) && lab_confession_fits(&c, &seen));
	seen.octets[0] = 1239;
	assert_false(lab_confession_fits(&c, &seen));
	seen.octets[0] = 1222;
	assert_true(parse(at, &c) && lab_confession_fits(&c, &seen));
	seen.octets[0] = 1221;
	assert_false(lab_confession_fits(&c, &seen));
	seen = (struct lab_known){BM_TLS13, bm_suite_find(0xc02f), {9000, 0}};
	assert_false(lab_confession_fits(&c, &seen));
	seen = (struct lab_known){BM_TLS12, bm_suite_find(0xc030), {9000, 0}};
	assert_false(lab_confession_fits(&c, &seen));
	seen = (struct lab_known){0, NULL, {9000, 0}};
	assert_false(lab_confession_fits(&c, &seen));
}

static bool
find(const char *text, struct lab_confession *out)
{
	struct bm_buf b = {.p = NULL};

	assert_true(lab_puts(&b, text));
	bool good = lab_confession_find(&b, out);
	bm_buf_clear(&b);
	return good;
}

static void
test_found(void **state)
{
	struct lab_confession c;
	char text[1000];

	(void)state;
	(void)snprintf(text, sizeof text, "error: x\n%s\nerror: y\n", plain);
	assert_true(find(text, &c));
	assert_int_equal(c.sequence, 3);
	/* Not whole, not at the start of a line, twice, one of two wrong, or none. */
	assert_false(find(plain, &c));
	(void)snprintf(text, sizeof text, " %s\n", plain);
	assert_false(find(text, &c));
	(void)snprintf(text, sizeof text, "%s\n%s\n", plain, plain);
	assert_false(find(text, &c));
	(void)snprintf(text, sizeof text, "%s\nguilty: of more\n", plain);
	assert_false(find(text, &c));
	assert_false(find("x\n", &c));
}

static void
test_written_down(void **state)
{
	struct lab_plan plan = {.seed = 1};
	struct lab_confession c;
	struct lab_spec spec;
	char problem[300];

	(void)state;
	assert_true(lab_spec_parse("bytes-inserted:how=outer-alert", &spec, problem, sizeof problem));
	assert_true(lab_confession_parse(
		bm_view(START "length=9 party=sender-application damage=4:00ff:",
			sizeof START "length=9 party=sender-application damage=4:00ff:" - 1),
		&c));
	assert_true(lab_confession_keep(&c, &spec, &plan));
	assert_int_equal(plan.struck, 1);
	assert_true(lab_put(&plan.truth, "", 1));
	assert_string_equal((const char *)plan.truth.p,
		"  {\"cause\": \"bytes-inserted\", \"how\": \"outer-alert\", \"connection\": 0, "
		"\"version\": "
		"\"TLS 1.2\", \"cipher_suite\": \"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256\", "
		"\"encrypt_then_mac\": null,\n   "
		"\"direction\": \"client_to_server\", \"record\": 2, \"sequence_number\": 3, "
		"\"stream_offset\": 1221, \"length\": 9, \"party\": \"sender-application\", \"checksum\": "
		"\"valid\", \"mended\": false, \"age_ms\": null,\n   \"damage\": [{\"record_offset\": 4, "
		"\"stream_offset\": 1225, \"length\": "
		"2, "
		"\"received\": \"00ff\", \"sent\": \"\"}]}");
	lab_plan_clear(&plan);
}

/* A way chooses between faults of one cause; what a program chooses by itself cannot be said. */
static void
test_asked_for(void **state)
{
	static const char *const refused[] = {"bytes-missing:how=short-write,byte=7",
		"sequence-reused:length=3", "foreign-record:sum=sent,how=late", "wrong-epoch:sum=sent",
		"sequence-reused:how=thread"};
	struct lab_spec spec;
	char problem[300];

	(void)state;
	assert_true(lab_spec_parse("bytes-missing", &spec, problem, sizeof problem));
	assert_null(lab_guilt_of(&spec));
	assert_true(lab_spec_parse("foreign-record:how=instead", &spec, problem, sizeof problem));
	assert_null(lab_guilt_of(&spec));
	assert_true(lab_spec_parse(
		"foreign-record:direction=c2s,how=stale-keys,record=3", &spec, problem, sizeof problem));
	assert_string_equal(lab_guilt_of(&spec)->crime, "stale-keys");
	assert_true(lab_spec_parse("sequence-reused", &spec, problem, sizeof problem));
	assert_string_equal(lab_guilt_of(&spec)->crime, "fork");
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
		assert_false(lab_spec_parse(refused[i], &spec, problem, sizeof problem));
	/* No two ways of a cause have one name. */
	for (const struct lab_fault *const *f = lab_faults; *f != NULL; f++)
		for (int i = 0; i < LAB_WAYS && (*f)->ways[i] != NULL; i++) {
			char text[100];
			(void)snprintf(text, sizeof text, "%s:how=%s", (*f)->cause, (*f)->ways[i]);
			assert_true(lab_spec_parse(text, &spec, problem, sizeof problem));
			assert_ptr_equal(spec.fault, *f);
			assert_int_equal(spec.how, i);
		}
}

static const char *
fits_client(const struct lab_stack *client, const char *fault, unsigned version, unsigned suite,
	bool no_etm)
{
	static char problem[300];
	struct lab_spec spec;
	struct lab_setup setup = {
		.version = version, .suite = suite != 0 ? bm_suite_find(suite) : NULL, .no_etm = no_etm};

	assert_true(lab_spec_parse(fault, &spec, problem, sizeof problem));
	(void)snprintf(problem, sizeof problem, "nothing said");
	if (!lab_guilt_fits(&spec, client, &setup, problem, sizeof problem))
		return problem;
	return setup.suite != NULL ? setup.suite->name : "any";
}

static const char *
fits(const char *fault, unsigned version, unsigned suite, bool no_etm)
{
	return fits_client(&lab_openssl, fault, version, suite, no_etm);
}

static void
test_fits(void **state)
{
	(void)state;
	assert_string_equal(fits("sequence-reused:how=fork", BM_TLS10, 0, false), "any");
	assert_string_equal(
		fits("sequence-reused:how=fork", BM_TLS12, 0x0005, false), "TLS_RSA_WITH_RC4_128_SHA");
	assert_string_equal(fits("sequence-reused:how=restart", BM_TLS12, 0x0005, false),
		"sequence-reused:how=restart takes a CBC or AEAD suite, which TLS_RSA_WITH_RC4_128_SHA is "
		"not");
	assert_string_equal(fits("sequence-reused:how=restart", BM_TLS10, 0, false),
		"sequence-reused:how=restart cannot be done in TLS 1.0, but in TLS 1.1 to TLS 1.3");
	assert_string_equal(fits("wrong-epoch:how=old-key", BM_TLS12, 0, false),
		"wrong-epoch:how=old-key cannot be done in TLS 1.2, but in TLS 1.3");
	assert_string_equal(fits("bad-padding:how=off-by-one", BM_TLS12, 0, false),
		"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA");
	assert_string_equal(fits("bad-padding:how=off-by-one", BM_TLS12, 0xc02f, false),
		"bad-padding:how=off-by-one takes a CBC suite, which TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 "
		"is not");
	assert_string_equal(fits("mac-construction:how=mac-inside", BM_TLS12, 0x002f, true),
		"mac-construction:how=mac-inside takes encrypt-then-MAC, which --no-etm forbids");
	assert_string_equal(
		fits("mac-construction:how=half-key", BM_TLS13, 0, false), "TLS_AES_256_GCM_SHA384");
	assert_string_equal(fits("mac-construction:how=half-key", BM_TLS12, 0, false),
		"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384");
	assert_string_equal(fits("mac-construction:how=half-key", BM_TLS12, 0x0035, true),
		"TLS_RSA_WITH_AES_256_CBC_SHA");
	assert_string_equal(fits("mac-construction:how=half-key", BM_TLS12, 0x0035, false),
		"mac-construction:how=half-key takes --no-etm with a CBC suite");
	assert_string_equal(fits("mac-construction:how=half-key", BM_TLS13, 0x1303, false),
		"mac-construction:how=half-key takes a cipher that has keys of 128 bits, too");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_believed),
		cmocka_unit_test(test_not_believed),
		cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_seen),
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_written_down),
		cmocka_unit_test(test_asked_for),
		cmocka_unit_test(test_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
