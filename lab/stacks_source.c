/* The stacks of languages: Go, Node, Java. Each has a few lines of its own for a server that gives
 * back what it gets, and a client that says what it reads. Refuses to know what is done to what
 * they send. */
#include "lab/process.h"
#include "lab/stacks.h"
#include "tls/record.h"

static const char go_source[] =
	"package main\n"
	"import (\"crypto/tls\"; \"fmt\"; \"io\"; \"net\"; \"os\"; \"strconv\")\n"
	"func number(s string) uint16 { n, _ := strconv.Atoi(s); return uint16(n) }\n"
	"func check(err error) { if err != nil { fmt.Println(\"error:\", err); os.Exit(1) } }\n"
	"func main() {\n"
	"	v := number(os.Args[4])\n"
	"	c := &tls.Config{InsecureSkipVerify: true, MinVersion: v, MaxVersion: v}\n"
	"	if s := number(os.Args[5]); s != 0 { c.CipherSuites = []uint16{s} }\n"
	"	if os.Args[1] == \"client\" {\n"
	"		s, err := tls.Dial(\"tcp\", \"127.0.0.1:\"+os.Args[2], c)\n"
	"		check(err)\n"
	"		go func() { _, err := io.Copy(io.Discard, s); check(err); os.Exit(0) }()\n"
	"		_, err = io.Copy(s, os.Stdin)\n"
	"		check(err)\n"
	"		check(s.Close())\n"
	"		return\n"
	"	}\n"
	"	log, err := os.OpenFile(os.Args[3]+\"/keys.log\", os.O_APPEND|os.O_WRONLY, 0600)\n"
	"	check(err)\n"
	"	c.KeyLogWriter = log\n"
	"	name := os.Args[3] + \"/server\"\n"
	"	pair, err := tls.LoadX509KeyPair(name+\".crt\", name+\".key\")\n"
	"	check(err)\n"
	"	c.Certificates = []tls.Certificate{pair}\n"
	"	l, err := net.Listen(\"tcp\", \"127.0.0.1:\"+os.Args[2])\n"
	"	check(err)\n"
	"	fmt.Println(\"listening\")\n"
	"	for {\n"
	"		raw, err := l.Accept()\n"
	"		check(err)\n"
	"		go func() {\n"
	"			s := tls.Server(raw, c)\n"
	"			if _, err := io.Copy(s, s); err != nil { fmt.Println(\"error:\", err) }\n"
	"			s.Close()\n"
	"		}()\n"
	"	}\n"
	"}\n";

static const char node_source[] =
	"const tls = require('tls'), fs = require('fs');\n"
	"const [role, port, folder, version, ciphers, noEtm] = process.argv.slice(2);\n"
	"const say = e => console.log('error: ' + e.message);\n"
	"const o = {minVersion: version, maxVersion: version, ciphers, rejectUnauthorized: false,\n"
	"	secureOptions: noEtm ? 1 << 19 : 0};\n"
	"const log = l => fs.appendFileSync(folder + '/keys.log', l);\n"
	"if (role === 'server') {\n"
	"	o.key = fs.readFileSync(folder + '/server.key');\n"
	"	o.cert = fs.readFileSync(folder + '/server.crt');\n"
	"	const s = tls.createServer(o, c => {\n"
	"		c.on('data', d => c.write(d));\n"
	"		c.on('error', e => { say(e); c.destroy(); });\n"
	"	});\n"
	"	s.on('tlsClientError', say);\n"
	"	s.on('keylog', log);\n"
	"	s.listen(+port, '127.0.0.1', () => console.log('listening'));\n"
	"} else {\n"
	"	const c = tls.connect({...o, host: '127.0.0.1', port: +port}, () => {\n"
	"		process.stdin.on('data', d => c.write(d));\n"
	"		process.stdin.on('end', () => c.end());\n"
	"	});\n"
	"	c.on('data', () => {});\n"
	"	c.on('error', e => { say(e); process.exit(1); });\n"
	"	c.on('close', () => process.exit());\n"
	"}\n";

static const char jsse_source[] =
	"import java.io.*;\n"
	"import java.nio.file.*;\n"
	"import java.security.*;\n"
	"import java.security.cert.*;\n"
	"import java.security.spec.PKCS8EncodedKeySpec;\n"
	"import java.util.Base64;\n"
	"import javax.net.ssl.*;\n"
	"public class Peer {\n"
	"	static byte[] key(String file) throws Exception {\n"
	"		String text = Files.readString(Path.of(file)).replaceAll(\"-----[A-Z ]+-----\", "
	"\"\");\n"
	"		return Base64.getMimeDecoder().decode(text);\n"
	"	}\n"
	"	static SSLContext context(String folder) throws Exception {\n"
	"		KeyStore store = KeyStore.getInstance(\"PKCS12\");\n"
	"		store.load(null, null);\n"
	"		var spec = new PKCS8EncodedKeySpec(key(folder + \"/server.key\"));\n"
	"		var pair = KeyFactory.getInstance(\"RSA\").generatePrivate(spec);\n"
	"		try (InputStream in = new FileInputStream(folder + \"/server.crt\")) {\n"
	"			var crt = CertificateFactory.getInstance(\"X.509\").generateCertificate(in);\n"
	"			var chain = new java.security.cert.Certificate[] {crt};\n"
	"			store.setKeyEntry(\"lab\", pair, new char[0], chain);\n"
	"		}\n"
	"		KeyManagerFactory keys = KeyManagerFactory.getInstance(\"SunX509\");\n"
	"		keys.init(store, new char[0]);\n"
	"		TrustManager all = new X509TrustManager() {\n"
	"			public void checkClientTrusted(X509Certificate[] c, String a) {}\n"
	"			public void checkServerTrusted(X509Certificate[] c, String a) {}\n"
	"			public X509Certificate[] getAcceptedIssuers() {\n"
	"				return new X509Certificate[0];\n"
	"			}\n"
	"		};\n"
	"		SSLContext ctx = SSLContext.getInstance(\"TLS\");\n"
	"		ctx.init(keys.getKeyManagers(), new TrustManager[] {all}, null);\n"
	"		return ctx;\n"
	"	}\n"
	"	static void echo(InputStream in, OutputStream out) {\n"
	"		byte[] b = new byte[16384];\n"
	"		try {\n"
	"			for (int n; (n = in.read(b)) > 0; out.flush())\n"
	"				out.write(b, 0, n);\n"
	"		} catch (IOException e) {\n"
	"			System.out.println(\"error: \" + e);\n"
	"		}\n"
	"	}\n"
	"	static SSLSocket set(SSLSocket s, String[] a) throws IOException {\n"
	"		s.setEnabledProtocols(new String[] {a[3]});\n"
	"		if (!a[4].equals(\"-\"))\n"
	"			s.setEnabledCipherSuites(new String[] {a[4]});\n"
	"		return s;\n"
	"	}\n"
	"	public static void main(String[] a) throws Exception {\n"
	"		Security.setProperty(\"jdk.tls.disabledAlgorithms\", \"\");\n"
	"		Security.setProperty(\"jdk.certpath.disabledAlgorithms\", \"\");\n"
	"		SSLContext ctx = context(a[2]);\n"
	"		int port = Integer.parseInt(a[1]);\n"
	"		if (a[0].equals(\"client\")) {\n"
	"			var made = ctx.getSocketFactory().createSocket(\"127.0.0.1\", port);\n"
	"			SSLSocket s = set((SSLSocket) made, a);\n"
	"			Thread t = new Thread(() -> {\n"
	"				try (s) { echo(s.getInputStream(), OutputStream.nullOutputStream()); }\n"
	"				catch (IOException e) { System.out.println(\"error: \" + e); }\n"
	"				System.exit(0);\n"
	"			});\n"
	"			s.startHandshake();\n"
	"			t.start();\n"
	"			echo(System.in, s.getOutputStream());\n"
	"			s.shutdownOutput();\n"
	"			return;\n"
	"		}\n"
	"		var here = java.net.InetAddress.getByName(\"127.0.0.1\");\n"
	"		var l = (SSLServerSocket) ctx.getServerSocketFactory().createServerSocket(port, 16, "
	"here);\n"
	"		System.out.println(\"listening\");\n"
	"		while (true) {\n"
	"			SSLSocket s = set((SSLSocket) l.accept(), a);\n"
	"			new Thread(() -> {\n"
	"				try (s) { echo(s.getInputStream(), s.getOutputStream()); }\n"
	"				catch (IOException e) { System.out.println(\"error: \" + e); }\n"
	"			}).start();\n"
	"		}\n"
	"	}\n"
	"}\n";

static const char node_abilities[] =
	"const tls = require('tls');\n"
	"for (const v of ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'])\n"
	"	try {\n"
	"		tls.createSecureContext({minVersion: v, maxVersion: v});\n"
	"		console.log('VERS-TLS' + (v.slice(4) + '.0').slice(0, 3));\n"
	"	} catch (e) {}\n"
	"for (const name of tls.getCiphers())\n"
	"	console.log(name);\n";

/* As Peer does it, also those that are switched off by default. */
static const char jsse_abilities[] =
	"import javax.net.ssl.*;\n"
	"public class Abilities {\n"
	"	public static void main(String[] a) throws Exception {\n"
	"		java.security.Security.setProperty(\"jdk.tls.disabledAlgorithms\", \"\");\n"
	"		SSLParameters all = SSLContext.getDefault().getSupportedSSLParameters();\n"
	"		for (String v : all.getProtocols())\n"
	"			if (v.startsWith(\"TLSv1\"))\n"
	"				System.out.println(\"VERS-TLS\" + (v.substring(4) + \".0\").substring(0, 3));\n"
	"		for (String name : all.getCipherSuites())\n"
	"			System.out.println(name.replaceFirst(\"^SSL_\", \"TLS_\") + \" \");\n"
	"	}\n"
	"}\n";

/* Node has OpenSSL's names in one list. */
static bool
node_cipher(const struct lab_setup *s, char *out, size_t n)
{
	char names[200];

	if (s->suite != NULL && s->version >= BM_TLS13) {
		(void)snprintf(out, n, "%s", s->suite->name);
		return true;
	}
	if (!lab_openssl_cipher(s, names, sizeof names))
		return false;
	(void)snprintf(out, n, "%s%s",
		s->suite == NULL ? "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:" : "", names);
	return true;
}

const struct lab_stack lab_go = {.name = "go",
	.title = "Go crypto/tls",
	.server = "go",
	.client = "go",
	.server_words = {"go", "run", "{folder}/peer.go", "server", "{port}", "{folder}", "{version}",
		"{number}", NULL},
	.client_words = {"go", "run", "{folder}/peer.go", "client", "{port}", "{folder}", "{version}",
		"{number}", NULL},
	.ready = "listening",
	.server_logs = true,
	.version_words = {"go", "version", NULL},
	.versions = {"769", "770", "771", "772"},
	.source_name = "peer.go",
	.source = go_source};

const struct lab_stack lab_node = {.name = "node",
	.title = "Node.js",
	.server = "node",
	.client = "node",
	.server_words = {"node", "{folder}/peer.js", "server", "{port}", "{folder}", "{version}",
		"{cipher}", "{-no_etm}", NULL},
	.client_words = {"node", "{folder}/peer.js", "client", "{port}", "{folder}", "{version}",
		"{cipher}", "{-no_etm}", NULL},
	.ready = "listening",
	.server_logs = true,
	.version_words = {"node", "--version", NULL},
	.suites_words = {"node", "-e", node_abilities, NULL},
	.openssl_names = true,
	.versions = {"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"},
	.cipher = node_cipher,
	.source_name = "peer.js",
	.source = node_source};

/* It writes no keys: its peer has to, or the key exchange is RSA and server.key serves. */
const struct lab_stack lab_jsse = {.name = "jsse",
	.title = "JSSE",
	.server = "java",
	.client = "java",
	.server_words = {"java", "{folder}/Peer.java", "server", "{port}", "{folder}", "{version}",
		"{suite}", NULL},
	.client_words = {"java", "{folder}/Peer.java", "client", "{port}", "{folder}", "{version}",
		"{suite}", NULL},
	.ready = "listening",
	.version_words = {"java", "--version", NULL},
	.suites_words = {"java", "--source", "11", NULL},
	.suites_file = jsse_abilities,
	.versions = {"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"},
	.source_name = "Peer.java",
	.source = jsse_source};
