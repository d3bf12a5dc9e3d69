/* Finds programs. Refuses to know what they are for. */
#include "lab/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH = 4096 };

/* From the folder that badmac itself lies in: installed, and in a build. Nothing depends on where
 * the whole was installed to. */
static const char *const own_places[] = {"../libexec/badmac", "../../lab", "../../lab/peers"};

static bool
is_program(const char *path, int written, size_t n)
{
	return written > 0 && (size_t)written < n && access(path, X_OK) == 0;
}

static bool
beside_badmac(const char *name, char *out, size_t n)
{
	char self[PATH];
	ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);

	if (len <= 0)
		return false;
	self[len] = '\0';
	char *slash = strrchr(self, '/');
	if (slash == NULL)
		return false;
	*slash = '\0';
	for (size_t i = 0; i < sizeof own_places / sizeof own_places[0]; i++)
		if (is_program(out, snprintf(out, n, "%s/%s/%s", self, own_places[i], name), n))
			return true;
	return false;
}

static bool
in_path(const char *name, char *out, size_t n)
{
	const char *path = getenv("PATH"), *end;

	for (; path != NULL && *path != '\0'; path = *end != '\0' ? end + 1 : end) {
		end = path + strcspn(path, ":");
		if (is_program(out, snprintf(out, n, "%.*s/%s", (int)(end - path), path, name), n))
			return true;
	}
	return false;
}

bool
lab_program(const char *name, char *out, size_t n)
{
	if (strchr(name, '/') != NULL)
		return is_program(out, snprintf(out, n, "%s", name), n);
	return (strncmp(name, "badmac-lab-", 11) == 0 && beside_badmac(name, out, n)) ||
		   in_path(name, out, n);
}

bool
lab_is_installed(const char *name)
{
	char path[PATH];

	return lab_program(name, path, sizeof path);
}
