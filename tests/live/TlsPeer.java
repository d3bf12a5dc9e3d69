/* A JSSE server, and a client for each command line "connect PORT PROTOCOL SUITE" on standard input.
 * Knows only JSSE; writes down no secrets. */
import java.io.*;
import java.net.*;
import java.security.*;
import java.security.cert.X509Certificate;
import javax.net.ssl.*;

public class TlsPeer {
	static final int[] SIZES = {1, 6, 1000, 200, 4000, 40000, 33};

	static void serve(SSLServerSocket server) {
		while (true) {
			try (SSLSocket s = (SSLSocket) server.accept()) {
				s.setEnabledCipherSuites(s.getSupportedCipherSuites());
				InputStream in = s.getInputStream();
				OutputStream out = s.getOutputStream();
				for (int size : SIZES) {
					out.write(in.readNBytes(size));
					out.flush();
				}
				in.read();
			} catch (IOException e) {
				System.err.println("server: " + e);
			}
		}
	}

	static String connect(SSLContext ctx, int port, String protocol, String suite) throws IOException {
		try (SSLSocket s = (SSLSocket) ctx.getSocketFactory().createSocket("127.0.0.1", port)) {
			s.setTcpNoDelay(true);
			s.setEnabledProtocols(new String[] {protocol});
			s.setEnabledCipherSuites(new String[] {suite});
			InputStream in = s.getInputStream();
			OutputStream out = s.getOutputStream();
			for (int size : SIZES) {
				byte[] b = new byte[size];
				java.util.Arrays.fill(b, (byte) 'j');
				for (int at = 15999; at < size; at += 16000)
					b[at] = '\n';
				b[size - 1] = '\n';
				out.write(b);
				out.flush();
				in.readNBytes(size);
			}
			return s.getSession().getProtocol() + " " + s.getSession().getCipherSuite();
		}
	}

	public static void main(String[] args) throws Exception {
		Security.setProperty("jdk.tls.disabledAlgorithms", "");
		Security.setProperty("jdk.certpath.disabledAlgorithms", "");
		KeyStore store = KeyStore.getInstance("PKCS12");
		try (InputStream in = new FileInputStream(args[0])) {
			store.load(in, "badmac".toCharArray());
		}
		KeyManagerFactory keys = KeyManagerFactory.getInstance("SunX509");
		keys.init(store, "badmac".toCharArray());
		TrustManager all = new X509TrustManager() {
			public void checkClientTrusted(X509Certificate[] c, String a) {}
			public void checkServerTrusted(X509Certificate[] c, String a) {}
			public X509Certificate[] getAcceptedIssuers() { return new X509Certificate[0]; }
		};
		SSLContext ctx = SSLContext.getInstance("TLS");
		ctx.init(keys.getKeyManagers(), new TrustManager[] {all}, null);
		SSLServerSocket server = (SSLServerSocket) ctx.getServerSocketFactory()
			.createServerSocket(0, 16, InetAddress.getByName("127.0.0.1"));
		server.setEnabledProtocols(server.getSupportedProtocols());
		Thread t = new Thread(() -> serve(server));
		t.setDaemon(true);
		t.start();
		System.out.println("port " + server.getLocalPort());
		BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
		for (String l = in.readLine(); l != null; l = in.readLine()) {
			String[] w = l.split(" ");
			try {
				System.out.println("done " + connect(ctx, Integer.parseInt(w[1]), w[2], w[3]));
			} catch (IOException | IllegalArgumentException e) {
				System.out.println("failed " + e);
			}
		}
	}
}
