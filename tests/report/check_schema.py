#!/usr/bin/env python3
"""Validates badmac.diagnosis.v1 reports.

    check_schema.py FILE...             reports in files ('-': standard input)
    check_schema.py --run COMMAND...    the report that COMMAND writes to standard output

Besides the schema it holds what a schema cannot say: sums, the summary's result, that every
connection stands on a line of its own; and that the published schemas let members pass that they do
not name, of which these reports have none. Ends with 77 (skipped) where jsonschema is missing.
"""
import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))


def no_duplicates(pairs):
    keys = [k for k, _ in pairs]
    if len(keys) != len(set(keys)):
        raise ValueError(f"a name stands twice in {keys}")
    return dict(pairs)


def not_a_number(text):
    raise ValueError(f"{text} is not JSON")


def beyond_schema(report):
    """Yields what is wrong though the schema holds."""
    summary, connections = report["summary"], report["connections"]
    if summary["connections"] != len(connections):
        yield f"summary counts {summary['connections']} connections, {len(connections)} are listed"
    for kind in ("verified", "failed", "undecided", "plaintext"):
        total = sum(way[kind] for c in connections for way in c["records"].values())
        if total != summary["records"][kind]:
            yield f"summary counts {summary['records'][kind]} {kind} records, the connections {total}"
    total = sum(c["records_after_close"] for c in connections)
    if total != summary["records_after_close"]:
        yield f"summary counts {summary['records_after_close']} records after close, the connections {total}"
    results = {c["result"] for c in connections}
    worst = next((r for r in ("failed", "undecided") if r in results), "verified")
    if summary["result"] != worst:
        yield f"summary says {summary['result']}, the connections {worst}"
    ids = [c["id"] for c in connections]
    if len(ids) != len(set(ids)):
        yield "an id stands twice"
    for c in connections:
        if c["result"] == "undecided" and c["undecided_because"] is None:
            yield f"connection {c['id']} does not say why it is undecided"
        for f in c["failures"]:
            for d in f["damage"]:
                if len(d["received"]) != 2 * d["length"]:
                    yield f"connection {c['id']}: damage of {d['length']} bytes, received {d['received']}"
            if f["confidence"] == "proven" and f["proof"] and f["proof"]["chance_log2"] > -40:
                yield f"connection {c['id']}: proven with 2^{f['proof']['chance_log2']}"


def beyond_schema_of_logs(report):
    """The same of what stands there with logs alone."""
    failures = {c["id"]: len(c["failures"]) for c in report["connections"]}
    incidents, logged = report["incidents"], report["logged_failures"]
    for n, i in enumerate(incidents):
        places = [i] * (i["connection"] is not None) + i["candidates"]
        for p in places:
            if p["connection"] not in failures or (p["failure"] is not None and p["failure"] >= failures[p["connection"]]):
                yield f"incident {n}: no connection {p['connection']} with failure {p['failure']}"
        if (i["sure"] in ("certain", "likely", "possible")) != (i["connection"] is not None):
            yield f"incident {n} is {i['sure']} with connection {i['connection']}"
        if (i["sure"] == "several") != (len(i["candidates"]) > 1) or (i["sure"] in ("several", "none")) != bool(i["because"]):
            yield f"incident {n} is {i['sure']} with {len(i['candidates'])} candidates because {i['because']}"
        speaks = {(p["connection"], p["failure"]) for p in places if p["failure"] is not None}
        if {(l["connection"], l["failure"]) for l in logged if n in l["incidents"]} != speaks:
            yield f"incident {n} and logged_failures differ"
    if sorted((l["connection"], l["failure"]) for l in logged) != sorted((c, f) for c, n in failures.items() for f in range(n)):
        yield "logged_failures are not the failures"
    if sum(l["incidents"] for l in report["logs"]) != len(incidents):
        yield "logs count other incidents than are listed"


def check(name, text, validator):
    try:
        report = json.loads(text, object_pairs_hook=no_duplicates, parse_constant=not_a_number)
    except ValueError as e:
        return [f"{name}: {e}"]
    wrong = [f"{name}: {e.json_path}: {e.message[:300]}" for e in validator.iter_errors(report)]
    if wrong:
        return wrong
    wrong = [f"{name}: {w}" for w in beyond_schema(report)]
    if "logs" in report:
        wrong += [f"{name}: {w}" for w in beyond_schema_of_logs(report)]
    lines = sum(line.startswith('{"id": ') for line in text.splitlines())
    if lines != len(report["connections"]):
        wrong.append(f"{name}: {lines} lines hold {len(report['connections'])} connections")
    if not text.isascii():
        wrong.append(f"{name}: bytes outside ASCII")
    return wrong


def check_published(schemas):
    """Yields what is wrong with the schemas themselves: one rule for members that nobody was told of."""
    for name in schemas.NAMES:
        schema = schemas.published(name)
        if schema.get("$id") != "urn:badmac:%s:v1" % name or schema.get("title") != "badmac.%s.v1" % name:
            yield f"{name}: has the name {schema.get('$id')}, {schema.get('title')}"
        closed = [sorted(o["properties"]) for o in schemas.objects(schema) if o.get("additionalProperties") is not True]
        if closed:
            yield f"{name}: readers are not told to pass over members beside {closed[0]}"


def main(args):
    try:
        import schemas
    except ImportError:
        print("python3-jsonschema is missing")
        return 77
    if not args or args[0] in ("-h", "--help"):
        print(__doc__)
        return 2
    validator = schemas.Validator("diagnosis")
    wrong = list(check_published(schemas))
    if args[0] == "--run":
        done = subprocess.run(args[1:], stdout=subprocess.PIPE, check=False)
        # 0, 1 and 3 come with a report.
        if done.returncode not in (0, 1, 3):
            print(f"{args[1]} ended with {done.returncode}")
            return 1
        texts = [(args[1], done.stdout)]
    else:
        texts = [(a, sys.stdin.buffer.read() if a == "-" else pathlib.Path(a).read_bytes()) for a in args]
    wrong += [w for name, text in texts for w in check(name, text.decode(), validator)]
    print("\n".join(wrong) if wrong else f"{len(texts)} valid")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
