"""Clients that people run: how each asks a server on loopback, and what it writes. Each function takes the lab, a port and the
highest version of TLS. Refuses to know what badmac makes of it."""
import re
import socket
import subprocess
import time

import stacks
from programs import environment, erl, find, read

REQUESTS = 5  # on one connection; a fault strikes among the last of them

ERLANG_CLIENT = """
{ok, _} = application:ensure_all_started(ssl), [Port, V] = init:get_plain_arguments(),
Versions = case V of "1.2" -> ['tlsv1.2']; _ -> ['tlsv1.3'] end,
{ok, S} = ssl:connect("127.0.0.1", list_to_integer(Port), [{verify, verify_none}, {versions, Versions}, {active, false}]),
Ask = fun(_, 0) -> ok; (F, N) -> ok = ssl:send(S, "a line\\n"),
  case ssl:recv(S, 0, 4000) of {ok, _} -> F(F, N - 1); E -> io:format("recv: ~p~n", [E]) end end,
Ask(Ask, 5), timer:sleep(100), halt().
"""
PERL_CLIENT = """
use IO::Socket::SSL;
my $c = IO::Socket::SSL->new(PeerAddr => '127.0.0.1', PeerPort => $ARGV[0], SSL_verify_mode => 0,
  SSL_version => $ARGV[1] eq '1.2' ? 'TLSv1_2' : 'TLSv1_3') or die "connect: $!, $SSL_ERROR";
for (1..5) {
  print $c "GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n";
  my $n = sysread($c, my $b, 65536);
  die "read: $!, $SSL_ERROR" if !defined $n;
}
"""
RUBY_CLIENT = """
require 'net/http'; require 'openssl'
h = Net::HTTP.new('127.0.0.1', ARGV[0].to_i); h.use_ssl = true; h.verify_mode = OpenSSL::SSL::VERIFY_NONE
h.max_version = ARGV[1] == '1.2' ? OpenSSL::SSL::TLS1_2_VERSION : OpenSSL::SSL::TLS1_3_VERSION
h.max_retries = 0; h.start { 5.times { h.get('/index.html').body } }
"""


def run_client(lab, *argv, stdin=None, env=None):
    r = subprocess.run(argv, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=dict(environment(), **(env or {})),
                       cwd=lab.dir, timeout=30)
    return r.stdout


def curl(lab, port, version, *more):
    # Of a connection that it kept it says nothing, and tries again on another one: so it asks once.
    return run_client(lab, find("curl"), "-sSvk", "--tls-max", version, "--http1.1", *more, "https://127.0.0.1:%d/index.html" % port)


def wget(lab, port, version):
    urls = ["https://127.0.0.1:%d/index.html?%d" % (port, n) for n in range(REQUESTS)]
    return run_client(lab, find("wget"), "-O", "/dev/null", "-t", "1", "--no-check-certificate", "--ciphers",
                      "NORMAL:-VERS-ALL:+VERS-TLS" + version, *urls)


PYTHON_CLIENT = """
import ssl, sys, http.client
c = ssl._create_unverified_context()
c.maximum_version = ssl.TLSVersion.TLSv1_2 if sys.argv[2] == "1.2" else ssl.TLSVersion.TLSv1_3
h = http.client.HTTPSConnection("127.0.0.1", int(sys.argv[1]), context=c)
for _ in range(5):
    h.request("GET", "/index.html"); h.getresponse().read()
"""
PYTHON_ONCE = PYTHON_CLIENT.replace("range(5)", "range(1)")
# Its exceptions go into a log with times.
PYTHON_LOGGED = """
import logging, sys
logging.basicConfig(format="%%(asctime)s %%(levelname)s %%(message)s")
sys.excepthook = lambda kind, value, trace: logging.error("request failed", exc_info=(kind, value, trace))
%s"""
REQUESTS_CLIENT = """
import ssl, sys, warnings, requests
from requests.adapters import HTTPAdapter
warnings.simplefilter("ignore")
class Adapter(HTTPAdapter):
    def init_poolmanager(self, *a, **k):
        c = ssl._create_unverified_context()
        c.maximum_version = ssl.TLSVersion.TLSv1_2 if sys.argv[2] == "1.2" else ssl.TLSVersion.TLSv1_3
        super().init_poolmanager(*a, ssl_context=c, **k)
s = requests.Session(); s.mount("https://", Adapter())
for _ in range(5):
    s.get("https://127.0.0.1:%s/index.html" % sys.argv[1], verify=False)
"""
PSYCOPG_CLIENT = """
import psycopg2, sys
c = psycopg2.connect("host=127.0.0.1 port=%s user=postgres dbname=postgres sslmode=require gssencmode=disable"
                     " ssl_max_protocol_version=TLSv%s" % tuple(sys.argv[1:]))
k = c.cursor()
for n in range(5):
    k.execute("SELECT %s", (n,)); k.fetchall()
"""
NODE_CLIENT = """
const https = require('https'), agent = new https.Agent({keepAlive: true, maxSockets: 1,
  maxVersion: 'TLSv' + process.argv[2]});
let n = 0;
const go = () => n++ < 5 && https.get({host: '127.0.0.1', port: +process.argv[1], path: '/index.html', agent,
  rejectUnauthorized: false}, r => { r.resume(); r.on('end', () => n < 5 ? setImmediate(go) : agent.destroy()); });
go();
"""


def python(lab, port, version):
    return run_client(lab, "/usr/bin/python3", "-c", PYTHON_CLIENT, str(port), version)


def requests(lab, port, version):
    return run_client(lab, "/usr/bin/python3", "-c", REQUESTS_CLIENT, str(port), version)


def ruby(lab, port, version):
    return run_client(lab, find("ruby"), "--disable-gems", "-e", RUBY_CLIENT, str(port), version)


def perl(lab, port, version):
    return run_client(lab, find("perl"), "-e", PERL_CLIENT, str(port), version)


def node(lab, port, version):
    return run_client(lab, find("node"), "-e", NODE_CLIENT, str(port), version)


def psql(lab, port, version):
    asked = [w for n in range(REQUESTS) for w in ("-c", "SELECT %d" % n)]
    return run_client(lab, find("psql"), "host=127.0.0.1 port=%d user=postgres dbname=postgres sslmode=require gssencmode=disable "
                      "ssl_max_protocol_version=TLSv%s" % (port, version), *asked)


def psycopg2(lab, port, version):
    return run_client(lab, "/usr/bin/python3", "-c", PSYCOPG_CLIENT, str(port), version)


def redis_cli(lab, port, version):
    return run_client(lab, find("redis-cli"), "-p", str(port), "--tls", "--insecure",
                      *(["--tls-ciphers", "ECDHE-RSA-AES128-GCM-SHA256"] if version == "1.2" else []),
                      stdin=b"PING\n" * REQUESTS)


def erlang(lab, port, version):
    argv, env = erl(ERLANG_CLIENT, str(port), version)
    return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env, cwd=lab.dir, timeout=30).stdout


def stunnel(lab, port, version):
    """A stunnel that carries plain text to the one that serves."""
    near, log = stacks.free_port(), lab.path("stunnel-client-%d.log" % port)
    conf = log + ".conf"
    with open(conf, "w", encoding="ascii") as f:
        f.write("foreground = yes\npid =\ndebug = 6\noutput = %s\n[out]\nclient = yes\naccept = 127.0.0.1:%d\n"
                "connect = 127.0.0.1:%d\nsslVersionMax = TLSv%s\n" % (log, near, port, version))
    p = lab.start(find("stunnel4"), conf, env=environment())
    stacks.wait_for_port(near)
    try:
        with socket.create_connection(("127.0.0.1", near), timeout=4) as c:
            for _ in range(REQUESTS):
                c.sendall(b"a line\n")
                if not c.recv(100):
                    break
    except OSError:
        pass
    end = time.monotonic() + 3
    while b"sent to socket" not in read(log) and time.monotonic() < end:
        time.sleep(0.02)
    p.stop()
    return read(log)


def openvpn(lab, port_of, version):
    """Both ends, point to point and without a device. port_of(port): the relay in front of the server. Gives their logs."""
    port = stacks.free_port()
    common = ["--dev", "null", "--verb", "4", "--ca", "rsa.crt", "--cert", "rsa.crt", "--key", "rsa.key", "--data-ciphers",
              "AES-256-GCM", "--connect-retry-max", "1", "--tls-version-max", version]
    server = lab.start(find("openvpn"), "--proto", "tcp-server", "--port", str(port), "--local", "127.0.0.1", "--tls-server",
                       "--dh", "none", *common, env=environment())
    stacks.wait_for_port(port)
    client = lab.start(find("openvpn"), "--proto", "tcp-client", "--remote", "127.0.0.1", str(port_of(port)), "--nobind",
                       "--tls-client", *common, env=environment())
    end = time.monotonic() + 6
    while not re.search(rb"tls-error|Initialization Sequence Completed", server.out + client.out) and time.monotonic() < end:
        time.sleep(0.02)
    time.sleep(0.1)
    client.stop()
    server.stop()
    return server.out, client.out
