/* Packets of a capture in pieces: which piece holds one, what sentences say of it, and which filter
 * shows it there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "verdict/verdict.h"

static struct bm_arena arena = {.max = 1 << 20};
/* The third can be read only once, and has not been: how many it has is not known. */
static const struct bm_capture_piece item[] = {{"a.pcap", 0, 36}, {"b.pcap", 36, 0},
	{"c.pcap", 36, 4}, {"d.pcap", 40, UINT64_MAX}, {"e.pcap", UINT64_MAX, 7}};
static const struct bm_capture_pieces pieces = {item, 5};

static void
holds(uint64_t packet, const char *name, uint64_t expected)
{
	uint64_t own = 0;
	const struct bm_capture_piece *p = bm_capture_piece_of(&pieces, packet, &own);

	assert_non_null(p);
	assert_string_equal(p->name, name);
	assert_int_equal(own, expected);
}

static void
a_packet_stands_in_one_piece(void **state)
{
	const struct bm_capture_pieces one = {item, 1}, known = {item, 3};
	uint64_t own = 99;

	(void)state;
	holds(1, "a.pcap", 1);
	holds(36, "a.pcap", 36);
	holds(37, "c.pcap", 1); /* the one between is empty */
	holds(40, "c.pcap", 4);
	holds(41, "d.pcap", 1);
	holds(1000000, "d.pcap", 999960);
	assert_null(bm_capture_piece_of(&pieces, 0, &own));
	assert_null(bm_capture_piece_of(&known, 41, &own));
	assert_null(bm_capture_piece_of(&one, 1, &own));
	assert_null(bm_capture_piece_of(NULL, 1, &own));
	assert_int_equal(own, 99);
}

/* What becomes of a sentence, as evidence and as what rules something out. */
static void
says(const char *before, const char *after)
{
	const char *evidence[] = {before};
	struct bm_ruled_out ruled[] = {{.because = before}};
	struct bm_failure f = {.summary = before,
		.evidence = evidence,
		.evidence_count = 1,
		.ruled_out = ruled,
		.ruled_out_count = 1};
	struct bm_connection c = {.pieces = &pieces,
		.failures = &f,
		.failure_count = 1,
		.undecided_because = before,
		.undecided_detail = before};

	assert_int_equal(bm_verdict_pieces(&c, &f, &arena), BM_OK);
	assert_string_equal(f.evidence[0], after);
	assert_string_equal(f.ruled_out[0].because, after);
	assert_string_equal(f.summary, after);
	assert_string_equal(c.undecided_because, after);
	assert_string_equal(c.undecided_detail, after);
	bm_arena_clear(&arena);
}

static void
sentences_name_the_piece(void **state)
{
	(void)state;
	says("packet 38: the server reports bad_record_mac",
		"packet 38 (2 of c.pcap): the server reports bad_record_mac");
	says("the payloads of packets 36 and 37 in each other's place",
		"the payloads of packets 36 (36 of a.pcap) and 37 (1 of c.pcap) in each other's place");
	says("in packets 1, 2, 45", "in packets 1 (1 of a.pcap), 2 (2 of a.pcap), 45 (5 of d.pcap)");
	says("at stream offset 38 (packet 38, 40 octets) and packet 39",
		"at stream offset 38 (packet 38, 2 of c.pcap, 40 octets) and packet 39 (3 of c.pcap)");
}

static void
what_is_no_packet_of_this_capture_stays(void **state)
{
	static const char *const as_it_was[] = {"no packet of the capture carries 38",
		"38 packets of it", "packets are cut to 96 bytes",
		"b.pcap shows other bytes: packet 38 there, at 5", "there packet 38 carries the bytes",
		"readable text: \"GET /packet 38\"", "packet 38.pcap shows the same bytes",
		"packet 18446744073709551615", "packet 38th"};

	(void)state;
	for (size_t i = 0; i < sizeof as_it_was / sizeof *as_it_was; i++)
		says(as_it_was[i], as_it_was[i]);
	/* What another capture's file is called is told behind its packet. */
	says("b.pcap shows other bytes: packet 38 there (1 of packet 38 c.pcap), packet 38",
		"b.pcap shows other bytes: packet 38 there (1 of packet 38 c.pcap), packet 38");
	says("there packet 38 (1 of packet 38 c.pcap) carries the bytes",
		"there packet 38 (1 of packet 38 c.pcap) carries the bytes");
	says("(packet 38): it is that record, of which 3 bytes were others there",
		"(packet 38, 2 of c.pcap): it is that record, of which 3 bytes were others there");
}

/* Redaction has to find the names of captures as they are. */
static void
a_name_that_reads_as_a_packet_stays_whole(void **state)
{
	static const char *const odd[] = {"packet 38 of mine.pcap", "all packets 3 to 4.pcap"},
							 *const plain[] = {
								 "packet.pcap", "packets of 38.pcap", "packet 38.pcap"};

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		const char *const *name = i < 2 ? &odd[i] : &plain[i - 2];
		const char *evidence[] = {"packet 38: it"};
		struct bm_failure f = {.evidence = evidence, .evidence_count = 1};
		struct bm_connection c = {.pieces = &pieces,
			.also_in = name,
			.also_in_count = 1,
			.failures = &f,
			.failure_count = 1};
		assert_int_equal(bm_verdict_pieces(&c, &f, &arena), BM_OK);
		assert_string_equal(f.evidence[0], i < 2 ? "packet 38: it" : "packet 38 (2 of c.pcap): it");
	}
	bm_arena_clear(&arena);
}

/* The lines about packets, put behind one another. */
static const char *
looks(const struct bm_capture_pieces *of, const uint64_t *packets, size_t n, uint64_t damaged)
{
	const struct bm_damage damage = {.packet = damaged, .packet_offset = 62};
	const struct bm_failure out = {.damage = &damage, .damage_count = damaged != 0};
	const struct bm_connection conn = {.pieces = of};
	uint64_t copy[64];
	const struct bm_case c = {.packets = copy, .packet_count = n};
	const char *line[BM_LOOKS_MAX], *all = "";

	memcpy(copy, packets, n * sizeof *packets);
	size_t count = bm_verdict_looks(&c, &conn, &out, &arena, line);
	for (size_t i = 0; i < count; i++)
		all = bm_arena_print(&arena, "%s%s\n", all, line[i]);
	return all;
}

static void
filters_are_of_one_piece(void **state)
{
	const uint64_t last[] = {36, 37}, many[] = {34, 35, 36, 37, 39}, one[] = {38};
	struct bm_capture_piece small[6];
	uint64_t in_each[6];

	(void)state;
	assert_string_equal(looks(&pieces, one, 1, 38),
		"in Wireshark, packet 2 of c.pcap, at offset 62 (0x3e) of its bytes; display filter: "
		"`frame.number == 2`\n");
	assert_string_equal(looks(&pieces, last, 2, 37),
		"in Wireshark, packet 36 of a.pcap, display filter: `frame.number == 36`\n"
		"in Wireshark, packet 1 of c.pcap, at offset 62 (0x3e) of its bytes; display filter: "
		"`frame.number == 1`\n");
	assert_string_equal(looks(&pieces, many, 5, 0),
		"in Wireshark, packets of a.pcap, display filter: `frame.number in {34..36}`\n"
		"in Wireshark, packets of c.pcap, display filter: `frame.number in {1, 3}`\n");
	/* Of one capture nothing is named. */
	assert_string_equal(
		looks(NULL, last, 2, 37), "in Wireshark, display filter: `frame.number in {36..37}`\n");
	assert_string_equal(looks(NULL, one, 1, 38),
		"in Wireshark, at offset 62 (0x3e) of the packet's bytes; display filter: "
		"`frame.number == 38`\n");

	/* Pieces that hold a packet each: what is not told is said to be there. */
	for (uint64_t i = 0; i < 6; i++) {
		small[i] = (struct bm_capture_piece){"s.pcap", i, 1};
		in_each[i] = i + 1;
	}
	const char *all = looks(&(struct bm_capture_pieces){small, 6}, in_each, 6, 0);
	assert_non_null(strstr(all, "`frame.number == 1`, and later ones\n"));
	bm_arena_clear(&arena);
}

/* A filter that leaves packets out says so. */
static void
long_filters_end(void **state)
{
	uint64_t odd[21];

	(void)state;
	for (size_t i = 0; i < 21; i++)
		odd[i] = 2 * i + 1;
	const struct bm_capture_pieces *const of[] = {
		NULL, &(struct bm_capture_pieces){
				  (struct bm_capture_piece[]){{"a.pcap", 0, 60}, {"b.pcap", 60, 1}}, 2}};
	for (size_t i = 0; i < 2; i++) {
		assert_non_null(strstr(looks(of[i], odd, 20, 0), ", 37, 39}`\n"));
		assert_non_null(strstr(looks(of[i], odd, 21, 0), ", 37, 39}`, and later ones\n"));
	}
	bm_arena_clear(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_packet_stands_in_one_piece),
		cmocka_unit_test(sentences_name_the_piece),
		cmocka_unit_test(what_is_no_packet_of_this_capture_stays),
		cmocka_unit_test(a_name_that_reads_as_a_packet_stays_whole),
		cmocka_unit_test(filters_are_of_one_piece),
		cmocka_unit_test(long_filters_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
