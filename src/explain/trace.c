/* What a javax.net.debug log has told of each thread's connection so far. Refuses to know what
 * follows from it. */
#include "explain/trace.h"

#include <stdlib.h>

#include "explain/facts.h"
#include "logs/text.h"

enum { SPEAKERS = 64, RECENT = 400 };

struct speaker {
	uint64_t name, heard; /* heard: line; 0: free */
	bool ccs_read;
	uint64_t reads;  /* the place in Java's source that announces records read; 0: not known */
	bool random_due; /* its ClientHello has begun */
	struct bm_trace_facts facts;
};

struct bm_trace {
	struct speaker speakers[SPEAKERS];
	struct speaker *last;
};

struct bm_trace *
bm_trace_new(void)
{
	return calloc(1, sizeof(struct bm_trace));
}

void
bm_trace_free(struct bm_trace *t)
{
	free(t);
}

static struct speaker *
find(struct bm_trace *t, const struct jsse_event *e, uint64_t number)
{
	struct speaker *s = t->speakers;

	/* Session lines of Java 6 to 8 do not say whose they are: the thread's that spoke last. */
	if (e->thread.n == 0 && t->last != NULL)
		return t->last;
	for (size_t i = 0; i < SPEAKERS; i++) {
		struct speaker *c = &t->speakers[i];
		if (c->heard != 0 && c->name == e->speaker) {
			c->heard = number;
			return c;
		}
		if (c->heard < s->heard)
			s = c;
	}
	*s = (struct speaker){.name = e->speaker, .heard = number};
	s->facts.known = true;
	bm_copy_text(s->facts.thread, sizeof s->facts.thread, e->thread);
	return s;
}

/* A connection's counts begin anew; what was set for the thread stays. */
static void
begin_handshake(struct speaker *s)
{
	struct bm_trace_facts *f = &s->facts;

	s->ccs_read = false;
	s->random_due = true;
	f->has_client_random = false;
	f->handshake_shown = true;
	f->read = f->written = f->read_length_count = 0;
	f->alert_length = 0;
	f->invalidated = f->resumed = f->negotiated = f->finished = false;
}

/* The other end's Finished came: what follows is application data. */
static void
end_handshake(struct speaker *s)
{
	struct bm_trace_facts *f = &s->facts;

	s->ccs_read = false;
	f->finished = f->handshake_shown = true;
	f->read = f->written = f->read_length_count = 0;
}

static void
set_role(struct bm_trace_facts *f, enum bm_role role, bool shown)
{
	if (f->role == BM_ROLE_UNKNOWN || (shown && !f->role_shown)) {
		f->role = role;
		f->role_shown = shown;
	}
}

static void
take_length(struct bm_trace_facts *f, uint64_t length)
{
	if (f->read_length_count == BM_TRACE_LENGTHS) {
		memmove(f->read_lengths, f->read_lengths + 1,
			(BM_TRACE_LENGTHS - 1) * sizeof f->read_lengths[0]);
		f->read_length_count--;
	}
	f->read_lengths[f->read_length_count++] = length;
}

static void
take_record(struct speaker *s, const struct jsse_event *e)
{
	struct bm_trace_facts *f = &s->facts;
	bool read = e->what == JSSE_READ;

	if (e->content == JSSE_CONTENT_APPLICATION) {
		/* A client asks first, in every protocol that is under TLS from its first byte. */
		if (f->read + f->written == 0 && !f->handshake_shown)
			set_role(f, read ? BM_ROLE_SERVER : BM_ROLE_CLIENT, false);
		f->read += read;
		f->written += !read;
		if (read)
			take_length(f, e->length);
	}
	if (read) {
		f->opened_line = 0;
		f->last_read = e->content;
		f->last_read_length = e->length;
	} else if (e->content == JSSE_CONTENT_ALERT) {
		f->alert_length = e->length;
	}
	if (read && e->content == JSSE_CONTENT_CCS)
		s->ccs_read = true;
	else if (read && e->content == JSSE_CONTENT_HANDSHAKE && s->ccs_read)
		end_handshake(s);
}

/* Java 11 and later announce each record that they read twice, from two places. */
static bool
is_repeated(struct speaker *s, const struct jsse_event *e)
{
	if (e->what != JSSE_READ || e->place == 0)
		return false;
	if (s->reads == 0)
		s->reads = e->place;
	return s->reads != e->place;
}

static void
take(struct speaker *s, const struct jsse_event *e, uint64_t number)
{
	struct bm_trace_facts *f = &s->facts;

	if (is_repeated(s, e))
		return;

	f->modern = e->modern;
	bool hello = e->what == JSSE_HELLO_SERVER;
	/* Records of TLS 1.3 bear the version of TLS 1.2. */
	if (e->version.n != 0 && (hello || !f->negotiated)) {
		f->negotiated = bm_find_version(e->version, f->version) && hello;
		if (f->version[0] == '\0' && bm_is_version(e->version))
			bm_copy_text(f->version, sizeof f->version, e->version);
	}
	switch (e->what) {
	case JSSE_READ:
	case JSSE_WRITE:
		take_record(s, e);
		break;
	case JSSE_HELLO_CLIENT:
		begin_handshake(s);
		if (e->client_session)
			set_role(f, BM_ROLE_CLIENT, true);
		break;
	case JSSE_FINISHED:
		if (e->modern)
			end_handshake(s);
		break;
	case JSSE_INVALIDATED:
		f->invalidated = true;
		break;
	case JSSE_RESUMING:
		f->resumed = true;
		break;
	case JSSE_CACHED:
		if (e->client_session)
			set_role(f, BM_ROLE_CLIENT, true);
		break;
	case JSSE_OPENED: /* of Java 6 to 8: before the MAC is looked at */
		f->opened_line = number;
		break;
	case JSSE_TIMEOUT:
		f->timeout_ms = e->length;
		break;
	case JSSE_KEY_UPDATE:
		f->key_update = true;
		break;
	default:
		break;
	}
	if (e->text.n != 0 &&
		(e->what == JSSE_INVALIDATED || e->what == JSSE_CACHED || e->what == JSSE_SUITE))
		bm_copy_text(f->suite, sizeof f->suite, e->text);
}

/* It stands in a line of its own within what was said last. */
static bool
take_random(struct bm_trace *t, struct bm_view line)
{
	struct speaker *s = t->last;
	uint8_t random[BM_CLUE_RANDOM];

	if (s == NULL || !s->random_due || !bm_find_java_random(line, random))
		return false;
	memcpy(s->facts.client_random, random, sizeof random);
	s->facts.has_client_random = true;
	s->random_due = false;
	return true;
}

bool
bm_trace_line(struct bm_trace *t, uint64_t number, struct bm_view line, struct jsse_event *e)
{
	if (take_random(t, line) || !jsse_read_event(line, e))
		return false;
	struct speaker *s = find(t, e, number);
	s->heard = number;
	t->last = s;
	take(s, e, number);
	return true;
}

const struct bm_trace_facts *
bm_trace_now(const struct bm_trace *t, uint64_t number)
{
	return t->last != NULL && number - t->last->heard <= RECENT ? &t->last->facts : NULL;
}
