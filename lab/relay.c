/* Takes in clients, waits for what happens, and writes the files at the end. Refuses to know
 * records. */
#include "lab/relay.h"

#include "lab/connection.h"
#include "lab/truth.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEYS_MAX = 16 << 20, PATH = 4096 };

static bool
file_trouble(const struct lab_relay *r, const char *path)
{
	lab_say(r->ui, "%s: %s", path, strerror(errno));
	return false;
}

static bool
path_in(const struct lab_relay *r, const char *name, char out[PATH])
{
	int n = snprintf(out, PATH, "%s/%s", r->folder, name);

	return n > 0 && n < PATH;
}

static bool
open_files(struct lab_relay *r, const char *folder)
{
	char path[PATH];

	r->folder = strdup(folder);
	if (r->folder == NULL || (mkdir(folder, 0777) != 0 && errno != EEXIST))
		return file_trouble(r, folder);
	errno = ENAMETOOLONG;
	if (!path_in(r, "sender.pcapng", path) || !lab_pcapng_open(&r->sender, path) ||
		!path_in(r, "receiver.pcapng", path) || !lab_pcapng_open(&r->receiver, path))
		return file_trouble(r, folder);
	r->sender.snap = r->receiver.snap = r->shape.snap;
	return true;
}

bool
lab_relay_open(struct lab_relay *r, const char *folder, const char *keys)
{
	char where[LAB_ADDRESS_TEXT];

	r->keys = keys;
	r->fd = lab_listen(&r->listen);
	if (r->fd < 0) {
		lab_address_text(&r->listen, where);
		return file_trouble(r, where);
	}
	r->plan.keeps_truth = folder != NULL;
	return folder == NULL || open_files(r, folder);
}

static bool
take_client(struct lab_relay *r)
{
	struct sockaddr_in from;
	socklen_t n = sizeof from;
	int fd = accept(r->fd, (struct sockaddr *)&from, &n);
	char where[LAB_ADDRESS_TEXT];

	if (fd < 0) {
		/* Out of descriptors: the client waits, and poll would not. */
		if (errno == EMFILE || errno == ENFILE)
			(void)poll(NULL, 0, 50);
		return true;
	}
	struct lab_connection *c = lab_connection_new(r, fd, ntohs(from.sin_port));
	r->accepted++;
	if (c != NULL) {
		r->open[r->open_count++] = c;
		return true;
	}
	if (errno == ENOMEM)
		return file_trouble(r, "relay");
	lab_address_text(&r->to, where);
	r->refused++;
	(void)file_trouble(r, where);
	return true;
}

static struct lab_known
known_of(const struct lab_connection *c)
{
	return (struct lab_known){
		c->tls.version, c->tls.suite, {c->lane[0].received, c->lane[1].received}};
}

bool
lab_relay_knows(const struct lab_relay *r, uint64_t number, struct lab_known *out)
{
	if (number >= LAB_KNOWN)
		return false;
	*out = r->known[number];
	for (size_t i = 0; i < r->open_count; i++)
		if (r->open[i]->number == number)
			*out = known_of(r->open[i]);
	return out->octets[LAB_C2S] != 0;
}

static void
sweep(struct lab_relay *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->open_count; i++) {
		if (r->open[i]->over) {
			if (r->open[i]->number < LAB_KNOWN)
				r->known[r->open[i]->number] = known_of(r->open[i]);
			lab_connection_free(r->open[i]);
			r->ended++;
		} else {
			r->open[kept++] = r->open[i];
		}
	}
	r->open_count = kept;
}

bool
lab_relay_step(struct lab_relay *r, int timeout_ms)
{
	struct pollfd fds[1 + 2 * LAB_CONNECTIONS];
	size_t count = r->open_count;

	fds[0] = (struct pollfd){r->open_count < LAB_CONNECTIONS ? r->fd : -1, POLLIN, 0};
	for (size_t i = 0; i < 2 * count; i++) {
		const struct lab_connection *c = r->open[i / 2];
		short events = lab_connection_events(c, (enum lab_direction)(i % 2));
		/* One that said its last word would wake poll for ever. */
		bool waits = events != 0 || !c->side[i % 2].read_ended;
		fds[1 + i] = (struct pollfd){waits ? c->side[i % 2].fd : -1, events, 0};
	}
	int n = poll(fds, (nfds_t)(1 + 2 * count), timeout_ms);
	if (n < 0 && errno != EINTR)
		return file_trouble(r, "poll");
	if (n <= 0)
		return true;
	for (size_t i = 0; i < 2 * count; i++) {
		if (!lab_connection_happened(
				r, r->open[i / 2], (enum lab_direction)(i % 2), fds[1 + i].revents)) {
			lab_say(r->ui, "relay: no memory for what waits to be passed on");
			r->open[i / 2]->over = true;
		}
	}
	sweep(r);
	return fds[0].revents == 0 || take_client(r);
}

/* The key log as it is now; one that is not there (yet) is empty. */
static bool
read_keys(const struct lab_relay *r, struct bm_buf *out)
{
	uint8_t piece[4096];
	size_t n;

	out->max = KEYS_MAX;
	FILE *f = r->keys != NULL ? fopen(r->keys, "rb") : NULL;
	if (f == NULL)
		return r->keys == NULL || file_trouble(r, r->keys);
	bool good = true;
	while (good && (n = fread(piece, 1, sizeof piece, f)) > 0)
		good = lab_put(out, piece, n);
	good = good && ferror(f) == 0;
	(void)fclose(f);
	bm_wipe(piece, sizeof piece);
	return good || file_trouble(r, r->keys);
}

bool
lab_relay_close(struct lab_relay *r)
{
	struct bm_buf keys = {.p = NULL};
	char path[PATH];

	for (size_t i = 0; i < r->open_count; i++)
		r->open[i]->over = true;
	sweep(r);
	if (r->fd >= 0)
		(void)close(r->fd);
	r->fd = -1;
	if (r->folder == NULL)
		return true;
	bool read = read_keys(r, &keys);
	bool good =
		(lab_pcapng_finish(&r->sender, bm_buf_view(&keys)) || file_trouble(r, r->sender.path)) &&
		(lab_pcapng_finish(&r->receiver, bm_buf_view(&keys)) || file_trouble(r, r->receiver.path));
	bm_buf_wipe(&keys);
	return good && path_in(r, "truth.json", path) &&
		   (lab_truth_write(&r->plan, path) || file_trouble(r, path)) && read;
}

void
lab_relay_clear(struct lab_relay *r)
{
	for (size_t i = 0; i < r->open_count; i++)
		lab_connection_free(r->open[i]);
	r->open_count = 0;
	if (r->fd >= 0)
		(void)close(r->fd);
	r->fd = -1;
	lab_pcapng_close(&r->sender);
	lab_pcapng_close(&r->receiver);
	lab_plan_clear(&r->plan);
	free(r->folder);
	r->folder = NULL;
}

bool
lab_relay_command(const struct lab_relay_options *o, const struct lab_ui *ui)
{
	static struct lab_relay r; /* too large for the stack of some systems */
	char problem[300], where[LAB_ADDRESS_TEXT];

	r = (struct lab_relay){.ui = ui,
		.fd = -1,
		.shape = o->shape,
		.plan = {.specs = o->specs,
			.spec_count = o->spec_count,
			.probability = o->probability,
			.seed = o->seed}};
	if (!lab_address(o->listen, true, &r.listen, problem, sizeof problem) ||
		!lab_address(o->to, false, &r.to, problem, sizeof problem)) {
		lab_say(ui, "%s", problem);
		return false;
	}
	for (size_t i = 0; i < o->spec_count; i++)
		if (o->specs[i].fault->guilt != NULL) {
			lab_say(ui, "%s:how=%s is what a client does, and no relay can; see badmac lab run",
				o->specs[i].fault->cause, o->specs[i].fault->ways[o->specs[i].how]);
			return false;
		}
	lab_catch_signals();
	bool good = lab_relay_open(&r, o->record, o->keys);
	if (good) {
		lab_address_text(&r.listen, where);
		lab_say(ui, "listening on %s", where);
		while (good && !lab_interrupted())
			good = lab_relay_step(&r, 200);
		good = lab_relay_close(&r) && good;
		lab_say(ui, "%llu connections, %u faults put in", (unsigned long long)r.accepted,
			r.plan.struck);
	}
	lab_relay_clear(&r);
	return good;
}
