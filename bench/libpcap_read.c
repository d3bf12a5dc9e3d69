/* Reads all packets of a capture with libpcap and looks at the first octet of each: the least that
 * any tool on top of it does. */
#include <pcap/pcap.h>
#include <stdio.h>

int
main(int argc, char **argv)
{
	char error[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *h;
	const u_char *bytes;
	unsigned long packets = 0, octets = 0;
	unsigned sum = 0;
	int status;

	if (argc != 2) {
		fputs("usage: libpcap-read CAPTURE\n", stderr);
		return 2;
	}
	pcap_t *p = pcap_open_offline(argv[1], error);
	if (p == NULL) {
		fprintf(stderr, "libpcap-read: %s\n", error);
		return 1;
	}
	while ((status = pcap_next_ex(p, &h, &bytes)) == 1) {
		packets++;
		octets += h->caplen;
		sum += bytes[0];
	}
	if (status == PCAP_ERROR)
		fprintf(stderr, "libpcap-read: %s\n", pcap_geterr(p));
	printf("%lu packets, %lu octets, %u\n", packets, octets, sum);
	pcap_close(p);
	return status == PCAP_ERROR;
}
