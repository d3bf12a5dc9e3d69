/* What the files of src/report share: the kinds of report, and places in the text. */
#ifndef BM_REPORT_INTERNAL_H
#define BM_REPORT_INTERNAL_H

#include "report/alike.h"
#include "report/lines.h"
#include "report/report.h"

/* Octets that a max_fragment_length in the model stands for: it may be the extension's code
 * (RFC 6066, section 4). */
unsigned bm_fragment_octets(unsigned value);

/* A chance that is no chance (a tag of 0 bits, or no number at all) proves nothing and is not
 * shown. */
bool bm_proof_counts(const struct bm_failure *f);

/* "client_to_server", ... */
const char *bm_direction_id(unsigned direction);
/* A suite's name; its number, which is put there, where it has none. */
enum { BM_SUITE_TEXT_MAX = 8 };
const char *bm_suite_text(uint16_t suite, char number[BM_SUITE_TEXT_MAX]);

void bm_json_connection(
	struct bm_out *o, bool first, enum bm_redaction level, const struct bm_connection *c);
void bm_json_finish(struct bm_out *o, bool first, enum bm_redaction level,
	const struct bm_summary *s, const struct bm_report_logs *logs /* NULL: none */);

struct bm_text;

enum bm_status bm_text_new(struct bm_text **out, const struct bm_report_options *o);
void bm_text_free(struct bm_text *t);
/* BM_NOMEM. What does not fit the memory set aside is counted only. */
enum bm_status bm_text_connection(struct bm_text *t, const struct bm_connection *c);
enum bm_status bm_text_finish(struct bm_text *t, const struct bm_summary *s,
	enum bm_redaction level, const struct bm_report_logs *logs /* NULL: none */, struct bm_out *o);

/* answer.c: the first line, and how many connections are others seen again. */
struct bm_answer_facts {
	struct bm_view headline; /* about the first connection that failed */
	struct bm_view sentence; /* and its first failure */
	uint64_t failed;         /* connections */
	uint64_t reported_only;  /* of them those in which no record fails */
};
void bm_answer(struct bm_lines *l, const struct bm_answer_facts *f, const struct bm_summary *s);

/* The first line of it, and what belongs to that. */
enum bm_status bm_text_answer(
	const struct bm_text *t, const struct bm_summary *s, struct bm_lines *out);

struct bm_html;

/* What is written goes to page, which outlives it. */
enum bm_status bm_html_new(
	struct bm_html **out, const struct bm_report_options *o, struct bm_out *page);
void bm_html_free(struct bm_html *h);
enum bm_status bm_html_connection(struct bm_html *h, const struct bm_connection *c); /* BM_NOMEM */
enum bm_status bm_html_finish(struct bm_html *h, const struct bm_summary *s,
	const struct bm_report_logs *logs /* NULL: none */);
/* The files of data/report. */
struct bm_view bm_report_page(void);
struct bm_view bm_report_style(void);
struct bm_view bm_report_script(void);

/* detail_json.c: c->course is there; without it, it is counted as left out. */
void bm_detail_json(struct bm_out *out, const struct bm_connection *c, bool with_course);
/* What stands before the connections, and behind them. */
void bm_detail_json_begin(struct bm_out *out, const char *redacted);
void bm_detail_json_end(struct bm_out *out, uint64_t left_out, struct bm_alike *a);

/* alike_json.c: a value of JSON. */
void bm_alike_json(struct bm_out *out, struct bm_alike *a);

/* A place in the text where something about a failure is put in when the report ends. */
struct bm_mark {
	size_t at; /* octets before it */
	uint64_t connection;
	size_t failure;
};
struct bm_marks {
	struct bm_mark *item;
	size_t n, cap;
};

/* marks.c: one is set here. */
void bm_mark(struct bm_lines *l, uint64_t connection, size_t failure);
/* Text, with what logs (NULL: none) say of failures where it is marked; l is empty then. BM_NOMEM.
 */
enum bm_status bm_send_marked(struct bm_lines *l, const struct bm_marks *m,
	const struct bm_report_logs *logs, struct bm_out *o);
/* What logs say of nothing that is told of before, with color and columns of another text.
 * BM_NOMEM.
 */
enum bm_status bm_send_rest(
	const struct bm_lines *like, bool verbose, const struct bm_report_logs *logs, struct bm_out *o);

/* packets.c: "packet 53", and, where the capture is in pieces, " (17 of p2.pcap)". */
void bm_say_packet(struct bm_lines *l, const struct bm_capture_pieces *p, uint64_t packet);
/* The first n of them, and how many more there are. */
void bm_say_packets(struct bm_lines *l, const struct bm_capture_pieces *p, const uint64_t *packets,
	size_t count, size_t n);

/* detail.c: one connection in full. */
/* damage.c: its octets. */
void bm_detail_damage(
	struct bm_lines *l, const struct bm_connection *c, const struct bm_failure *f, bool verbose);
void bm_detail(struct bm_lines *l, const struct bm_connection *c, bool verbose);
/* Did it end with a fatal alert? Which one; NULL: it did not. */
const struct bm_alert *bm_detail_fatal(const struct bm_connection *c);
/* "10.0.0.1:40112 -> 10.0.0.2:443 (example.org)". */
void bm_detail_who(struct bm_lines *l, const struct bm_connection *c);
/* "TLS 1.2, TLS_RSA_WITH_AES_128_GCM_SHA256". */
void bm_detail_what(struct bm_lines *l, const struct bm_connection *c);

#endif
