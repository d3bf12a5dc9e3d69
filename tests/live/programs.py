"""Servers that people run, on loopback: how each is started, and where it logs.
Knows their configuration; refuses to know what badmac makes of their logs."""
import os
import re
import shutil
import socket
import subprocess
import threading
import time

import stacks

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Where script/unpack put what is not installed; what is installed elsewhere does as well.
PREFIX = os.environ.get("BADMAC_PROGRAMS", os.path.join(ROOT, "build-programs"))


def inside(*parts):
    return os.path.join(PREFIX, *parts)


def find(name):
    """The program, or None."""
    # PostgreSQL's own before what Debian wraps around them, which wants more modules.
    for folder in (inside("usr/lib/postgresql/15/bin"), "/usr/lib/postgresql/15/bin", inside("usr/sbin"), inside("usr/bin"),
                   "/usr/sbin", "/usr/bin"):
        if os.access(os.path.join(folder, name), os.X_OK):
            return os.path.join(folder, name)
    return shutil.which(name)


def environment():
    """Libraries and modules of what was unpacked."""
    triplet = "%s-linux-gnu" % os.uname().machine
    folders = [inside("usr/lib", triplet), inside("lib", triplet)]
    return dict(os.environ, LD_LIBRARY_PATH=":".join(folders), PYTHONPATH=inside("usr/lib/python3/dist-packages"),
                RUBYLIB=":".join([inside("usr/lib/ruby/3.1.0"), inside("usr/lib", triplet, "ruby/3.1.0"),
                                  inside("usr/lib/ruby/vendor_ruby")]),
                PERL5LIB=":".join([inside("usr/share/perl5"), inside("usr/lib", triplet, "perl5/5.36"),
                                   inside("usr/share/perl/5.36"), inside("usr/lib", triplet, "perl/5.36")]),
                LC_ALL="C", LANGUAGE="C")


NOBODY = 65534


def as_nobody():
    """For what will not be root."""
    return ["setpriv", "--reuid", str(NOBODY), "--clear-groups", "--"] if os.geteuid() == 0 else []


def echo(port):
    """Gives back what comes, to whoever comes."""
    def one(conn):
        with conn:
            try:
                while True:
                    b = conn.recv(65536)
                    if not b:
                        return
                    conn.sendall(b)
            except OSError:
                pass
    with socket.create_server(("127.0.0.1", port)) as listener:
        while True:
            threading.Thread(target=one, args=(listener.accept()[0],), daemon=True).start()


def read(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except OSError:
        return b""


class Server:
    """A program that serves until the end, and the file it logs to (its output, if it has none)."""

    name = needs = None

    def __init__(self, lab):
        self.lab, self.port = lab, stacks.free_port()
        self.file = None
        self.process = self.begin()
        stacks.wait_for_port(self.port, timeout=30)

    def path(self, name):
        return self.lab.path(self.name + "-" + name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="ascii") as f:
            f.write(text % {"dir": self.lab.dir, "port": self.port, "name": self.name, "prefix": PREFIX})
        return self.path(name)

    def start(self, *argv):
        return self.lab.start(*argv, env=environment())

    def log(self):
        return self.process.out if self.file is None else read(self.file)

    def since(self, mark, pattern=None, seconds=3):
        """What it logged from there on, as soon as the pattern is in it."""
        end = time.monotonic() + seconds
        while pattern is not None and not re.search(pattern, self.log()[mark:]) and time.monotonic() < end:
            time.sleep(0.02)
        return self.log()[mark:]

    def begin(self):
        raise NotImplementedError


class Nginx(Server):
    name = needs = "nginx"
    level = "info"

    def begin(self):
        self.file = self.path("error.log")
        folders = "".join("%s_temp_path %s/%s-temp;\n" % (t, "%(dir)s", t)
                          for t in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        conf = self.write("conf", "daemon off; master_process off; pid %(dir)s/%(name)s.pid;\n"
                          "error_log %(dir)s/%(name)s-error.log " + self.level + ";\nevents { worker_connections 64; }\n"
                          "http { access_log off; keepalive_timeout 5s;\n" + folders +
                          "server { listen 127.0.0.1:%(port)d ssl; ssl_certificate %(dir)s/rsa.crt;\n"
                          "ssl_certificate_key %(dir)s/rsa.key; ssl_protocols TLSv1.2 TLSv1.3;\n"
                          "location / { return 200 \"all is well, and this is all of it\\n\"; } } }\n")
        return self.start(find("nginx"), "-c", conf, "-p", self.lab.dir, "-e", self.file)


class NginxDebug(Nginx):
    name, level = "nginx-debug", "debug"


class Haproxy(Server):
    name = needs = "haproxy"

    def begin(self):
        with open(self.lab.path("both.pem"), "wb") as out:
            for part in ("rsa.crt", "rsa.key"):
                with open(self.lab.path(part), "rb") as f:
                    out.write(f.read())
        conf = self.write("conf", "global\n log stdout format raw local0 debug\n maxconn 32\n"
                          "defaults\n mode http\n log global\n option httpslog\n"
                          " error-log-format \"%%ci:%%cp [%%tr] %%ft/%%b: %%[fc_err_str] %%[ssl_fc_err_str]\"\n"
                          " timeout client 3s\n timeout server 3s\n"
                          " timeout connect 3s\nfrontend https\n bind 127.0.0.1:%(port)d ssl crt %(dir)s/both.pem\n"
                          " http-request return status 200 content-type text/plain string \"all is well\"\n")
        return self.start(find("haproxy"), "-f", conf, "-db")


class Apache(Server):
    name = "apache"
    needs = "apache2"

    def begin(self):
        self.file = self.path("error.log")
        os.chmod(self.lab.dir, 0o711)  # for the user that its children become
        modules = inside("usr/lib/apache2/modules")
        if not os.path.isdir(modules):
            modules = "/usr/lib/apache2/modules"
        os.makedirs(self.path("docs"), exist_ok=True)
        with open(os.path.join(self.path("docs"), "index.html"), "w", encoding="ascii") as f:
            f.write("all is well\n")
        loads = "".join("LoadModule %s_module %s/mod_%s.so\n" % (m, modules, m)
                        for m in ("mpm_event", "authz_core", "dir", "socache_shmcb", "ssl"))
        conf = self.write("conf", loads + "ServerRoot %(dir)s\nServerName localhost\nPidFile %(dir)s/apache.pid\n"
                          "DefaultRuntimeDir %(dir)s\nErrorLog %(dir)s/apache-error.log\nLogLevel info ssl:debug\n"
                          "StartServers 1\nServerLimit 1\nThreadsPerChild 8\nMaxRequestWorkers 8\nMinSpareThreads 1\n"
                          "MaxSpareThreads 8\nUser #65534\nGroup #65534\n"
                          "Listen 127.0.0.1:%(port)d\nSSLSessionCache none\nSSLEngine on\nSSLProtocol all\n"
                          "SSLCertificateFile %(dir)s/rsa.crt\nSSLCertificateKeyFile %(dir)s/rsa.key\n"
                          "DocumentRoot %(dir)s/apache-docs\n<Directory %(dir)s/apache-docs>\nRequire all granted\n</Directory>\n")
        return self.start(find("apache2"), "-f", conf, "-DFOREGROUND")


class Redis(Server):
    name = "redis"
    needs = "redis-server"

    def begin(self):
        self.file = self.path("server.log")
        return self.start(find("redis-server"), "--port", "0", "--tls-port", str(self.port), "--bind", "127.0.0.1",
                          "--tls-cert-file", "rsa.crt", "--tls-key-file", "rsa.key", "--tls-ca-cert-file", "rsa.crt",
                          "--tls-auth-clients", "no", "--loglevel", "verbose", "--save", "", "--logfile", self.file)


class Postgres(Server):
    name = "postgres"
    needs = "initdb"

    def begin(self):
        user = NOBODY if os.geteuid() == 0 else os.geteuid()
        data, quiet = self.path("data"), {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        os.chmod(self.lab.dir, 0o711)
        os.makedirs(data)
        os.chown(data, user, -1)
        share = inside("usr/share/postgresql/15")
        more = ["-L", share] if os.path.isdir(share) else []
        subprocess.run([*as_nobody(), find("initdb"), "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "--no-locale", *more],
                       check=True, env=environment(), cwd="/", **quiet)
        for part in ("rsa.crt", "rsa.key"):
            shutil.copy(self.lab.path(part), os.path.join(data, part))
            os.chmod(os.path.join(data, part), 0o600)
            os.chown(os.path.join(data, part), user, -1)
        with open(os.path.join(data, "postgresql.conf"), "a", encoding="ascii") as f:
            f.write("port=%d\nlisten_addresses='127.0.0.1'\nunix_socket_directories=''\nssl=on\nssl_cert_file='rsa.crt'\n"
                    "ssl_key_file='rsa.key'\nfsync=off\nshared_buffers=1MB\nlog_connections=on\nmax_connections=10\njit=off\n"
                    "log_line_prefix='%%m [%%p] %%r %%u@%%d '\n" % self.port)
        os.chmod(self.lab.path("rsa.p12"), 0o600)
        return self.start(*as_nobody(), find("postgres"), "-D", data)


class Stunnel(Server):
    """A pair of them: plain text goes into the one and comes out of the other. `port` is of the one that serves TLS."""

    name = "stunnel"
    needs = "stunnel4"
    level = 5

    def begin(self):
        self.echo = stacks.free_port()
        threading.Thread(target=echo, args=(self.echo,), daemon=True).start()
        self.file = self.path("server.log")
        conf = self.write("conf", "foreground = yes\npid =\ndebug = %d\noutput = %%(dir)s/%%(name)s-server.log\n"
                          "[in]\naccept = 127.0.0.1:%%(port)d\nconnect = 127.0.0.1:%d\ncert = %%(dir)s/rsa.crt\n"
                          "key = %%(dir)s/rsa.key\n" % (self.level, self.echo))
        return self.start(find("stunnel4"), conf)


class StunnelDebug(Stunnel):
    name, level = "stunnel-debug", 7


NODE_SERVER = """
const fs = require('fs'), https = require('https');
const s = https.createServer({key: fs.readFileSync('rsa.key'), cert: fs.readFileSync('rsa.crt')},
  (q, r) => { q.resume(); r.end('all is well\\n'); });
s.on('tlsClientError', e => console.error('tlsClientError', e));
s.on('clientError', (e, socket) => { console.error('clientError', e); socket.destroy(); });
s.on('secureConnection', t => t.on('error', e => console.error('socket', e)));
s.listen(+process.argv[1], '127.0.0.1');
"""


class Node(Server):
    name = needs = "node"

    def begin(self):
        return self.start(find("node"), "-e", NODE_SERVER, str(self.port))


PYTHON_SERVER = """
import http.server, logging, ssl, sys, traceback
logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "12"); self.end_headers(); self.wfile.write(b"all is well\\n")
    def log_message(self, *a): pass
class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, address):
        logging.exception("request of %s:%d", *address)
c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); c.load_cert_chain("rsa.crt", "rsa.key")
s = Server(("127.0.0.1", int(sys.argv[1])), Handler); s.socket = c.wrap_socket(s.socket, server_side=True, do_handshake_on_connect=False)
s.serve_forever()
"""


class Python(Server):
    name = "python"
    needs = "python3"

    def begin(self):
        return self.start("/usr/bin/python3", "-u", "-c", PYTHON_SERVER, str(self.port))


RUBY_SERVER = """
require 'openssl'; require 'socket'; require 'logger'
log = Logger.new($stderr); c = OpenSSL::SSL::SSLContext.new
c.cert = OpenSSL::X509::Certificate.new(File.read('rsa.crt')); c.key = OpenSSL::PKey.read(File.read('rsa.key'))
t = TCPServer.new('127.0.0.1', ARGV[0].to_i)
loop { Thread.new(t.accept) { |raw|
  begin
    s = OpenSSL::SSL::SSLSocket.new(raw, c); s.accept
    while (l = s.gets); s.write("HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok") if l == "\\r\\n"; end
  rescue => e
    log.error(e)
  end } }
"""


class Ruby(Server):
    name = needs = "ruby"

    def begin(self):
        return self.start(find("ruby"), "--disable-gems", "-e", RUBY_SERVER, str(self.port))


PERL_SERVER = """
use IO::Socket::SSL; $| = 1; $SIG{CHLD} = 'IGNORE';
my $s = IO::Socket::SSL->new(LocalAddr => '127.0.0.1', LocalPort => $ARGV[0], Listen => 5, ReuseAddr => 1,
  SSL_cert_file => 'rsa.crt', SSL_key_file => 'rsa.key') or die "$!, $SSL_ERROR";
while (1) {
  my $c = $s->accept or do { warn "accept: $!, $SSL_ERROR"; next };
  while (1) {
    my $n = sysread($c, my $b, 65536);
    warn "read: $!, $SSL_ERROR" if !defined $n;
    last if !$n;
    syswrite($c, "HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok");
  }
}
"""


class Perl(Server):
    name = needs = "perl"

    def begin(self):
        return self.start(find("perl"), "-e", PERL_SERVER, str(self.port))


ERLANG_SERVER = """
{ok, _} = application:ensure_all_started(ssl), [Port] = init:get_plain_arguments(),
{ok, L} = ssl:listen(list_to_integer(Port), [{certfile, "rsa.crt"}, {keyfile, "rsa.key"}, {active, false}, {reuseaddr, true},
  {ip, {127,0,0,1}}]),
Echo = fun(F, S) -> case ssl:recv(S, 0) of {ok, D} -> ssl:send(S, D), F(F, S); E -> io:format("recv: ~p~n", [E]) end end,
Accept = fun(F) -> {ok, T} = ssl:transport_accept(L),
  case ssl:handshake(T) of {ok, S} -> Echo(Echo, S); E -> io:format("handshake: ~p~n", [E]) end, F(F) end,
Accept(Accept).
"""


def erl(code, *words):
    """The emulator without its script, which knows only the folder in which it would be installed."""
    root = inside("usr/lib/erlang")
    root = root if os.path.isdir(root) else "/usr/lib/erlang"
    erts = [n for n in os.listdir(root) if n.startswith("erts-")][0]
    folder = os.path.join(root, erts, "bin")
    env = dict(environment(), ROOTDIR=root, BINDIR=folder, EMU="beam", PROGNAME="erl")
    return [os.path.join(folder, "erlexec"), "-noshell", "-eval", code, "-extra", *words], env


class Erlang(Server):
    name = "erlang"
    needs = "erl"

    def begin(self):
        argv, env = erl(ERLANG_SERVER, str(self.port))
        return self.lab.start(*argv, env=env)
