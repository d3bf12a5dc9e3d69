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
};

/* Words of a command line; each is freed. */
enum { LAB_WORDS = 40 };
struct lab_words {
	char *word[LAB_WORDS + 1];
	size_t n;
};

struct lab_stack {
	const char *name, *title;
	const char *server, *client; /* programs */
	/* Command lines; {} stands for what lab_setup says. NULL ends them. */
	const char *server_words[26], *client_words[20];
	const char *ready;      /* what the server says when it listens */
	const char *server_set; /* for its environment, or NULL */
	const char *version_words[4];
	const char *suites_words[6];
	/* What the stack calls {cipher}. False: it has no name for it. */
	bool (*cipher)(const struct lab_setup *s, char *out, size_t n);
};

extern const struct lab_stack *const lab_stacks[]; /* ends with NULL */
const struct lab_stack *lab_stack_find(const char *name);
/* False: a sentence in problem. */
bool lab_stack_words(const struct lab_stack *s, bool server, const struct lab_setup *setup,
	struct lab_words *out, char *problem, size_t n);
/* With the template alone. */
bool lab_expand(const struct lab_stack *s, const char *template, const struct lab_setup *setup,
	char *out, size_t n);
void lab_words_clear(struct lab_words *w);
/* Its first line of --version. */
void lab_stack_title(const struct lab_stack *s, char *out, size_t n);

/* 1.2 or TLS1.2 or tls1_2; 0: none of them. */
unsigned lab_version_parse(const char *text);

#endif
