/* What the check of a finding was given otherwise than its receiver had it: enough for somebody
 * else to make that check again. Refuses to know how it was found. */
#ifndef BM_WHY_ALTERED_H
#define BM_WHY_ALTERED_H

#include "packet/packet.h"

/* Inputs of a check, as bits. What of number, epoch, direction and place is another one shows from
 * the values. */
enum bm_input {
	BM_INPUT_BYTES = 1,       /* the damage put right */
	BM_INPUT_NUMBER = 2,      /* sequence number */
	BM_INPUT_EPOCH = 4,       /* keys of another epoch */
	BM_INPUT_DIRECTION = 8,   /* keys of the other direction */
	BM_INPUT_CONNECTION = 16, /* keys of another connection */
	BM_INPUT_DERIVATION = 32, /* keys that were derived in another way, or of another session */
	BM_INPUT_RULE = 64,       /* another rule for the MAC */
	BM_INPUT_PADDING = 128,   /* so many octets of padding, whatever they say */
	BM_INPUT_KEYSTREAM = 256, /* RC4: another place in the keystream */
	BM_INPUT_RECORD = 512     /* another record, which shows where the stream goes on */
};

/* Another rule for the MAC, input by input: the ids of docs/OUTPUT.md, static; NULL (tag_length:
 * 0): as negotiated. */
struct bm_mac_rule {
	const char *order;
	uint64_t tag_length; /* octets */
	const char *mac, *cipher_key, *mac_key, *iv, *nonce, *number, *number_in, *version, *header,
		*length;
};

/* An unknown number in it. */
#define BM_ALTERED_UNKNOWN UINT64_MAX

/* Another record that it takes to show the cause: the same bytes, or the same number. */
struct bm_other_record {
	unsigned direction;
	uint64_t off; /* stream offset; BM_ALTERED_UNKNOWN in DTLS */
	uint64_t packet, seq;
};

enum { BM_SENT_PACKETS_MAX = 16, BM_SESSION_NAME_MAX = 32 };

struct bm_altered {
	bool told;                   /* a check was made; else nothing of the following counts */
	unsigned inputs;             /* enum bm_input */
	unsigned direction;          /* whose keys */
	uint64_t epoch, seq;         /* under which it verifies */
	uint64_t off;                /* of the record that was checked */
	uint64_t packet, packet_off; /* where the header of the failed record stands */
	/* Of another connection: who sends under the keys, and to whom; family 0: not known. */
	struct bm_address sender, receiver;
	/* Or the name of its session in the key material. */
	uint8_t session[BM_SESSION_NAME_MAX];
	size_t session_n;
	const char *rule;            /* in words; static or in the arena */
	struct bm_mac_rule mac_rule; /* of BM_INPUT_RULE: the same as data */
	uint64_t padding;            /* octets */
	/* Of a cipher that chains records: octets of keystream used before, or the IV. */
	uint64_t keystream;
	uint8_t iv[16];
	size_t iv_n;
	const char *capture;                        /* that holds the other bytes */
	uint64_t sent_packets[BM_SENT_PACKETS_MAX]; /* that carry them */
	size_t sent_packet_count;
	uint64_t sent_packet_off; /* in the first of them, where the first run of damage stands right */
	bool has_other;
	struct bm_other_record other;
};

#endif
