#!/usr/bin/env python3
"""Puts the packages of package-lock.json into node_modules beside it, as 'npm ci' does, where npm is not installed: takes each
from the registry (npm_config_registry, or npm's own) and keeps it only if it has the digest that the lock file names. Does
nothing where all are there.
usage: tests/html/packages.py"""
import base64
import hashlib
import io
import json
import os
import shutil
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
REGISTRY = os.environ.get("npm_config_registry") or "https://registry.npmjs.org/"
MAX_SIZE = 64 << 20


def fetch(url):
    """Registries and proxies fail now and then."""
    for last in (False, False, True):
        try:
            with urllib.request.urlopen(url, timeout=120) as answer:
                return answer.read(MAX_SIZE)
        except (urllib.error.URLError, OSError) as e:
            if last:
                sys.exit("packages: %s: %s" % (url, e))
            time.sleep(3)
    return b""


def has_digest(octets, integrity):
    kind, digest = integrity.split("-", 1)
    return kind == "sha512" and base64.b64encode(hashlib.sha512(octets).digest()).decode("ascii") == digest


def unpack(octets, folder):
    """Plain files below the package's one folder; a package that is pinned by digest has no others that matter."""
    with tarfile.open(fileobj=io.BytesIO(octets), mode="r:gz") as tar:
        for member in tar:
            parts = member.name.split("/")[1:]
            if not member.isfile() or not parts or ".." in parts:
                continue
            path = os.path.join(folder, *parts)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as f:
                shutil.copyfileobj(tar.extractfile(member), f)


def install(place, package):
    target = os.path.join(HERE, place)
    mark = os.path.join(target, ".integrity")
    if os.path.exists(mark) and open(mark, encoding="ascii").read() == package["integrity"]:
        return
    name = place.split("node_modules/", 1)[1]
    url = "%s/%s/-/%s-%s.tgz" % (REGISTRY.rstrip("/"), name, name.rsplit("/", 1)[-1], package["version"])
    octets = fetch(url)
    if not has_digest(octets, package["integrity"]):
        sys.exit("packages: %s is not what package-lock.json names" % url)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with tempfile.TemporaryDirectory(dir=os.path.dirname(target)) as fresh:
        folder = os.path.join(fresh, "package")
        unpack(octets, folder)
        with open(os.path.join(folder, ".integrity"), "w", encoding="ascii") as f:
            f.write(package["integrity"])
        shutil.rmtree(target, ignore_errors=True)
        os.rename(folder, target)


def main():
    with open(os.path.join(HERE, "package-lock.json"), encoding="utf-8") as f:
        packages = json.load(f)["packages"]
    for place, package in packages.items():
        if place and not package.get("optional"):
            install(place, package)


if __name__ == "__main__":
    main()
