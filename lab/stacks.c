/* How each stack's programs are started and asked. Refuses to know what is done to what they send.
 */
#include "lab/stacks.h"

#include "lab/process.h"
#include "tls/record.h"

#include <stdlib.h>

enum { ASK_MS = 10000 };

const struct lab_stack *const lab_stacks[] = {&lab_openssl, &lab_gnutls, &lab_nss, &lab_mbedtls,
	&lab_wolfssl, &lab_go, &lab_node, &lab_jsse, NULL};

const struct lab_stack *
lab_stack_find(const char *name)
{
	for (const struct lab_stack *const *s = lab_stacks; *s != NULL; s++)
		if (strcmp((*s)->name, name) == 0)
			return *s;
	return NULL;
}

unsigned
lab_version_parse(const char *text)
{
	static const char *const names[] = {
		"1.0", "1", "1_0", "1.1", "1_1", "1.1", "1.2", "1_2", "1.2", "1.3", "1_3", "1.3"};

	if ((text[0] == 'T' || text[0] == 't') && strlen(text) > 3)
		text += 3 + strspn(text + 3, "v ");
	for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(text, names[i]) == 0)
			return BM_TLS10 + i / 3;
	return 0;
}

/* What stands for a word in braces; NULL: no such word. */
static const char *
meaning(const struct lab_stack *s, const char *word, size_t len, const struct lab_setup *setup,
	char *room, size_t n)
{
	static const char every13[] =
		"TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";
	struct bm_view w = bm_view(word, len);

	if (bm_view_equal(w, bm_view("folder", 6)))
		return setup->folder;
	if (bm_view_equal(w, bm_view("version", 7)))
		return s->versions[setup->version - BM_TLS10];
	if (bm_view_equal(w, bm_view("-no_etm", 7)))
		return setup->no_etm ? "-no_etm" : "";
	if (bm_view_equal(w, bm_view("suite", 5)))
		return setup->suite != NULL ? setup->suite->name : "-";
	if (bm_view_equal(w, bm_view("ciphersuites", 12)))
		return setup->suite != NULL && setup->version >= BM_TLS13 ? setup->suite->name : every13;
	if (bm_view_equal(w, bm_view("cipher", 6)))
		return s->cipher(setup, room, n) ? room : NULL;
	if (bm_view_equal(w, bm_view("number", 6))) {
		(void)snprintf(room, n, "%u", setup->suite != NULL ? setup->suite->id : 0u);
		return room;
	}
	(void)snprintf(room, n, "%u", setup->port);
	return bm_view_equal(w, bm_view("port", 4)) ? room : NULL;
}

bool
lab_expand(const struct lab_stack *s, const char *template, const struct lab_setup *setup,
	char *out, size_t n)
{
	size_t at = 0;

	while (*template != '\0') {
		char room[400], one[2] = {*template, '\0'};
		const char *put = one, *end = *template == '{' ? strchr(template, '}') : NULL;
		if (end != NULL)
			put = meaning(s, template + 1, (size_t)(end - template) - 1, setup, room, sizeof room);
		if (put == NULL || at + strlen(put) + 1 > n)
			return false;
		memcpy(out + at, put, strlen(put));
		at += strlen(put);
		template = end != NULL ? end + 1 : template + 1;
	}
	out[at] = '\0';
	return true;
}

static bool
add_words(const struct lab_stack *s, const char *const *w, const struct lab_setup *setup,
	struct lab_words *out, char *problem, size_t n)
{
	for (; *w != NULL && out->n < LAB_WORDS; w++) {
		char word[8192];
		if (!lab_expand(s, *w, setup, word, sizeof word)) {
			(void)snprintf(problem, n, "%s cannot be asked for %s", s->title,
				setup->suite != NULL ? setup->suite->name : *w);
			return false;
		}
		if (word[0] == '\0' && **w != '\0')
			continue;
		out->word[out->n] = strdup(word);
		if (out->word[out->n] == NULL) {
			(void)snprintf(problem, n, "out of memory");
			return false;
		}
		out->n++;
	}
	return true;
}

bool
lab_stack_words(const struct lab_stack *s, bool server, const struct lab_setup *setup,
	struct lab_words *out, char *problem, size_t n)
{
	*out = (struct lab_words){.n = 0};
	if (add_words(s, server ? s->server_words : s->client_words, setup, out, problem, n) &&
		(server || !setup->client_logs || add_words(s, s->client_more, setup, out, problem, n)))
		return true;
	lab_words_clear(out);
	return false;
}

bool
lab_words_make(const struct lab_stack *s, const char *const *list, const struct lab_setup *setup,
	struct lab_words *out, char *problem, size_t n)
{
	*out = (struct lab_words){.n = 0};
	if (add_words(s, list, setup, out, problem, n))
		return true;
	lab_words_clear(out);
	return false;
}

bool
lab_stack_logs(const struct lab_stack *s, bool server, unsigned version)
{
	bool can = server ? s->server_logs : s->client_set != NULL || s->client_more[0] != NULL;

	return can && (s->logs_up_to == 0 || version <= s->logs_up_to);
}

void
lab_words_clear(struct lab_words *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->word[i]);
	*w = (struct lab_words){.n = 0};
}

void
lab_stack_title(const struct lab_stack *s, char *out, size_t n)
{
	struct bm_buf said = {.p = NULL};
	const char *words[4] = {NULL};

	for (size_t i = 0; i < 3 && s->version_words[i] != NULL; i++)
		words[i] = s->version_words[i];
	(void)snprintf(out, n, "%s", s->title);
	if (words[0] != NULL && lab_ask(words, ASK_MS, &said))
		(void)snprintf(
			out, n, "%.*s", (int)strcspn((const char *)said.p, "\r\n"), (const char *)said.p);
	bm_buf_clear(&said);
}
