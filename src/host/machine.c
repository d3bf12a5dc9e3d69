/* The kernel, the processor, its memory, and the kernel's modules and ciphers, from /proc and /sys.
 */
#include "host/model.h"
#include "host/text.h"

#include <errno.h>

/* Instructions that TLS libraries have assembly for, as /proc/cpuinfo names them (x86, then ARM,
 * POWER and s390x). */
static const char *const crypto_flags[] = {"aes", "pclmulqdq", "vaes", "vpclmulqdq", "sha_ni",
	"gfni", "avx512f", "avx2", "pmull", "sha1", "sha2", "sha3", "sha512", "asimd"};

/* Of modules that are not tainted only these are kept: what knowledge.c speaks of. */
static const char *const odd_modules[] = {"tls", "chtls", "t4_tom", "jool", "jool_siit", "nf_nat",
	"nf_nat_ftp", "nf_nat_sip", "nf_nat_irc", "nf_nat_h323", "nf_nat_pptp", "nf_nat_tftp",
	"nf_nat_amanda"};

static const char *const cipher_names[BM_KERNEL_CIPHERS] = {
	"gcm(aes)", "ccm(aes)", "rfc7539(chacha20,poly1305)"};

/* "key : value", with any blanks. */
static bool
pair(struct bm_view line, struct bm_view *key, struct bm_view *value)
{
	if (!bm_cut(line, ':', key, value))
		return false;
	*key = bm_trim(*key);
	*value = bm_trim(*value);
	return true;
}

static void
take_cpu_flags(struct bm_host *h, struct bm_view flags)
{
	struct bm_cpu *c = &h->machine.cpu;

	for (size_t i = 0; i < sizeof crypto_flags / sizeof *crypto_flags; i++)
		if (bm_has_word(flags, crypto_flags[i]) && c->crypto_count < BM_CPU_FLAGS_MAX)
			c->crypto[c->crypto_count++] = crypto_flags[i];
	c->is_virtual = bm_has_word(flags, "hypervisor");
	c->known = true;
}

static void
take_cpu_line(struct bm_host *h, struct bm_view key, struct bm_view value)
{
	struct bm_cpu *c = &h->machine.cpu;

	if (bm_is(key, "processor")) {
		c->count++;
	} else if ((bm_is(key, "model name") || bm_is(key, "cpu model") || bm_is(key, "cpu")) &&
			   c->model == NULL && value.n != 0) {
		c->model = bm_host_string(h, value);
	} else if ((bm_is(key, "flags") || bm_is(key, "Features")) && !c->known) {
		take_cpu_flags(h, value);
	} else if (bm_is(key, "microcode")) {
		if (c->microcode == NULL)
			c->microcode = bm_host_string(h, value);
		else if (!bm_is(value, c->microcode))
			c->microcodes_differ = true;
	}
}

static void
read_cpu(struct bm_host *h, struct bm_buf *b)
{
	struct bm_view text, line, key, value;

	if (!bm_host_file(h, "proc/cpuinfo", "which instructions TLS libraries use", b))
		return;
	text = bm_buf_view(b);
	while (bm_line(&text, &line))
		if (pair(line, &key, &value))
			take_cpu_line(h, key, value);
}

/* "MCE:  0  0   Machine check exceptions": one number a processor. */
static void
read_interrupts(struct bm_host *h, struct bm_buf *b)
{
	struct bm_view text, line, key, value, word;

	if (!bm_host_file(h, "proc/interrupts", "how many machine checks there were", b))
		return;
	text = bm_buf_view(b);
	while (bm_line(&text, &line)) {
		uint64_t n;
		if (!pair(line, &key, &value) || !bm_is(key, "MCE"))
			continue;
		struct bm_count *c = &h->machine.machine_checks;
		*c = (struct bm_count){true, 0};
		while (bm_word(&value, &word) && bm_number(word, &n) && n <= UINT64_MAX - c->n)
			c->n += n;
		return;
	}
}

static bool
is_odd(struct bm_view name)
{
	for (size_t i = 0; i < sizeof odd_modules / sizeof *odd_modules; i++)
		if (bm_is(name, odd_modules[i]))
			return true;
	return false;
}

/* "tls 155648 0 - Live 0x0000000000000000 (OE)": what is in brackets is its taint. */
static void
take_module(struct bm_host *h, struct bm_view line)
{
	struct bm_machine *m = &h->machine;
	struct bm_view name, word, last = {NULL, 0};

	if (!bm_word(&line, &name))
		return;
	while (bm_word(&line, &word))
		last = word;
	bool tainted = last.n > 2 && last.p[0] == '(' && last.p[last.n - 1] == ')';
	m->has_tls = m->has_tls || bm_is(name, "tls");
	m->has_nat = m->has_nat || bm_is(name, "nf_nat");
	if ((!tainted && !is_odd(name)) || m->module_count == BM_ODD_MODULES_MAX)
		return;
	m->modules[m->module_count++] = (struct bm_module){bm_host_string(h, name),
		tainted ? bm_host_string(h, (struct bm_view){last.p + 1, last.n - 2}) : NULL};
}

static void
read_modules(struct bm_host *h, struct bm_buf *b)
{
	struct bm_view text, line;

	if (!bm_host_file(h, "proc/modules",
			"which modules are loaded: kTLS, translators, drivers from elsewhere", b))
		return;
	h->machine.modules_known = true;
	text = bm_buf_view(b);
	while (bm_line(&text, &line))
		take_module(h, line);
}

static void
keep_cipher(
	struct bm_host *h, struct bm_view name, const struct bm_kernel_cipher *c, struct bm_view driver)
{
	for (size_t i = 0; i < BM_KERNEL_CIPHERS; i++) {
		struct bm_kernel_cipher *best = &h->machine.ciphers[i];
		if (!bm_is(name, cipher_names[i]) ||
			(best->driver != NULL && best->priority >= c->priority))
			continue;
		*best = *c;
		best->name = cipher_names[i];
		best->driver = bm_host_string(h, driver);
	}
}

/* Blocks of "name : gcm(aes)", "driver : generic-gcm-aesni", "priority : 400", "async : yes", with
 * an empty line after each. Of each cipher the kernel takes the one of the highest priority. */
static void
read_ciphers(struct bm_host *h, struct bm_buf *b)
{
	struct bm_view text, line, key, value, name = {NULL, 0}, driver = {NULL, 0};
	struct bm_kernel_cipher c = {.name = NULL};

	if (!bm_host_file(h, "proc/crypto", "which implementation of a cipher the kernel takes", b))
		return;
	text = bm_buf_view(b);
	for (bool more = true; more;) {
		more = bm_line(&text, &line);
		if (!more || bm_trim(line).n == 0) {
			if (driver.n != 0)
				keep_cipher(h, name, &c, driver);
			name = driver = (struct bm_view){NULL, 0};
			c = (struct bm_kernel_cipher){.name = NULL};
		} else if (pair(line, &key, &value)) {
			if (bm_is(key, "name"))
				name = value;
			else if (bm_is(key, "driver"))
				driver = value;
			else if (bm_is(key, "async"))
				c.is_async = bm_is(value, "yes");
			else if (bm_is(key, "priority") && !bm_number(value, &c.priority))
				c.priority = 0;
		}
	}
}

static const char *
below(struct bm_host *h, const char *folder, const char *name, const char *file)
{
	return bm_host_print(h, "%s/%s/%s", folder, name, file);
}

/* A module of memory tells what it corrects: "SECDED", "S4ECD4ED", "None", "Unknown". */
static void
read_modules_of_memory(struct bm_host *h, const char *controller)
{
	struct bm_names names;

	if (bm_root_list(&h->root, controller, 256, &names) != 0)
		return;
	for (size_t i = 0; i < names.n; i++) {
		if (strncmp(names.at[i], "dimm", 4) != 0 && strncmp(names.at[i], "rank", 4) != 0)
			continue;
		const char *mode =
			bm_host_line(h, below(h, controller, names.at[i], "dimm_edac_mode"), NULL);
		if (mode == NULL || strcmp(mode, "Unknown") == 0)
			continue;
		h->machine.ecc_known = true;
		h->machine.ecc = h->machine.ecc || strcmp(mode, "None") != 0;
	}
	bm_names_free(&names);
}

static void
read_memory(struct bm_host *h)
{
	static const char folder[] = "sys/devices/system/edac/mc";
	static const char so[] = "whether memory has error correction, and what it corrected (EDAC)";
	struct bm_machine *m = &h->machine;
	struct bm_names names;
	size_t cap = 0;
	int error = bm_root_list(&h->root, folder, 256, &names);

	if (error != 0) {
		bm_host_unread(h, folder, error, so);
		return;
	}
	for (size_t i = 0; i < names.n; i++) {
		const char *name = names.at[i];
		if (strncmp(name, "mc", 2) != 0 || name[2] < '0' || name[2] > '9' ||
			!bm_host_grow(h, (void **)&m->controllers, &cap, m->controller_count + 1, 256,
				sizeof *m->controllers))
			continue;
		m->controllers[m->controller_count++] =
			(struct bm_memory_controller){.name = bm_host_string(h, bm_view(name, strlen(name))),
				.corrected = bm_host_number(h, below(h, folder, name, "ce_count"), so),
				.uncorrected = bm_host_number(h, below(h, folder, name, "ue_count"), so)};
		read_modules_of_memory(h, below(h, folder, name, ""));
	}
	if (m->controller_count == 0)
		bm_host_unread(h, folder, ENOENT, so);
	bm_names_free(&names);
}

static const char *
read_maker(struct bm_host *h)
{
	const char *vendor = bm_host_line(h, "sys/class/dmi/id/sys_vendor", NULL);
	const char *product = bm_host_line(h, "sys/class/dmi/id/product_name", NULL);
	const char *hypervisor = bm_host_line(h, "sys/hypervisor/type", NULL);

	if (vendor == NULL || product == NULL)
		return vendor != NULL ? vendor : product != NULL ? product : hypervisor;
	return bm_host_print(h, "%s %s", vendor, product);
}

void
bm_machine_read(struct bm_host *h)
{
	/* /proc/interrupts has a column for each processor. */
	struct bm_buf b = {.max = (size_t)8 * BM_HOST_FILE_MAX};
	struct bm_machine *m = &h->machine;

	m->release = bm_host_line(h, "proc/sys/kernel/osrelease", "the kernel's release");
	m->version = bm_host_line(h, "proc/sys/kernel/version", NULL);
	m->tainted = bm_host_number(h, "proc/sys/kernel/tainted", "whether the kernel is tainted");
	m->maker = read_maker(h);
	read_cpu(h, &b);
	read_interrupts(h, &b);
	read_memory(h);
	read_modules(h, &b);
	read_ciphers(h, &b);
	m->ulp =
		bm_host_line(h, "proc/sys/net/ipv4/tcp_available_ulp", "whether TCP can be given to kTLS");
	m->forwarding =
		bm_host_number(h, "proc/sys/net/ipv4/ip_forward", "whether it forwards packets");
	m->tracked = bm_host_number(h, "proc/sys/net/netfilter/nf_conntrack_count", NULL);
	bm_buf_clear(&b);
}
