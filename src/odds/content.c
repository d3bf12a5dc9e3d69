/* Makes something that looks like what is sent. The skew is what matters: in text each octet has a
 * few values and its top bit is 0, and in binary files most words are 0 (Partridge, Hughes and
 * Stone, "Performance of checksums and CRCs over real data", 1995, saw the same in file systems).
 */
#include "odds/content.h"

#include "base/bytes.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

const char *
bm_content_name(enum bm_content_kind kind)
{
	static const char *const names[] = {"ciphertext", "text", "zeros"};

	return names[kind];
}

static const char *const words[] = {"the", "of", "and", "to", "in", "a", "is", "that", "for", "it",
	"was", "on", "are", "as", "with", "they", "be", "at", "one", "have", "this", "from", "or",
	"had", "by", "but", "some", "what", "there", "we", "can", "out", "other", "were", "all", "your",
	"when", "up", "use", "word", "how", "said", "an", "each", "she", "which", "do", "their", "time",
	"if", "will", "way", "about", "many", "then", "them", "would", "write", "like", "so", "these",
	"her", "long", "make", "thing", "see", "him", "two", "has", "look", "more", "day", "could",
	"go", "come", "did", "my", "sound", "no", "most", "number", "who", "over", "know", "water",
	"than", "call", "first", "people", "may", "down", "side", "been", "now", "find", "account",
	"balance", "customer", "order", "status", "pending", "complete", "address", "street", "amount",
	"currency", "invoice", "payment", "session", "service", "response"};

/* Text being put together; the last piece is cut off. */
struct page {
	struct bm_dice *d;
	uint8_t *p;
	size_t n;
};

__attribute__((format(printf, 2, 3))) static void
put(struct page *t, const char *format, ...)
{
	char piece[256];
	va_list ap;

	va_start(ap, format);
	int n = vsnprintf(piece, sizeof piece, format, ap);
	va_end(ap);
	size_t len = n > 0 && (size_t)n < sizeof piece ? (size_t)n : 0;
	if (len > BM_CORPUS - t->n)
		len = BM_CORPUS - t->n;
	memcpy(t->p + t->n, piece, len);
	t->n += len;
}

/* Few words stand for most of a text (Zipf): the product of two draws is small more often. */
static const char *
word(struct page *t)
{
	size_t most = sizeof words / sizeof words[0];

	return words[bm_dice_below(t->d, bm_dice_below(t->d, most) + 1)];
}

static unsigned
pick(struct page *t, size_t n)
{
	return (unsigned)bm_dice_below(t->d, n);
}

static void
prose(struct page *t)
{
	for (unsigned i = 0, n = 20 + pick(t, 60); i < n; i++)
		put(t, "%s%s", word(t), pick(t, 12) == 0 ? ".\n" : " ");
}

static void
request(struct page *t)
{
	put(t, "POST /%s/%s?id=%u HTTP/1.1\r\nHost: %s.example.org\r\nAccept: */*\r\n", word(t),
		word(t), pick(t, 1000000), word(t));
	put(t, "Content-Type: application/json; charset=utf-8\r\nContent-Length: %u\r\n\r\n",
		pick(t, 4000));
}

static void
json(struct page *t)
{
	put(t, "{\"%s\": [", word(t));
	for (unsigned i = 0, n = 1 + pick(t, 12); i < n; i++)
		put(t, "{\"id\": %u, \"%s\": \"%s %s\", \"amount\": %u.%02u, \"open\": %s}, ",
			pick(t, 1000000), word(t), word(t), word(t), pick(t, 10000), pick(t, 100),
			pick(t, 2) == 0 ? "true" : "false");
	put(t, "null]}\r\n");
}

static void
table(struct page *t)
{
	for (unsigned i = 0, n = 5 + pick(t, 20); i < n; i++)
		put(t, "2026-%02u-%02u;%08u;%s;%u,%02u;EUR\n", 1 + pick(t, 12), 1 + pick(t, 28),
			pick(t, 100000000), word(t), pick(t, 5000), pick(t, 100));
}

static void
make_text(struct page *t)
{
	while (t->n < BM_CORPUS) {
		switch (pick(t, 4)) {
		case 0:
			prose(t);
			break;
		case 1:
			request(t);
			break;
		case 2:
			json(t);
			break;
		default:
			table(t);
			break;
		}
	}
}

/* Entries of 64 octets, little-endian as most are: a small number, a length, a time, two flags, a
 * name; of each page some are in use and the rest is 0. */
static void
make_zeros(struct bm_dice *d, uint8_t *p)
{
	enum { ENTRY = 64, PAGE = 4096, ENTRIES = PAGE / ENTRY };
	size_t most = sizeof words / sizeof words[0];

	memset(p, 0, BM_CORPUS);
	for (size_t page = 0; page < BM_CORPUS; page += PAGE) {
		size_t used = bm_dice_below(d, ENTRIES) * 2 / 3;
		for (size_t i = 0; i < used; i++) {
			uint8_t *e = p + page + i * ENTRY;
			uint64_t number = bm_dice_next(d);
			const char *name = words[bm_dice_below(d, most)];
			e[0] = (uint8_t)(number & 0xff);
			e[1] = (uint8_t)(number >> 8 & 0x0f);
			e[8] = (uint8_t)(number >> 16 & 0x3f);
			memcpy(e + 16, &number, 4);
			e[24] = (uint8_t)(number >> 62);
			e[26] = (uint8_t)(number >> 60 & 1);
			memcpy(e + 32, name, strlen(name));
		}
	}
}

void
bm_corpus_make(enum bm_content_kind kind, struct bm_dice *d, uint8_t *out)
{
	struct page t = {d, out, 0};

	switch (kind) {
	case BM_CONTENT_TEXT:
		make_text(&t);
		break;
	case BM_CONTENT_ZEROS:
		make_zeros(d, out);
		break;
	default:
		bm_dice_fill(d, out, BM_CORPUS);
		break;
	}
}
