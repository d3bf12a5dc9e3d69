/* The TLS stacks that the lab can start, as a table. */
#ifndef BM_LAB_STACKS_H
#define BM_LAB_STACKS_H

#include "lab/base.h"
#include "tls/suites.h"

/* What is asked of a stack. */
struct lab_setup {
	const char *folder;           /* has server.key and server.crt */
	unsigned version;             /* BM_TLS10 to BM_TLS13 */
	const struct bm_suite *suite; /* NULL: what the stack likes best */
	bool no_etm;
	unsigned port;
	bool client_logs; /* the server does not */
};

/* Words of a command line; each is freed. */
enum { LAB_WORDS = 40 };
struct lab_words {
	char *word[LAB_WORDS + 1];
	size_t n;
};

enum { LAB_PREPARE = 3 };
struct lab_stack {
	const char *name, *title;
	const char *server, *client; /* programs; NULL: it has no such part here */
	/* Command lines; {WORD} stands for what lab_setup says. NULL ends them. */
	const char *server_words[26], *client_words[20];
	/* To be run before the server, one after the other; an empty one ends them. And the files in
	 * the folder that these would trip over if they are there already. */
	const char *prepare_words[LAB_PREPARE][20], *leftovers[4];
	const char *ready; /* what the server says when it listens */
	/* Where secrets go. The server writes them if it can: by itself, or by this in its environment.
	 * Else the client does, by its environment or by more words. */
	bool server_logs;
	unsigned logs_up_to; /* the newest version whose secrets either can write; 0: all */
	const char *server_set, *client_set, *client_more[3];
	const char *version_words[4]; /* what to ask for its own version */
	/* And for its versions and suites; empty: it is not asked. Behind the words comes the name of a
	 * file that holds suites_file, if there is any. */
	const char *suites_words[6], *suites_file;
	bool openssl_names;      /* it answers with OpenSSL's names, in small letters */
	const char *versions[4]; /* what it calls TLS 1.0 to 1.3, for {version} */
	/* What it calls the suite, for {cipher}. False: it has no name for it. NULL: no {cipher}. */
	bool (*cipher)(const struct lab_setup *s, char *out, size_t n);
	bool speaks_first; /* the client makes no handshake before it has something to say */
	bool answers_once; /* the server gives nothing back before an empty line */
	const char *source_name, *source; /* a program to be put into the folder first, or NULL */
};

bool lab_openssl_cipher(const struct lab_setup *s, char *out, size_t n);
extern const struct lab_stack lab_openssl, lab_gnutls, lab_nss;
extern const struct lab_stack lab_mbedtls, lab_wolfssl;
extern const struct lab_stack lab_go, lab_node, lab_jsse;

extern const struct lab_stack *const lab_stacks[]; /* ends with NULL */
const struct lab_stack *lab_stack_find(const char *name);
/* False: a sentence in problem. */
bool lab_stack_words(const struct lab_stack *s, bool server, const struct lab_setup *setup,
	struct lab_words *out, char *problem, size_t n);
/* With the template alone. */
bool lab_expand(const struct lab_stack *s, const char *template, const struct lab_setup *setup,
	char *out, size_t n);
/* Words of a list that ends with NULL, expanded. False: a sentence in problem. */
bool lab_words_make(const struct lab_stack *s, const char *const *list,
	const struct lab_setup *setup, struct lab_words *out, char *problem, size_t n);
void lab_words_clear(struct lab_words *w);
/* Whether this part of it can write the secrets of that version. */
bool lab_stack_logs(const struct lab_stack *s, bool server, unsigned version);
/* Its first line of --version. */
void lab_stack_title(const struct lab_stack *s, char *out, size_t n);

/* 1.2 or TLS1.2 or tls1_2; 0: none of them. */
unsigned lab_version_parse(const char *text);

#endif
