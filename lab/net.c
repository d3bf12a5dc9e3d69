/* Sockets. Refuses to know what goes through them. */
#include "lab/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

bool
lab_address(const char *text, bool port_alone, struct sockaddr_in *out, char *problem, size_t n)
{
	const char *colon = strrchr(text, ':'), *port = colon != NULL ? colon + 1 : text;
	char host[64] = "127.0.0.1", *end;
	bool good = colon != NULL ? colon != text && (size_t)(colon - text) < sizeof host : port_alone;

	*out = (struct sockaddr_in){.sin_family = AF_INET};
	if (good && colon != NULL) {
		memcpy(host, text, (size_t)(colon - text));
		host[colon - text] = '\0';
		if (strcmp(host, "localhost") == 0)
			memcpy(host, "127.0.0.1", 10);
	}
	unsigned long v = *port >= '0' && *port <= '9' ? strtoul(port, &end, 10) : 65536;
	if (good && v <= 65535 && *end == '\0' && inet_pton(AF_INET, host, &out->sin_addr) == 1) {
		out->sin_port = htons((uint16_t)v);
		return true;
	}
	(void)snprintf(problem, n, "'%s' is no %sADDRESS:PORT (IPv4, in numbers)", text,
		port_alone ? "PORT or " : "");
	return false;
}

void
lab_address_text(const struct sockaddr_in *a, char out[LAB_ADDRESS_TEXT])
{
	char host[INET_ADDRSTRLEN] = "?";

	(void)inet_ntop(AF_INET, &a->sin_addr, host, sizeof host);
	(void)snprintf(out, LAB_ADDRESS_TEXT, "%s:%u", host, (unsigned)ntohs(a->sin_port));
}

bool
lab_set_up(int fd)
{
	int on = 1, flags = fcntl(fd, F_GETFL);

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
		   fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

static int
give_up(int fd)
{
	int error = errno;

	(void)close(fd);
	errno = error;
	return -1;
}

int
lab_listen(struct sockaddr_in *a)
{
	int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t n = sizeof *a;

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 || !lab_set_up(fd) ||
		bind(fd, (const struct sockaddr *)a, sizeof *a) != 0 || listen(fd, 64) != 0 ||
		getsockname(fd, (struct sockaddr *)a, &n) != 0)
		return give_up(fd);
	return fd;
}

int
lab_connect(const struct sockaddr_in *a)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		return -1;
	if (!lab_set_up(fd) ||
		(connect(fd, (const struct sockaddr *)a, sizeof *a) != 0 && errno != EINPROGRESS))
		return give_up(fd);
	return fd;
}

int
lab_connect_error(int fd)
{
	int error = 0;
	socklen_t n = sizeof error;

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) == 0 ? error : errno;
}

void
lab_abort(int fd)
{
	struct linger at_once = {1, 0};

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
	(void)close(fd);
}
