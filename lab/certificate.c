/* Has the program openssl make a certificate. Refuses to know which stack shows it. */
#include "lab/certificate.h"

#include "lab/process.h"
#include "lab/program.h"
#include "lab/said.h"

#include <unistd.h>

enum { PATH = 4096, ASK_MS = 30000 };

static bool
path_of(const char *folder, const char *name, char out[PATH])
{
	int n = snprintf(out, PATH, "%s/%s", folder, name);

	return n > 0 && n < PATH;
}

bool
lab_certificate_make(const char *folder, const struct lab_ui *ui)
{
	char key[PATH], crt[PATH], line[LAB_LAST] = "";
	struct bm_buf said = {.p = NULL};

	if (!path_of(folder, "server.key", key) || !path_of(folder, "server.crt", crt)) {
		lab_say(ui, "%s: the name is too long", folder);
		return false;
	}
	/* They may be second names of another folder's, which is left as it is. */
	(void)unlink(key);
	(void)unlink(crt);
	const char *words[] = {"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout",
		key, "-out", crt, "-subj", "/CN=localhost", "-days", "30", "-addext",
		"subjectAltName=DNS:localhost", "-config", "/dev/null", NULL};
	const char *again[] = {"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout",
		key, "-out", crt, "-subj", "/CN=localhost", "-days", "30", NULL};
	if (!lab_is_installed("openssl")) {
		lab_say(ui, "the program openssl is needed to make a certificate, and is not installed");
		return false;
	}
	bool good = lab_ask(words, ASK_MS, &said) || lab_ask(again, ASK_MS, &said);
	lab_said_last(&said, line);
	bm_buf_clear(&said);
	if (!good)
		lab_say(ui, "openssl req: no certificate: %s", line);
	return good;
}

const char *
lab_certificate_lacks(const struct bm_suite *s)
{
	static const struct {
		const char *part, *takes;
	} all[] = {{"_ECDSA_", "a certificate with an ECDSA key"},
		{"_DSS_", "a certificate with a DSA key"},
		{"TLS_ECDH_RSA_", "a certificate with an ECDH key"},
		{"TLS_DH_RSA_", "a certificate with a Diffie-Hellman key"},
		{"_PSK_", "a secret that both ends know beforehand"},
		{"_SRP_", "a password that both ends know beforehand"}};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		if (strstr(s->name, all[i].part) != NULL)
			return all[i].takes;
	return NULL;
}

bool
lab_certificate_take(const char *from, const char *folder)
{
	static const char *const names[] = {"server.key", "server.crt"};

	for (size_t i = 0; i < 2; i++) {
		char there[PATH], here[PATH];
		if (!path_of(from, names[i], there) || !path_of(folder, names[i], here))
			return false;
		(void)unlink(here);
		if (link(there, here) != 0)
			return false;
	}
	return true;
}
