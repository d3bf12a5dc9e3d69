/* A client as it was written in 2011: SOAP over HttpsURLConnection from a thread pool, connections kept alive and
 * sessions resumed, with the JDK's own debug output on standard error.
 * Newer JDKs print no keys in it, so what those of 2011 printed is added here, in their form. Knows JSSE; refuses to
 * know why a call fails.
 *
 * usage: SoapClient PORT CERTIFICATE CALLS THREADS none|readers|close [ANSWER]...
 * The numbers name the answers, from 0, over whose last record two readers of one socket are made to race, or a reader and
 * a close of the connection. Says "call N OUTCOME" for each, "fault CLIENT-RANDOM SEQUENCE-NUMBER" for each race, "done". */
import java.io.*;
import java.lang.reflect.Method;
import java.net.*;
import java.nio.charset.StandardCharsets;
import java.security.*;
import java.security.cert.CertificateFactory;
import java.util.*;
import java.util.concurrent.*;
import javax.net.ssl.*;

public class SoapClient {
	static final String ENVELOPE = "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\">"
		+ "<soapenv:Body><getRows/></soapenv:Body></soapenv:Envelope>";
	// Records of the request: 321 and 262 octets with their MAC.
	static final int HEAD = 321 - 20, BODY = 262 - 20;

	/** What the factory of the connections sees of each: hellos, and the keys once there are any. */
	static class Factory extends SSLSocketFactory implements HandshakeCompletedListener {
		final SSLSocketFactory jsse;
		final Set<Integer> raced;
		final boolean close;
		final Map<SSLSocket, WatchedSocket> watched = Collections.synchronizedMap(new WeakHashMap<>());

		Factory(SSLSocketFactory jsse, Set<Integer> raced, boolean close) {
			this.jsse = jsse;
			this.raced = raced;
			this.close = close;
		}

		public Socket createSocket(Socket plain, String host, int port, boolean own) throws IOException {
			WatchedSocket w = new WatchedSocket(plain, raced);
			SSLSocket s = (SSLSocket) jsse.createSocket(w, host, port, own);
			w.closing = close ? s : null;
			watched.put(s, w);
			s.addHandshakeCompletedListener(this);
			return s;
		}

		public void handshakeCompleted(HandshakeCompletedEvent e) {
			try {
				WatchedSocket w = watched.get(e.getSocket());
				Method m = e.getSession().getClass().getDeclaredMethod("getMasterSecret");
				m.setAccessible(true);
				byte[] master = ((Key) m.invoke(e.getSession())).getEncoded();
				// In one piece: other threads print too.
				System.err.print("CONNECTION KEYGEN:\nClient Nonce:\n" + dump(w.random(w.sent))
					+ "Server Nonce:\n" + dump(w.random(w.received)) + "Master Secret:\n" + dump(master));
			} catch (ReflectiveOperationException x) {
				System.err.println("no keys: " + x);
			}
		}

		static String dump(byte[] b) {
			StringBuilder s = new StringBuilder();
			for (int at = 0; at < b.length; at += 16) {
				s.append(String.format("%04X: ", at));
				StringBuilder text = new StringBuilder();
				for (int i = at; i < at + 16; i++) {
					s.append(i < b.length ? String.format("%02X ", b[i]) : "   ").append(i == at + 7 ? "  " : "");
					if (i < b.length)
						text.append(b[i] >= 32 && b[i] < 127 ? (char) b[i] : '.');
				}
				s.append(' ').append(text).append('\n');
			}
			return s.toString();
		}

		public String[] getDefaultCipherSuites() { return jsse.getDefaultCipherSuites(); }
		public String[] getSupportedCipherSuites() { return jsse.getSupportedCipherSuites(); }
		public Socket createSocket(String h, int p) { throw new UnsupportedOperationException(); }
		public Socket createSocket(String h, int p, InetAddress l, int lp) { throw new UnsupportedOperationException(); }
		public Socket createSocket(InetAddress h, int p) { throw new UnsupportedOperationException(); }
		public Socket createSocket(InetAddress h, int p, InetAddress l, int lp) { throw new UnsupportedOperationException(); }
	}

	static SSLSocketFactory jsse(String certificate) throws Exception {
		KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
		trusted.load(null, null);
		try (InputStream in = new FileInputStream(certificate)) {
			trusted.setCertificateEntry("mainframe", CertificateFactory.getInstance("X.509").generateCertificate(in));
		}
		TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
		trust.init(trusted);
		SSLContext ctx = SSLContext.getInstance("TLS");
		ctx.init(null, trust.getTrustManagers(), null);
		return ctx.getSocketFactory();
	}

	static String call(URL url, SSLSocketFactory factory) {
		try {
			HttpsURLConnection c = (HttpsURLConnection) url.openConnection();
			c.setSSLSocketFactory(factory);
			c.setRequestMethod("POST");
			c.setDoOutput(true);
			c.setReadTimeout(Integer.getInteger("mainframe.timeout", 30000));
			c.setFixedLengthStreamingMode(BODY);
			String[][] headers = {{"User-Agent", "Axis/1.4"}, {"Accept", "text/xml"}, {"Content-Type", "text/xml; charset=utf-8"},
				{"SOAPAction", "getRows"}, {"X-Caller", ""}};
			int length = ("POST " + url.getPath() + " HTTP/1.1\r\nHost: " + url.getHost() + ":" + url.getPort()
				+ "\r\nConnection: keep-alive\r\nContent-Length: " + BODY + "\r\n\r\n").length();
			for (String[] h : headers)
				length += h[0].length() + h[1].length() + 4;
			headers[4][1] = "0".repeat(Math.max(1, HEAD - length));
			for (String[] h : headers)
				c.setRequestProperty(h[0], h[1]);
			byte[] body = (ENVELOPE + " ".repeat(BODY - ENVELOPE.length())).getBytes(StandardCharsets.US_ASCII);
			try (OutputStream out = c.getOutputStream()) {
				out.write(body);
			}
			try (InputStream in = c.getInputStream()) {
				return "ok " + in.readAllBytes().length;
			}
		} catch (IOException e) {
			return "failed " + e;
		}
	}

	public static void main(String[] args) throws Exception {
		// In 2011 nothing was disabled yet.
		Security.setProperty("jdk.tls.disabledAlgorithms", "");
		Security.setProperty("jdk.tls.legacyAlgorithms", "");
		Security.setProperty("jdk.certpath.disabledAlgorithms", "");
		Set<Integer> raced = new HashSet<>();
		for (int i = 5; i < args.length; i++)
			raced.add(Integer.valueOf(args[i]));
		Factory factory = new Factory(jsse(args[1]), raced, args[4].equals("close"));
		URL url = new URL("https://localhost:" + args[0] + "/cics/services/rows");
		ExecutorService pool = Executors.newFixedThreadPool(Integer.parseInt(args[3]));
		for (int n = 0; n < Integer.parseInt(args[2]); n++) {
			int number = n;
			pool.execute(() -> System.out.println("call " + number + " " + call(url, factory)));
		}
		pool.shutdown();
		pool.awaitTermination(10, TimeUnit.MINUTES);
		Thread.sleep(200); // for listeners of handshakes
		System.out.println("done");
	}
}
