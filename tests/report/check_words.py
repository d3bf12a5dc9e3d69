#!/usr/bin/env python3
"""The words of the contract are the same in the source, in the JSON schema and in docs/OUTPUT.md, and
the causes that src/why looks for are those that the page calls found."""
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def read(path):
    return (ROOT / path).read_text()


def check_page(cause, pages):
    """A page says what it is about, what is shown, whose fault, what to do; its links lead somewhere."""
    text = read(f"docs/causes/{cause}.md")
    wrong = []
    if not text.startswith(f"# `{cause}`\n\n"):
        wrong.append("does not start with its id")
    for label in (r"\*\*Shown\.\*\*", r"\*\*What does that\.\*\*", r"\*\*(Usually at|At) fault\.\*\*", r"\*\*Next\.\*\*",
                  r"\*\*Not to be confused with\*\*"):
        if len(re.findall(label, text)) != 1:
            wrong.append(f"lacks {label}")
    for link in re.findall(r"\]\(([a-z-]+)\.md\)", text):
        if link not in pages:
            wrong.append(f"links {link}.md, which is none")
    return [f"docs/causes/{cause}.md {w}" for w in wrong]


def main():
    schema = json.loads(read("docs/badmac.diagnosis.v1.schema.json"))["$defs"]
    page = read("docs/OUTPUT.md")
    causes = re.findall(r'X\([A-Z_]+, "([a-z-]+)"\)', read("src/why/cause.h"))
    parties = re.findall(r'X\([A-Z_]+, "([a-z-]+)"\)', read("src/verdict/model.h"))
    found, later = page.split("**Named, not found yet**")
    listed = re.compile(r"^\| \[?`([a-z-]+)`(?:\]\([a-z/.-]+\))? \|", re.M)
    table = re.findall(r"\{BM_CAUSE_([A-Z_]+), bm_ask_", read("src/why/why.c"))
    looked_for = {t.lower().replace("_", "-") for t in table} | {"unexplained"}
    in_found = set(listed.findall(found.split("## Causes")[1]))
    in_later = set(listed.findall(later.split("## Parties")[0]))
    wrong = []
    if len(causes) < 26 or causes != schema["cause"]["enum"]:
        wrong.append("causes of cause.h and the schema differ")
    if len(parties) < 9 or parties != schema["party"]["enum"]:
        wrong.append("parties of model.h and the schema differ")
    if parties != listed.findall(page.split("## Parties")[1].split("## Confidence")[0]):
        wrong.append("parties of model.h and docs/OUTPUT.md differ")
    if in_found != looked_for:
        wrong.append(f"found, by docs/OUTPUT.md or src/why/why.c alone: {sorted(in_found ^ looked_for)}")
    if in_found | in_later != set(causes) or in_found & in_later:
        wrong.append("causes of docs/OUTPUT.md are not those of cause.h, each once")
    pages = {p.stem for p in (ROOT / "docs" / "causes").glob("*.md")}
    if pages != set(causes):
        wrong.append(f"pages of docs/causes and causes differ: {sorted(pages ^ set(causes))}")
    for cause in causes:
        if cause in pages:
            wrong += check_page(cause, pages)
        if f"[`{cause}`](causes/{cause}.md)" not in page:
            wrong.append(f"docs/OUTPUT.md does not link docs/causes/{cause}.md")
    for name in ("connection", "alert", "failure", "proof", "altered", "mac_rule", "other_record", "damage", "log", "clock", "incident"):
        for member in schema[name]["properties"]:
            if f"`{member}`" not in page:
                wrong.append(f"docs/OUTPUT.md does not mention {member}")
    print("\n".join(wrong) if wrong else f"{len(causes)} causes, {len(parties)} parties")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
