/* The causes that badmac tells apart; docs/OUTPUT.md says what each means. */
#ifndef BM_WHY_CAUSE_H
#define BM_WHY_CAUSE_H

#define BM_CAUSE_LIST(X)                                                                           \
	X(RECORD_WAS_GOOD, "record-was-good")                                                          \
	X(BITS_FLIPPED, "bits-flipped")                                                                \
	X(BYTES_DAMAGED, "bytes-damaged")                                                              \
	X(WORDS_SWAPPED, "words-swapped")                                                              \
	X(TAG_DAMAGED, "tag-damaged")                                                                  \
	X(HEADER_DAMAGED, "header-damaged")                                                            \
	X(STALE_DATA, "stale-data")                                                                    \
	X(RETRANSMISSION_DIFFERS, "retransmission-differs")                                            \
	X(BYTES_MISSING, "bytes-missing")                                                              \
	X(BYTES_INSERTED, "bytes-inserted")                                                            \
	X(PLAINTEXT_INJECTED, "plaintext-injected")                                                    \
	X(RECORDS_INTERLEAVED, "records-interleaved")                                                  \
	X(SEQUENCE_REUSED, "sequence-reused")                                                          \
	X(RECORD_REPLAYED, "record-replayed")                                                          \
	X(RECORDS_REORDERED, "records-reordered")                                                      \
	X(RECORD_MISSING, "record-missing")                                                            \
	X(WRONG_EPOCH, "wrong-epoch")                                                                  \
	X(REFLECTED_RECORD, "reflected-record")                                                        \
	X(FOREIGN_RECORD, "foreign-record")                                                            \
	X(WRONG_KEYS, "wrong-keys")                                                                    \
	X(MAC_CONSTRUCTION, "mac-construction")                                                        \
	X(BAD_PADDING, "bad-padding")                                                                  \
	X(SENDER_MISCOMPUTED, "sender-miscomputed")                                                    \
	X(PLAINTEXT_ALERT, "plaintext-alert")                                                          \
	X(CAPTURE_INCOMPLETE, "capture-incomplete")                                                    \
	X(UNEXPLAINED, "unexplained")

enum bm_cause {
#define BM_CAUSE_ENUM(name, id) BM_CAUSE_##name,
	BM_CAUSE_LIST(BM_CAUSE_ENUM)
#undef BM_CAUSE_ENUM
		BM_CAUSE_COUNT
};

#endif
