/* The statements that put reports into a store. Those of `badmac history` are put together in
 * filter.c. */
#include "store/statements.h"

const char *const bm_store_sql[BM_SQL_COUNT] = {
	[BM_SQL_RUN_FIND] = "SELECT id FROM run WHERE digest = ?",
	[BM_SQL_RUN_ADD] =
		"INSERT INTO run (digest, input, counted, added, badmac, effort, place, result, "
		"connections,"
		" verified, failed, undecided, records_verified, records_failed, records_undecided,"
		" records_plaintext, packets, bytes)"
		" VALUES ('', '', 0, ?, ?, ?, ?, 'undecided', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)",
	[BM_SQL_RUN_FILL] =
		"UPDATE run SET digest = ?, input = ?, result = ?, connections = ?, verified = ?, failed = "
		"?,"
		" undecided = ?, records_verified = ?, records_failed = ?, records_undecided = ?,"
		" records_plaintext = ?, packets = ?, bytes = ?, first_time = ?, last_time = ? WHERE id = "
		"?",
	/* Of several runs over the same input the one that could decide most is counted. */
	[BM_SQL_RUN_COUNT] =
		"UPDATE run SET counted = (id = (SELECT r.id FROM run r WHERE r.input = ?1"
		" ORDER BY r.records_undecided, r.records_verified DESC, r.digest LIMIT 1))"
		" WHERE input = ?1",
	[BM_SQL_CAPTURE_ADD] = "INSERT OR IGNORE INTO capture (run, name) VALUES (?, ?)",
	[BM_SQL_TRAFFIC_ADD] = "INSERT INTO traffic (run, kind, value, connections) VALUES (?, ?, ?, 1)"
						   " ON CONFLICT DO UPDATE SET connections = connections + 1",
	[BM_SQL_CONNECTION_BY_RANDOM] =
		"SELECT s.connection, s.client, s.server, s.client_address FROM connection c"
		" JOIN sighting s ON s.connection = c.id WHERE c.client_random = ? AND s.transport = ?"
		" ORDER BY s.connection",
	/* Between two ends, not over before ?4 and begun by ?5. None has begun longer before it was
	 * over than the longest between them lasted: so an index has both bounds. */
	[BM_SQL_CONNECTION_NEAR] =
		"SELECT s.connection, c.client_random, s.first_time, s.last_time FROM sighting s"
		" CROSS JOIN connection c ON c.id = s.connection WHERE s.client = ?1 AND s.server = ?2 AND"
		" s.transport = ?3 AND s.last_time >= ?4 AND s.first_time <= ?5 AND s.first_time >= ?4 -"
		" coalesce((SELECT l.last_time - l.first_time FROM sighting l WHERE l.client = ?1 AND"
		" l.server = ?2 ORDER BY l.last_time - l.first_time DESC LIMIT 1), 0)"
		" ORDER BY s.connection",
	[BM_SQL_CONNECTION_UNDATED] =
		"SELECT s.connection, c.client_random, s.first_time, s.last_time FROM sighting s"
		" CROSS JOIN connection c ON c.id = s.connection WHERE s.client = ? AND s.server = ? AND"
		" s.transport = ? AND (s.first_time IS NULL OR s.last_time IS NULL) ORDER BY s.connection",
	[BM_SQL_CONNECTION_NAMELESS] =
		"SELECT s.connection, c.client_random, s.first_time, s.last_time FROM connection c"
		" CROSS JOIN sighting s ON s.connection = c.id WHERE c.client_random IS NULL AND s.client ="
		" ? AND s.server = ? AND s.transport = ? ORDER BY s.connection",
	[BM_SQL_NAMELESS_COUNT] =
		"SELECT count(*) FROM (SELECT 1 FROM connection c CROSS JOIN sighting s ON s.connection ="
		" c.id WHERE c.client_random IS NULL LIMIT ?)",
	[BM_SQL_CONNECTION_ADD] = "INSERT INTO connection (client_random) VALUES (?)",
	[BM_SQL_CONNECTION_NAME] =
		"UPDATE connection SET client_random = ? WHERE id = ? AND client_random IS NULL",
	[BM_SQL_CONNECTION_MOVE_SIGHTINGS] = "UPDATE sighting SET connection = ? WHERE connection = ?",
	[BM_SQL_CONNECTION_MOVE_FAILURES] = "UPDATE failure SET connection = ? WHERE connection = ?",
	[BM_SQL_CONNECTION_DROP] = "DELETE FROM connection WHERE id = ?",
	[BM_SQL_SIGHTING_FIND] = "SELECT id FROM sighting WHERE connection = ? AND digest = ?",
	[BM_SQL_SIGHTING_ADD] =
		"INSERT INTO sighting (connection, run, digest, superseded, capture, transport, client, "
		"server,"
		" client_address, server_address, server_name, first_time, last_time, version, "
		"cipher_suite, keys,"
		" resumed, extended_master_secret, encrypt_then_mac, result, records_verified, "
		"records_failed,"
		" records_undecided, capture_gaps, compared, effort, badmac)"
		" VALUES (?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[BM_SQL_SIGHTINGS_OF] = "SELECT id, digest, client, server, first_time, last_time, keys IS NOT "
							"NULL, records_verified, records_undecided,"
							" compared, effort, badmac FROM sighting WHERE connection = ?",
	[BM_SQL_SIGHTING_SUPERSEDE] = "UPDATE sighting SET superseded = ? WHERE id = ?",
	[BM_SQL_FAILURE_ADD] =
		"INSERT INTO failure (sighting, connection, best, time, direction, epoch, sequence_number,"
		" stream_offset, length, packet, packets, cause, confidence, at_fault, party, summary, "
		"proof,"
		" tag_bits, candidates, chance_log2, checksum_as_captured, checksum_as_sent, damage_digest,"
		" damage_record_offset, damage_stream_offset, damage_packet_offset, damage_length, bits, "
		"bit, flip)"
		" VALUES (?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
		"?, ?, ?)",
	[BM_SQL_FAILURES_OF] =
		"SELECT f.id, f.sighting, f.direction, f.epoch, f.sequence_number, f.stream_offset, "
		"f.length,"
		" f.cause, f.confidence, f.damage_digest, s.first_time, s.last_time"
		" FROM failure f JOIN sighting s ON s.id = f.sighting WHERE f.connection = ? ORDER BY f.id",
	[BM_SQL_FAILURE_SET] = "UPDATE failure SET finding = ?, best = ? WHERE id = ?",
	[BM_SQL_DAMAGE_ADD] = "INSERT INTO damage (failure, nth, record_offset, stream_offset, length, "
						  "packet, packet_offset,"
						  " received, sent) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[BM_SQL_EVIDENCE_ADD] = "INSERT INTO evidence (failure, nth, text) VALUES (?, ?, ?)",
	[BM_SQL_FINDINGS_OF] = "SELECT count(*) FROM failure WHERE connection = ? AND best = 1",
	[BM_SQL_TRAFFIC_OF] = "SELECT coalesce(sum(CASE value WHEN ?2 THEN connections END), 0), "
						  "coalesce(sum(connections), 0)"
						  " FROM traffic WHERE run = ?3 AND kind = ?1",
	[BM_SQL_TRAFFIC_ALL] =
		"SELECT coalesce(sum(CASE t.value WHEN ?2 THEN t.connections END), 0),"
		" coalesce(sum(t.connections), 0) FROM traffic t JOIN run r ON r.id = t.run"
		" WHERE r.counted = 1 AND t.kind = ?1 AND (?3 IS NULL OR r.last_time >= ?3)"
		" AND (?4 IS NULL OR r.first_time < ?4)",
};
