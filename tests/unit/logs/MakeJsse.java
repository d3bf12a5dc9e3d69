/* Writes the key generation output of Java 6 to 8 for the TLS 1.2 lines of a key log, with the hex dump encoder of
 * the JDK itself. java --add-exports java.base/sun.security.util=ALL-UNNAMED MakeJsse.java KEYLOG >LOG */
import java.nio.file.*;
import java.util.*;

public class MakeJsse {
	static byte[] hex(String s) {
		return HexFormat.of().parseHex(s);
	}

	static void dump(String title, byte[] bytes) {
		System.out.println(title);
		System.out.println(new sun.security.util.HexDumpEncoder().encodeBuffer(bytes).stripTrailing());
	}

	static void hello(String what, byte[] r) {
		int time = r[0] << 24;
		time += r[1] << 16;
		time += r[2] << 8;
		time += r[3] << 0;
		StringJoiner s = new StringJoiner(", ", "{ ", " }");
		for (int i = 4; i < 32; i++)
			s.add("" + (r[i] & 0xff));
		System.out.println("*** " + what + ", TLSv1.2");
		System.out.println("RandomCookie:  GMT: " + time + " bytes = " + s);
		System.out.println("Session ID:  {}");
		System.out.println("***");
	}

	static byte[] some(Random r, int n) {
		byte[] b = new byte[n];
		r.nextBytes(b);
		return b;
	}

	public static void main(String[] args) throws Exception {
		Random r = new Random(1);
		int[] premasters = {48, 65, 32, 127};
		int n = 0;
		for (String line : Files.readAllLines(Path.of(args[0]))) {
			String[] w = line.split(" ");
			if (!w[0].equals("CLIENT_RANDOM"))
				continue;
			byte[] client = hex(w[1]), server = some(r, 32);
			hello("ClientHello", client);
			System.out.println("main, WRITE: TLSv1.2 Handshake, length = 207");
			hello("ServerHello", server);
			System.out.println("SESSION KEYGEN:");
			dump("PreMaster Secret:", some(r, premasters[n++ % premasters.length]));
			System.out.println("CONNECTION KEYGEN:");
			dump("Client Nonce:", client);
			dump("Server Nonce:", server);
			dump("Master Secret:", hex(w[2]));
			dump("Client MAC write Secret:", some(r, 20));
			dump("Server MAC write Secret:", some(r, 20));
			dump("Client write key:", some(r, 16));
			dump("Server write key:", some(r, 16));
			System.out.println("... no IV derived for this protocol");
			System.out.println("main, WRITE: TLSv1.2 Change Cipher Spec, length = 1");
			System.out.println("%% Cached client session: [Session-" + n + ", TLS_RSA_WITH_AES_128_CBC_SHA]");
		}
	}
}
