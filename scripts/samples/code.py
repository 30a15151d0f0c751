"""`data_samples/code/python/`: modules of Python's standard library, chosen for their explanations."""

from pathlib import Path

from samples.manifest import Entry, license_of, origin_of
from samples.packages import Packages

PACKAGES = ("libpython3.11-minimal", "libpython3.11-stdlib")
"""Debian divides the library; both have the same version and license."""
FOLDER = "usr/lib/python3.11"
MODULES = """
    abc argparse asyncio/futures asyncio/locks asyncio/queues asyncio/streams asyncio/tasks base64 bdb
    bisect bz2 calendar cmd code codecs colorsys concurrent/futures/_base concurrent/futures/thread
    contextlib copy csv ctypes/util difflib dis email/feedparser email/generator email/header
    email/message email/policy filecmp fileinput fnmatch fractions ftplib functools genericpath getopt
    gettext glob graphlib gzip hashlib heapq hmac html/parser http/cookies importlib/abc ipaddress
    json/decoder json/encoder keyword linecache logging/config lzma mimetypes
    multiprocessing/shared_memory nntplib ntpath numbers operator os pkgutil platform poplib posixpath
    profile pstats queue random rlcompleter runpy sched secrets selectors shelve smtplib socket
    socketserver statistics string symtable telnetlib tempfile textwrap timeit tokenize trace traceback
    types unittest/loader urllib/parse urllib/robotparser uuid warnings wave weakref webbrowser zipapp
"""


def build(packages: Packages, folder: Path) -> list[Entry]:
    """Copy the modules."""
    packages.fetch(PACKAGES)
    entries = []
    for module in MODULES.split():
        inside = f"{FOLDER}/{module}.py"
        package = next(name for name in PACKAGES if packages.has(name, inside))
        path = f"code/python/{module}.py"
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(packages.path(package, inside).read_bytes())
        entries.append(
            Entry(
                path=path,
                origin=origin_of(packages, package, inside),
                license=license_of(package),
                packages=[package],
            )
        )
    return entries
