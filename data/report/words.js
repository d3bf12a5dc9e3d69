/* What the ids of a diagnosis mean, in plain words. Knows docs/OUTPUT.md; refuses to know any one report. */
'use strict';

const PARTIES = [
	'sender-application',
	'sender-tls',
	'sender-host',
	'network',
	'receiver-host',
	'receiver-tls',
	'receiver-application',
	'configuration',
	'capture',
];

const PARTY_WORDS = {
	application: ['program', 'threads or processes that share a connection, buffers changed while in use'],
	tls: ['TLS library', 'or the proxy that ends TLS for it'],
	host: ['host', 'its kernel, network card, memory'],
	network: ['the network', 'everything between the two hosts: switches, middleboxes, tunnels'],
	configuration: ['configuration', 'keys, certificates or versions that do not fit together, or the keys given to badmac'],
	capture: ['the capture', 'what was recorded, not what was sent'],
};

const RESULT_WORDS = { failed: 'Failed', undecided: 'Undecided', verified: 'Verified' };

const CONFIDENCE_WORDS = {
	proven: [
		'Proven',
		'A check succeeds with one input altered and a coincidence is practically excluded, or the fact can be read off the wire.',
	],
	supported: ['Supported', 'The evidence points there; something else could still look the same.'],
	possible: ['Possible', 'Nothing contradicts it, and little speaks for it.'],
};

const CAUSE_WORDS = {
	'record-was-good': 'The record is good as captured; its receiver rejected it all the same.',
	'bits-flipped': 'A few bits changed on the way.',
	'bytes-damaged': 'A run of bytes changed on the way.',
	'words-swapped': 'Words changed places, which no TCP checksum notices.',
	'tag-damaged': 'Only the authentication tag (MAC) changed.',
	'header-damaged': 'The record’s header changed: its type, version or length.',
	'stale-data': 'Old data was written over a part of the record.',
	'retransmission-differs': 'TCP sent the same bytes twice, and the two copies differ.',
	'bytes-missing': 'Bytes that were sent never arrived.',
	'bytes-inserted': 'Bytes arrived that do not belong to the record.',
	'plaintext-injected': 'Somebody wrote readable text into the encrypted stream.',
	'records-interleaved': 'The bytes of two records are mixed.',
	'sequence-reused': 'Two writers used one connection’s keys.',
	'record-replayed': 'The same record arrived twice.',
	'records-reordered': 'Records arrived in another order than they were made.',
	'record-missing': 'A record was made and never arrived.',
	'wrong-epoch': 'The record was made with an earlier or later set of keys.',
	'reflected-record': 'The record came back to the one who sent it.',
	'foreign-record': 'The record belongs to another connection.',
	'wrong-keys': 'The keys do not fit the connection.',
	'mac-construction': 'The sender builds the MAC by another rule.',
	'bad-padding': 'The MAC is right, the padding is not.',
	'sender-miscomputed': 'The sender computed the MAC wrong.',
	'plaintext-alert': 'An alert came in the clear where TLS 1.3 protects everything.',
	'capture-incomplete': 'The capture lacks packets; in what it has nothing is wrong.',
	unexplained: 'The record fails, and nothing that was tried explains it.',
};

/* How each method finds its answer, and what a sceptic does to see it again. */
const METHOD_WORDS = {
	'copy-choice': [
		'The stream holds more than one copy of some bytes. Each choice among the copies was put in; with one of them the tag matches.',
		'Put the other copy’s bytes into the record and check its tag at the same sequence number.',
	],
	'sequence-search': [
		'The record was left as it is, and the sequence number that its receiver expected was altered.',
		'Check the record as captured at the other sequence number, with the same keys.',
	],
	'key-search': [
		'The record was left as it is, and checked with other keys that are known.',
		'Check the record as captured with the keys that the evidence names.',
	],
	'header-search': [
		'Type, version and length of the record’s header were altered, the rest was left as it is.',
		'Put the other header in front of the same body and check the tag.',
	],
	'cut-search': [
		'A run of bytes was taken out, at every place where one fits.',
		'Cut the run out of the stream, join what is left, and check the record.',
	],
	resynchronisation: [
		'The bytes behind the fault were searched for the next record that verifies. Where it stands, and which number it has, shows what went wrong before it.',
		'Check the next record at the place and number that the evidence names.',
	],
	'verified-as-captured': [
		'Nothing was altered: the record verifies exactly as it was captured.',
		'Check the record as captured, at the number that its receiver expected.',
	],
	'keystream-search': [
		'The record was left as it is, and decrypted with keystream from other places.',
		'Decrypt it with RC4 keystream from the place that the evidence names, and check its MAC.',
	],
	'padding-search': [
		'Other lengths and values of padding were tried under the same MAC.',
		'Compute the MAC over the content without that padding.',
	],
	'rule-search': [
		'Other rules for making the MAC were tried, one by one and in pairs.',
		'Compute the MAC by the rule that the evidence names.',
	],
	'repeat-statistics': [
		'No key is needed: ciphertext looks random, so a long run of it never stands twice, or has one value, by chance.',
		'Find the same run at the other place, and count how many places were compared.',
	],
	'other-capture': [
		'Another capture holds other bytes for the same stretch of the stream; with those the record verifies.',
		'Take the record’s bytes from the other capture and check its tag.',
	],
	'other-record': [
		'The record came once more, whole, and verifies where the damaged one was expected; the two share their MAC, or all but that. What differs is what was damaged.',
		'Check the other record at the sequence number that was expected here, and compare the two octet by octet.',
	],
	'exchange-search': [
		'Two segments’ payloads were put into each other’s place.',
		'Exchange the payloads of the two packets and check the record.',
	],
	'tag-search': [
		'Bytes were altered, and the whole tag was computed anew for each candidate.',
		'Put the bytes of “sent” in place of those of “received” and check the tag.',
	],
	'nonce-count': [
		'No key is needed: the explicit nonces of this direction count up by one, and here one does not.',
		'Read the nonces of the records before and behind, and compare.',
	],
	'ghash-syndrome': [
		'AES-GCM’s tag is linear: the difference between the tag that arrived and the one computed depends on the damage alone. For each block that difference tells which change would explain it; only a small change is accepted.',
		'Put the bytes of “sent” in place of those of “received” and compute the GCM tag: it equals the one that arrived.',
	],
	'poly1305-difference': [
		'Poly1305 is a sum modulo 2^130 − 5: the difference between the tag that arrived and the one computed tells, for each block, which change would explain it; only a small change is accepted.',
		'Put the bytes of “sent” in place of those of “received” and compute the Poly1305 tag: it equals the one that arrived.',
	],
	'ccm-meeting': [
		'CCM’s chain was computed from the front and, backwards from the tag, from the end. The two meet at the damaged block.',
		'Put the bytes of “sent” in place of those of “received” and compute the CCM tag: it equals the one that arrived.',
	],
	'hmac-search': [
		'An HMAC gives no hint, so changes were tried one after the other, likeliest first, until the MAC matched.',
		'Put the bytes of “sent” in place of those of “received”, decrypt, and compute the HMAC: it equals the one that arrived.',
	],
};

/* What a check was given otherwise than its receiver had it. */
const INPUT_WORDS = {
	bytes: 'the bytes that differ, put right',
	sequence_number: 'the sequence number',
	epoch: 'the epoch',
	direction: 'the keys of the other direction',
	connection: 'the keys of another connection',
	derivation: 'how the keys are derived',
	rule: 'the rule for the MAC',
	padding: 'the length of the padding',
	keystream: 'the place in the keystream',
	record: 'another record, which shows where the stream goes on',
};

const CHECKSUM_WORDS = {
	valid: 'valid',
	invalid: 'invalid',
	offloaded: 'not filled in yet when it was captured (offloaded)',
};

/* What it means which bytes the checksum fits; of what was good when it left the sender only a box on the way remains. */
function checksumMeaning(checksum, parties) {
	const now = checksum.as_captured,
		then = checksum.as_sent;
	if (now === 'valid' && then === 'invalid' && !parties.some((p) => p.startsWith('sender')))
		return 'It fits the damaged bytes only: a box on the way that makes it anew damaged them.';
	if (now === 'valid' && then === 'invalid')
		return 'It fits the damaged bytes only: they were damaged before the sender made the sum, or by a box on the way that makes it anew.';
	if (now === 'valid' && then === 'valid') return 'It fits both: damaged on the way, and the 16-bit sum did not notice.';
	if (now === 'invalid' && then === 'valid')
		return 'It fits what was sent only: damaged on the wire or after it, and the receiving host did not check.';
	return null;
}

const STATES = ['verified', 'failed', 'undecided', 'plaintext'];
const TYPE_WORDS = {
	20: 'ChangeCipherSpec',
	21: 'Alert',
	22: 'Handshake',
	23: 'Application data',
	24: 'Heartbeat',
	25: 'Record with connection id',
	26: 'ACK',
};
const EVENT_WORDS = {
	handshake: 'Handshake',
	key_update: 'KeyUpdate',
	change_cipher_spec: 'ChangeCipherSpec',
	alert: 'Alert',
	retransmission: 'Retransmission',
	differing_copy: 'Differing copy',
	bad_checksum: 'Bad checksum',
	gap: 'Gap in the capture',
	end: 'End',
};

const SURE_WORDS = {
	certain: 'certain',
	likely: 'likely',
	possible: 'possible',
	several: 'one of several',
	none: 'not tied to anything',
};

/* Of one direction, who is who. */
function ends(direction) {
	return direction === 'client_to_server'
		? { sender: 'client', receiver: 'server' }
		: { sender: 'server', receiver: 'client' };
}

function directionWords(direction) {
	return direction === 'client_to_server' ? 'client to server' : 'server to client';
}

/* [name, what it takes in] of a party, with client and server in place of sender and receiver. */
function partyWords(party, direction) {
	const cut = party.indexOf('-');
	const words = PARTY_WORDS[cut < 0 ? party : party.slice(cut + 1)];
	if (!words) return [party, ''];
	const end = ends(direction)[party.slice(0, cut)];
	return cut < 0 || !end ? words : [`the ${end}’s ${words[0]}`, words[1]];
}
