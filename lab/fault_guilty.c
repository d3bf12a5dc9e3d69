/* Faults of a guilty program, one table for each cause. Refuses to know how they are done. */
#include "lab/guilt.h"

#include "tls/record.h"

static const struct lab_guilt reused[] = {
	{"fork", "two processes write on one SSL after fork()", BM_TLS10, BM_TLS13, LAB_ANY},
	{"child-exit", "a child that ends says close_notify on its parent's SSL", BM_TLS10, BM_TLS13,
		LAB_ANY},
	{"restart", "the sender's count begins at 0 again", BM_TLS11, BM_TLS13, LAB_SEALED}};
static const struct lab_guilt interleaved[] = {
	{"threads", "two threads send halves of their records in turn", BM_TLS10, BM_TLS13, LAB_ANY},
	{"threads-nested", "one thread's record gets between the halves of another's", BM_TLS10,
		BM_TLS13, LAB_ANY}};
static const struct lab_guilt reordered[] = {{"reorder",
	"two threads wrap in one order and send in the other", BM_TLS10, BM_TLS13, LAB_ANY}};
static const struct lab_guilt missing[] = {{"short-write",
	"send() takes a part of a record, and the rest is forgotten", BM_TLS10, BM_TLS13, LAB_ANY}};
static const struct lab_guilt injected[] = {
	{"log-line", "a log's descriptor was closed, and is the socket's when its next line is written",
		BM_TLS10, BM_TLS13, LAB_ANY}};
static const struct lab_guilt inserted[] = {
	{"stale-writer", "the same with octets that are no text", BM_TLS10, BM_TLS13, LAB_ANY},
	{"outer-alert-unknown", "the close_notify of a tunnel gets into the connection in it", BM_TLS10,
		BM_TLS13, LAB_ANY}};
static const struct lab_guilt foreign[] = {
	{"late-shutdown",
		"an SSL says close_notify on a descriptor that is another connection's by now", BM_TLS10,
		BM_TLS13, LAB_ANY},
	{"outer-alert", "the close_notify of a tunnel, whose secrets are in the key log, gets in",
		BM_TLS13, BM_TLS13, LAB_ANY},
	{"stale-keys", "a record is made with the keys of a connection that is over", BM_TLS11,
		BM_TLS13, LAB_SEALED}};
static const struct lab_guilt miscomputed[] = {{"changed-buffer",
	"the content is changed between MAC and encryption", BM_TLS11, BM_TLS13, LAB_SEALED}};
static const struct lab_guilt padded[] = {
	{"padding", "CBC padding whose octets are one too many", BM_TLS11, BM_TLS12, LAB_CBC},
	{"untyped", "nothing but zeros inside, and so no content type", BM_TLS13, BM_TLS13, LAB_ANY}};
static const struct lab_guilt constructed[] = {
	{"mac-inside", "MAC-then-encrypt where encrypt-then-MAC was negotiated", BM_TLS11, BM_TLS12,
		LAB_CBC_ETM},
	{"short-mac", "a MAC of 80 bits", BM_TLS11, BM_TLS12, LAB_CBC},
	{"half-key", "the first half of a key of 256 bits", BM_TLS11, BM_TLS13, LAB_KEY_256},
	{"inner-length", "the length without the tag is what is authenticated", BM_TLS13, BM_TLS13,
		LAB_ANY}};
static const struct lab_guilt reflected[] = {{"other-direction",
	"a record is made with the key of the other direction", BM_TLS11, BM_TLS13, LAB_SEALED}};
static const struct lab_guilt epochs[] = {
	{"handshake-key", "the key of the handshake stays in use", BM_TLS13, BM_TLS13, LAB_ANY},
	{"old-key", "a KeyUpdate is sent, and the key stays", BM_TLS13, BM_TLS13, LAB_ANY}};
static const struct lab_guilt keys[] = {
	{"stale-secret", "keys are made from the master secret of an earlier session", BM_TLS11,
		BM_TLS12, LAB_SEALED},
	{"mixed-log", "all is well but the key log, which has another connection's secret", BM_TLS10,
		BM_TLS12, LAB_ANY}};

const struct lab_fault lab_guilty_reused = {"sequence-reused", {"fork", "child-exit", "restart"},
	"one sequence number serves for two records", 0, 0, false, NULL, reused};
const struct lab_fault lab_guilty_interleaved = {"records-interleaved", {"threads", "nested"},
	"octets of two records are mixed", 0, 0, false, NULL, interleaved};
const struct lab_fault lab_guilty_reordered = {"records-reordered", {"unlocked-send"},
	"records are sent in another order than they were made", 0, 0, false, NULL, reordered};
const struct lab_fault lab_guilty_missing = {"bytes-missing", {"short-write"},
	"a part of a record is never sent", 0, 0, false, NULL, missing};
const struct lab_fault lab_guilty_injected = {"plaintext-injected", {"reused-descriptor"},
	"a log line in the clear", 0, 0, false, NULL, injected};
const struct lab_fault lab_guilty_inserted = {"bytes-inserted",
	{"reused-descriptor", "outer-alert"}, "octets that are none of TLS's, or of another's", 0, 0,
	false, NULL, inserted};
const struct lab_fault lab_guilty_foreign = {"foreign-record",
	{"reused-descriptor", "outer-alert", "stale-keys"}, "a record of another connection", 0, 0,
	false, NULL, foreign};
const struct lab_fault lab_guilty_miscomputed = {"sender-miscomputed", {"changed-buffer"},
	"the MAC is over other content", 0, 0, false, NULL, miscomputed};
const struct lab_fault lab_guilty_padded = {"bad-padding", {"off-by-one", "untyped"},
	"what stands behind the content is wrong, under a MAC that is right", 0, 0, false, NULL,
	padded};
const struct lab_fault lab_guilty_constructed = {"mac-construction",
	{"mac-inside", "truncated", "half-key", "inner-length"}, "the MAC is made by another rule", 0,
	0, false, NULL, constructed};
const struct lab_fault lab_guilty_reflected = {"reflected-record", {"other-direction"},
	"a record under the keys of the other direction", 0, 0, false, NULL, reflected};
const struct lab_fault lab_guilty_epochs = {"wrong-epoch", {"handshake-key", "old-key"},
	"a record under keys of an earlier epoch", 0, 0, false, NULL, epochs};
const struct lab_fault lab_guilty_keys = {"wrong-keys", {"stale-secret", "mixed-log"},
	"the two ends have other keys", 0, 0, false, NULL, keys};
