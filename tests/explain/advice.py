"""What badmac explain advises: commands that programs take as they stand, for the version that the log tells of. The methods go
to the suite of test_explain.py. Knows docs/EXPLAIN.md; refuses to know how advice is chosen."""
import re
import shlex
import shutil
import subprocess

import judge

VERSIONS = {"1.3": b"    Protocol  : TLSv1.3\n", "1.2": b"    Protocol  : TLSv1.2\n", None: b""}
# Words of s_client, Java and the rest that are for one version alone.
ONLY_BEFORE_13 = r"-tls1_2\b|-no_tls1_3|-cipher\b|_CBC_|TLS_RSA|RC4|explicit nonce|encrypt-then-MAC|truncated HMAC|leading zero"
ONLY_13 = r"-tls1_3\b|-ciphersuites|TLS_CHACHA20|\bTLS_AES_"
HELP = {"openssl": ["openssl", "s_client", "-help"], "curl": ["curl", "--help", "all"], "wget": ["wget", "--help"], "lsof": ["lsof", "-h"],
        "ss": ["ss", "--help"], "tcpdump": ["tcpdump", "--help"], "nstat": ["nstat", "--help"], "node": ["node", "--help"], "ethtool": ["ethtool", "--help"]}


def want(condition, said):
    judge.want(condition, str(said)[:1500])


def steps(report):
    return [(i["version"], s["what"], s["command"]) for i in report["incidents"] for s in i["keys"] + i["next_steps"]]


def words_of(command):
    """Of each program in it, without what is set before it: its words."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars=";|()")
    lexer.whitespace_split, lexer.commenters, words = True, "", []
    for word in [*lexer, ";"]:
        if re.fullmatch(r"[;|()]+", word):
            if words:
                yield words
            words = []
        elif words or not re.match(r"[A-Za-z_0-9]+=", word):
            words.append(word)


class Advice:
    """Mixed into the suite, which has explain and the corpus."""

    def all_steps(self, version):
        """Of every event of the corpus, in a log that tells of this version."""
        log = b"".join(b"\n" * 2100 + VERSIONS[version] + b.log() for b in self.blocks() if b.kind == "found")
        found = steps(self.explain(log))
        want(len(found) > 300, len(found))
        return found

    def test_advice_fits_the_version(self):
        seen = {}
        for told in VERSIONS:
            for version, what, command in self.all_steps(told):
                text = "%s | %s" % (what, command)
                if version == "TLS 1.3":
                    want(not re.search(ONLY_BEFORE_13, text.replace("TLS 1.2 GCM", "")), text)
                elif version in ("TLS 1.2", "TLS 1.1", "TLS 1.0"):
                    want(not re.search(ONLY_13, text), text)
                for word in ("-tls1_3 -ciphersuites", "-no_tls1_3 -cipher", "-cipher ECDHE+CHACHA20 -ciphersuites", "--tls-max 1.2", "--tlsv1.3",
                             "https.cipherSuites=TLS_AES", "https.cipherSuites=TLS_RSA", "proxy_ssl_protocols TLSv1.2", "proxy_ssl_protocols TLSv1.3",
                             "secure-protocol=TLSv1_2", "secure-protocol=TLSv1_3"):
                    if word in text:
                        seen.setdefault(word, set()).add(version)
        want(len(seen) == 11 and seen["-tls1_3 -ciphersuites"] == {"TLS 1.3"} and "TLS 1.3" not in seen["-no_tls1_3 -cipher"]
             and seen["-cipher ECDHE+CHACHA20 -ciphersuites"] == {None}, seen)

    def test_advice_of_a_handshake_fits_the_version(self):
        for version, suite in (("1.3", b"TLS_AES_256_GCM_SHA384"), ("1.2", b"ECDHE-RSA-AES128-GCM-SHA256")):
            log = b"* SSL connection using TLSv%s / %s\n" % (version.encode(), suite) + \
                b"curl: (35) error:1408F119:SSL routines:ssl3_get_record:decryption failed or bad record mac, SSL_do_handshake\n"
            i = self.explain(log)["incidents"][0]
            told = " ".join(r for c in i["causes"] for r in c["because"]) + " ".join(str(s) for s in i["next_steps"])
            want(bool(re.search(ONLY_BEFORE_13, told)) == (version == "1.2"), (version, i["stage"], told))

    def test_advice_guesses_no_port(self):
        n = 0
        for told in VERSIONS:
            for _, what, command in self.all_steps(told):
                n += "PORT" in (command or "")
                want(not re.search(r"(port |:|-p )[0-9]{2,5}\b", command or ""), command)
                want("PORT" not in (command or "") or "HOST:PORT" in command or "UPSTREAM:PORT" in command or "PORT: " in what, (what, command))
        want(n > 50, n)

    def test_advice_is_taken_by_the_programs(self):
        """Each option is one that the program knows, and each filter one that it compiles."""
        commands = {c for told in VERSIONS for _, _, c in self.all_steps(told) if c}
        known, tried = {}, set()
        for program, argv in HELP.items():
            if shutil.which(program):
                r = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
                known[program] = set(re.findall(r"--?[A-Za-z0-9][A-Za-z0-9_.-]*", r.stdout.decode("utf-8", "replace")))
        for command in sorted(commands):
            for words in words_of(command):
                program = words[0]
                if program not in known or program in ("ss", "lsof", "tcpdump", "nstat", "ethtool"):
                    continue
                options = [w.split("=")[0] for w in words[1:] if re.match(r"--?[A-Za-z]", w)]
                want(not options or set(options) <= known[program], (command, set(options) - known[program]))
                tried.add(program)
        filled = [c.replace("PORT", "443").replace("DEV", "lo") for c in sorted(commands)]
        for words in (w for c in filled for w in words_of(c)):
            if words[0] == "tcpdump" and "tcpdump" in known:
                self.succeeds(["tcpdump", "-y", "EN10MB", "-d", *words[words.index("-w") + 2:]])
            elif words[0] == "ss" and "ss" in known:
                self.succeeds(words)
            elif words[0] == "nstat" and "nstat" in known:
                self.succeeds(words)
            elif words[0] == "java" and "-XX:-UseSHA" in words and shutil.which("java"):
                self.succeeds(["java", *[w for w in words[1:] if w.startswith("-XX")], "-version"])
            else:
                continue
            tried.add(words[0])
        want("openssl" in tried, tried)
        print("# not run, not installed: %s" % sorted({"openssl", "curl", "wget", "tcpdump", "ss", "nstat", "java", "node"} - tried))

    @staticmethod
    def succeeds(argv):
        r = subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=60, check=False)
        want(r.returncode == 0, (argv, r.stderr))
