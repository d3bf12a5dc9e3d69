/* Sockets of IPv4 and names, never blocking. */
#ifndef BM_LAB_NET_H
#define BM_LAB_NET_H

#include "lab/base.h"

#include <netinet/in.h>

/* [ADDR:]PORT; without ADDR the loopback. False: a sentence in problem. */
bool lab_address(
	const char *text, bool port_alone, struct sockaddr_in *out, char *problem, size_t n);
/* "127.0.0.1:443" into a buffer of that size. */
enum { LAB_ADDRESS_TEXT = 32 };
void lab_address_text(const struct sockaddr_in *a, char out[LAB_ADDRESS_TEXT]);
/* Listens at *a, which then holds the port it got. Below 0: errno. */
int lab_listen(struct sockaddr_in *a);
/* Begins to connect. Below 0: errno. */
int lab_connect(const struct sockaddr_in *a);
/* What became of it: 0 or an error number. */
int lab_connect_error(int fd);
bool lab_set_up(int fd); /* does not block, is closed by exec, sends at once */
void lab_abort(int fd);  /* closes with a reset */

#endif
