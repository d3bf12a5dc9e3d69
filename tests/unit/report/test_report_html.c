/* The HTML report: what it is made of, that nothing in it can end the element that it stands in,
 * and what becomes of what does not fit. */
#include "report/internal.h"
#include "sample.h"

#include <jansson.h>
#include <stdlib.h>

static const char hostile[] =
	"</script></pre></noscript></title><img src=x onerror=alert(1)>&lt;\xe2\x80\xa8"
	"<!--\xff\"'\\u003c";

static struct bm_report_options
html_options(struct sink *s)
{
	struct bm_report_options o = sample_options(s, false);

	o.html = true;
	return o;
}

/* What stands between two words of the page; NUL-terminated, freed by the caller. */
static char *
between(const char *page, const char *from, const char *to)
{
	const char *a = strstr(page, from);
	assert_non_null(a);
	a += strlen(from);
	const char *b = strstr(a, to);
	assert_non_null(b);
	char *text = malloc((size_t)(b - a) + 1);
	assert_non_null(text);
	memcpy(text, a, (size_t)(b - a));
	text[b - a] = '\0';
	return text;
}

static char *
script(const char *page, const char *id)
{
	char from[64];

	snprintf(from, sizeof from, "id=\"%s\">", id);
	return between(page, from, "</script>");
}

/* JSON that stands in a page, as it was before the three were escaped. */
static void
unescape(char *text)
{
	char *to = text;

	while (*text != '\0') {
		bool here = strncmp(text, "\\u003c", 6) == 0 || strncmp(text, "\\u003e", 6) == 0 ||
					strncmp(text, "\\u0026", 6) == 0;
		if (here) {
			*to++ = text[5] == 'c' ? '<' : text[5] == 'e' ? '>' : '&';
			text += 6;
		} else if (*text == '\\') {
			*to++ = *text++;
			*to++ = *text++;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

static size_t
count(const char *text, const char *word)
{
	size_t n = 0;

	while ((text = strstr(text, word)) != NULL) {
		n++;
		text += strlen(word);
	}
	return n;
}

static json_t *
detail_of(const struct sink *s)
{
	char *text = script(s->text, "detail");
	json_error_t e;
	json_t *j = json_loads(text, 0, &e);

	if (j == NULL)
		fail_msg("no JSON: %s at %d", e.text, e.position);
	free(text);
	return j;
}

static void
test_diagnosis(void **state)
{
	struct bm_connection c[2] = {*sample_full(), *sample_full()};
	struct sink json = {0}, html = {0};
	struct bm_report_options o = sample_options(&json, true), h = html_options(&html);

	(void)state;
	c[1].server_name = hostile;
	for (size_t n = 0; n <= 2; n++) {
		assert_int_equal(sample_report(&o, c, n), BM_OK);
		assert_int_equal(sample_report(&h, c, n), BM_OK);
		char *text = script(html.text, "diagnosis");
		assert_null(strpbrk(text, "<>&"));
		unescape(text);
		assert_string_equal(text + strspn(text, "\n"), json.text);
		free(text);
		sink_clear(&json);
		sink_clear(&html);
	}
}

/* Whatever string of the model is hostile, no more elements come of it. */
static void
test_hostile(void **state)
{
	static const char *const lines[] = {hostile, hostile};
	struct bm_connection c = *sample_full(), plain = c;
	struct bm_failure f = c.failures[0];
	struct bm_ruled_out out = {BM_CAUSE_UNEXPLAINED, hostile};
	struct sink s = {0}, p = {0};
	struct bm_report_options o = html_options(&s), of_plain = html_options(&p);

	(void)state;
	o.verbose = of_plain.verbose = true;
	c.capture = c.server_name = c.undecided_because = c.undecided_detail = c.undecided_next =
		hostile;
	c.also_in = lines;
	f.summary = hostile;
	f.evidence = f.next_steps = lines;
	f.ruled_out = &out;
	/* These are the program's own, and yet no markup. */
	f.proof.method = f.checksum_as_captured = f.checksum_as_sent = "</pre><b>&";
	c.failures = &f;
	for (unsigned result = 0; result < 3; result++) {
		c.result = plain.result = (enum bm_conclusion)result;
		assert_int_equal(sample_report(&o, &c, 1), BM_OK);
		assert_int_equal(sample_report(&of_plain, &plain, 1), BM_OK);
		assert_int_equal(count(s.text, "<"), count(p.text, "<"));
		assert_int_equal(count(s.text, "</script"), count(p.text, "</script"));
		assert_null(strstr(s.text, "\xe2\x80\xa8"));
		assert_null(strchr(s.text, '\xff'));
		char *text = between(s.text, "<noscript><pre>", "</pre>");
		assert_null(strpbrk(text, "<>\"\033"));
		free(text);
		sink_clear(&s);
		sink_clear(&p);
	}
}

static void
test_title(void **state)
{
	struct sink s = {0};
	struct bm_report_options o = html_options(&s);

	(void)state;
	o.color = true; /* of no use in a page */
	assert_int_equal(sample_report(&o, sample_full(), 1), BM_OK);
	char *title = between(s.text, "<title>", "</title>"),
		 *text = between(s.text, "<noscript><pre>", "</pre>");
	char *line = title + strspn(title, "\n");
	assert_ptr_equal(strstr(line, "FAILED: 1 of "), line);
	assert_non_null(strstr(line, "-&gt;"));
	assert_ptr_equal(strstr(text, line), text + strspn(text, "\n"));
	assert_null(strchr(s.text, '\033'));
	free(title);
	free(text);
	sink_clear(&s);
}

static void
test_detail(void **state)
{
	struct sink s = {0};
	struct bm_report_options o = html_options(&s);
	struct bm_connection c[3] = {*sample_full(), *sample_full(), *sample_bare()};

	(void)state;
	c[1].id = 8;
	c[1].course = NULL; /* not wanted */
	c[2].id = 9;
	c[2].course = c[0].course;
	assert_int_equal(sample_report(&o, c, 3), BM_OK);
	json_t *j = detail_of(&s), *all = json_object_get(j, "connections");
	assert_true(json_is_null(json_object_get(j, "redacted")));
	assert_int_equal(json_integer_value(json_object_get(j, "connections_left_out")), 0);
	assert_int_equal(json_array_size(all), 2);
	json_t *x = json_array_get(all, 0), *bare = json_array_get(all, 1);
	json_t *want = json_pack(
		"{s:i, s:s, s:{s:[i,i], s:[i,i], s:[i,i], s:[i,i], s:[i,i], s:[i,i], s:[i,i], s:[i,i], "
		"s:[i,i]}, s:i,"
		" s:[{s:i, s:i, s:s, s:s, s:i, s:i, s:i}, {s:i, s:i, s:s, s:s, s:n, s:n, s:n}], s:i,"
		" s:[{s:{s:s, s:s, s:[{s:i, s:i, s:i, s:i, s:s}, {s:i, s:i, s:n, s:n, s:n}]}}]}",
		"id", 7, "start", "2024-02-29T12:34:56.123456789Z", "records", "time", 1, -1, "direction",
		0, 1, "length", 77, 0, "type", 22, 0, "state", 3, 1, "packet", 3, 0, "epoch", 0, 1,
		"sequence_number", -1, 12, "stream_offset", 0, -1, "records_left_out", 5, "events", "time",
		0, "direction", 0, "kind", "handshake", "label", "ClientHello", "packet", 3, "length", 72,
		"stream_offset", 0, "time", 0, "direction", 1, "kind", "alert", "label",
		"fatal bad_record_mac", "packet", "length", "stream_offset", "events_left_out", 6,
		"failures", "record", "received", "17030300010a", "sent", "17030300010b0c", "segments",
		"record_offset", 0, "length", 3, "packet", 24, "packet_offset", 66, "checksum", "valid",
		"record_offset", 3, "length", 3, "packet", "packet_offset", "checksum");
	assert_non_null(want);
	assert_true(json_equal(x, want));
	/* Datagrams are no stream; of a failure without octets there are none. */
	assert_true(json_is_null(json_object_get(bare, "start")));
	assert_int_equal(json_integer_value(json_array_get(
						 json_object_get(json_object_get(bare, "records"), "stream_offset"), 0)),
		-1);
	assert_true(json_is_null(
		json_object_get(json_array_get(json_object_get(bare, "failures"), 0), "record")));
	json_decref(want);
	json_decref(j);
	sink_clear(&s);
}

/* First the course gives way, then the connection. */
static void
test_detail_limit(void **state)
{
	struct bm_connection c[2] = {*sample_full(), *sample_full()};
	size_t without = 0, left_out = 0, whole = 0;

	(void)state;
	for (size_t most = 0; most < 3000; most += 10) {
		struct sink s = {0};
		struct bm_report_options o = html_options(&s);
		o.detail_memory = most;
		assert_int_equal(sample_report(&o, c, 2), BM_OK);
		json_t *j = detail_of(&s), *all = json_object_get(j, "connections");
		size_t n = json_array_size(all);
		assert_int_equal(
			n + (size_t)json_integer_value(json_object_get(j, "connections_left_out")), 2);
		left_out += 2 - n;
		for (size_t i = 0; i < n; i++) {
			json_t *x = json_array_get(all, i);
			bool none = json_is_null(json_object_get(x, "records"));
			assert_int_equal(
				json_integer_value(json_object_get(x, "records_left_out")), none ? 7 : 5);
			assert_int_equal(
				json_integer_value(json_object_get(x, "events_left_out")), none ? 8 : 6);
			assert_int_equal(json_array_size(json_object_get(x, "failures")), 1);
			without += none;
			whole += !none;
		}
		json_decref(j);
		sink_clear(&s);
	}
	assert_true(left_out != 0 && without != 0 && whole != 0);
}

/* A diagnosis that is longer than what is kept of it is on its way before the verdict is known. */
static void
test_long(void **state)
{
	enum { MANY = 6000 };
	struct bm_connection *c = calloc(MANY, sizeof *c);
	struct sink json = {0}, html = {.largest = 0};
	struct bm_report_options o = sample_options(&json, true), h = html_options(&html);

	(void)state;
	assert_non_null(c);
	h.detail_memory = 0;
	for (size_t i = 0; i < MANY; i++) {
		c[i] = *sample_full();
		c[i].id = i;
		c[i].server_name = hostile;
	}
	assert_int_equal(sample_report(&o, c, MANY), BM_OK);
	assert_int_equal(sample_report(&h, c, MANY), BM_OK);
	assert_true(json.n > 5 << 20);
	char *text = script(html.text, "diagnosis"), *title = between(html.text, "<title>", "</title>");
	unescape(text);
	assert_string_equal(text + strspn(text, "\n"), json.text);
	assert_non_null(strstr(title, "badmac diagnosis"));
	json_t *j = detail_of(&html);
	assert_int_equal(json_integer_value(json_object_get(j, "connections_left_out")), MANY);
	json_decref(j);
	free(text);
	free(title);
	free(c);
	sink_clear(&json);
	sink_clear(&html);
}

static void
test_writes_fail(void **state)
{
	enum { MANY = 200 };
	static struct bm_connection c[MANY];
	size_t calls = 0;

	(void)state;
	for (size_t i = 0; i < MANY; i++)
		c[i] = *sample_full();
	for (size_t at = 0; at == 0 || at <= calls; at++) {
		struct sink s = {.discard = true, .fail_at = at};
		struct bm_report_options o = html_options(&s);
		enum bm_status st = sample_report(&o, c, MANY);
		assert_int_equal(st, at == 0 ? BM_OK : BM_IO);
		calls = at == 0 ? s.calls : calls;
		/* None comes after the one that failed. */
		assert_int_equal(s.calls, at == 0 ? calls : at);
	}
	assert_true(calls > 3);
}

/* The page holds each marker once, in an order in which they can be put in; what is put in between
 * script and style elements does not end them. */
static void
test_template(void **state)
{
	static const char *const words[] = {
		"@TITLE@", "@STYLE@", "@DIAGNOSIS@", "@DETAIL@", "@TEXT@", "@SCRIPT@"};
	const struct bm_view parts[] = {bm_report_page(), bm_report_style(), bm_report_script()};
	char *text[3];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		text[i] = malloc(parts[i].n + 1);
		assert_non_null(text[i]);
		memcpy(text[i], parts[i].p, parts[i].n);
		text[i][parts[i].n] = '\0';
		assert_int_equal(strlen(text[i]), parts[i].n);
	}
	for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
		assert_int_equal(count(text[0], words[i]), 1);
	assert_true(strstr(text[0], "@DIAGNOSIS@") < strstr(text[0], "@DETAIL@"));
	assert_true(strstr(text[0], "@DIAGNOSIS@") < strstr(text[0], "@TEXT@"));
	assert_non_null(strstr(text[0], "default-src 'none'"));
	assert_null(strstr(text[1], "</"));
	assert_null(strstr(text[1], "@import"));
	assert_null(strstr(text[1], "url(http"));
	assert_null(strstr(text[2], "</script"));
	assert_null(strstr(text[2], "<!--"));
	for (unsigned i = 0; i < 3; i++)
		free(text[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_diagnosis),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_title),
		cmocka_unit_test(test_detail),
		cmocka_unit_test(test_detail_limit),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_writes_fail),
		cmocka_unit_test(test_template),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
