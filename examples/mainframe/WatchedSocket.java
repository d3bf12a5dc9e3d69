/* The TCP socket below a JSSE socket: remembers the hellos, and can be read by two threads at once, or closed under a reader.
 * Knows where records begin; refuses to know any key. */
import java.io.*;
import java.net.*;
import java.util.*;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

class WatchedSocket extends Socket {
	private static final AtomicInteger answers = new AtomicInteger();
	private static final int CHANGE_CIPHER_SPEC = 20, APPLICATION_DATA = 23, LAST_RECORD = 282, TAKEN = 16,
		CLOSING_MS = 300;
	private final Socket plain;
	private final Set<Integer> raced;
	/** What is closed while it reads; null: two threads read instead. */
	volatile Closeable closing;
	/** The first octets each way: a record header, a handshake header, the version and the random. */
	final ByteArrayOutputStream sent = new ByteArrayOutputStream(), received = new ByteArrayOutputStream();

	WatchedSocket(Socket plain, Set<Integer> raced) {
		this.plain = plain;
		this.raced = raced;
	}

	byte[] random(ByteArrayOutputStream hello) {
		return Arrays.copyOfRange(hello.toByteArray(), 11, 43);
	}

	private static void remember(ByteArrayOutputStream to, byte[] b, int off, int n) {
		if (n > 0 && to.size() < 64)
			to.write(b, off, Math.min(n, 64 - to.size()));
	}

	@Override
	public InputStream getInputStream() throws IOException {
		InputStream in = plain.getInputStream();
		if (!raced.isEmpty())
			in = new Raced(in);
		return new FilterInputStream(in) {
			@Override
			public int read(byte[] b, int off, int n) throws IOException {
				int got = super.read(b, off, n);
				remember(received, b, off, got);
				return got;
			}
		};
	}

	@Override
	public OutputStream getOutputStream() throws IOException {
		return new FilterOutputStream(plain.getOutputStream()) {
			@Override
			public void write(byte[] b, int off, int n) throws IOException {
				remember(sent, b, off, n);
				out.write(b, off, n);
			}
		};
	}

	/** Gives what the socket gives, but for the chosen answers: over their last record a second thread, which only
	 * meant to look whether the connection is still alive, takes octets off the socket and gives them back too late. */
	private class Raced extends InputStream {
		private final InputStream in;
		private final ArrayDeque<byte[]> ready = new ArrayDeque<>();
		private int at;
		private long protectedRecords = -1;

		Raced(InputStream in) {
			this.in = in;
		}

		@Override
		public int read() throws IOException {
			byte[] one = new byte[1];
			return read(one, 0, 1) < 0 ? -1 : one[0] & 255;
		}

		@Override
		public int read(byte[] b, int off, int n) throws IOException {
			if (n == 0)
				return 0;
			if (ready.isEmpty() && !fill())
				return -1;
			byte[] first = ready.peek();
			int take = Math.min(n, first.length - at);
			System.arraycopy(first, at, b, off, take);
			at += take;
			if (at == first.length) {
				ready.remove();
				at = 0;
			}
			return take;
		}

		@Override
		public int available() throws IOException {
			return ready.isEmpty() ? in.available() : ready.peek().length - at;
		}

		/** Reads a record. */
		private boolean fill() throws IOException {
			byte[] header = in.readNBytes(5);
			if (header.length == 0)
				return false;
			ready.add(header);
			int length = header.length < 5 ? 0 : (header[3] & 255) << 8 | header[4] & 255;
			if (length == LAST_RECORD && header[0] == APPLICATION_DATA && raced.contains(answers.getAndIncrement()))
				spoil(length);
			else if (length > 0)
				ready.add(in.readNBytes(length));
			if (protectedRecords >= 0 || header[0] == CHANGE_CIPHER_SPEC)
				protectedRecords++;
			return true;
		}

		private void spoil(int length) throws IOException {
			StringBuilder random = new StringBuilder();
			for (byte b : random(sent))
				random.append(String.format("%02x", b));
			System.out.println("fault " + random + " " + protectedRecords);
			if (closing == null)
				race(length);
			else
				close(length);
		}

		/** The record has come, and before the reader has it another thread closes the connection. */
		private void close(int length) throws IOException {
			ready.add(in.readNBytes(length));
			Thread closer = new Thread(() -> {
				try {
					closing.close();
				} catch (IOException e) {
					System.err.println("closing: " + e);
				}
			}, "closer");
			closer.start();
			try {
				closer.join(CLOSING_MS); // it may wait for the reader
			} catch (InterruptedException e) {
				throw new InterruptedIOException();
			}
		}

		private void race(int length) throws IOException {
			CountDownLatch taken = new CountDownLatch(1), gone = new CountDownLatch(1);
			List<byte[]> late = Collections.synchronizedList(new ArrayList<>());
			Thread watcher = new Thread(() -> {
				try {
					late.add(in.readNBytes(TAKEN));
					taken.countDown();
					gone.await(); // the other reader goes first
				} catch (IOException | InterruptedException e) {
					taken.countDown();
				}
			}, "watcher");
			watcher.start();
			try {
				taken.await();
				ready.add(in.readNBytes(length - TAKEN));
				gone.countDown();
				watcher.join();
			} catch (InterruptedException e) {
				throw new InterruptedIOException();
			}
			ready.addAll(late);
		}
	}

	@Override public void close() throws IOException { plain.close(); }
	@Override public boolean isClosed() { return plain.isClosed(); }
	@Override public boolean isConnected() { return plain.isConnected(); }
	@Override public boolean isBound() { return plain.isBound(); }
	@Override public boolean isInputShutdown() { return plain.isInputShutdown(); }
	@Override public boolean isOutputShutdown() { return plain.isOutputShutdown(); }
	@Override public void shutdownInput() throws IOException { plain.shutdownInput(); }
	@Override public void shutdownOutput() throws IOException { plain.shutdownOutput(); }
	@Override public void setSoTimeout(int ms) throws SocketException { plain.setSoTimeout(ms); }
	@Override public int getSoTimeout() throws SocketException { return plain.getSoTimeout(); }
	@Override public void setTcpNoDelay(boolean on) throws SocketException { plain.setTcpNoDelay(on); }
	@Override public boolean getTcpNoDelay() throws SocketException { return plain.getTcpNoDelay(); }
	@Override public InetAddress getInetAddress() { return plain.getInetAddress(); }
	@Override public InetAddress getLocalAddress() { return plain.getLocalAddress(); }
	@Override public int getPort() { return plain.getPort(); }
	@Override public int getLocalPort() { return plain.getLocalPort(); }
	@Override public SocketAddress getRemoteSocketAddress() { return plain.getRemoteSocketAddress(); }
	@Override public SocketAddress getLocalSocketAddress() { return plain.getLocalSocketAddress(); }
}
