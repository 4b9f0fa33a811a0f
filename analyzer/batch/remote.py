"""Places that a URL names: object stores, and folders of other machines, as fsspec and its drivers know them.

The only file that asks for a driver, and that knows what drivers say when they fail. Passwords of a URL are shown
nowhere. Knows nothing of what is kept or read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from errno import EDQUOT, ENOSPC
from pathlib import Path
from socket import gaierror
from typing import Any
from urllib.parse import quote, unquote

from analyzer.batch.inputs import Mark
from parsers.errors import FedtraceError, SourceUnreadable

LOCAL = ("file", "local")
"""Protocols of this machine's own files."""
STORES = frozenset({"s3", "gs", "gcs", "abfs", "az", "oss", "oci", "memory", "http", "https"})
"""Protocols of stores of objects: one is there when all of it is, and a folder is but the beginning of its name."""
ONE_PROCESS = "memory"
"""The protocol of what no other process sees."""
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_SECRET = re.compile(r"(://[^/\s:@]*):[^/\s]*@")
"""The password of a URL in a text."""
_PASSWORD = re.compile(r"(://[^/:@]*):([^/]*|(?!\d*/)[^@]*)@")
"""The password of a URL that is given: it may have spaces, and a slash where else a port would be."""
_VERSIONS = ("ETag", "etag", "md5Hash", "content_md5", "generation", "checksum")
"""What drivers call that which changes with the content."""
_TIMES = ("LastModified", "last_modified", "mtime", "updated", "modified", "modify", "created")
"""What they call the time of the last change."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PACKAGES = {"smbclient": "smbprotocol"}
"""Packages that are called otherwise than what is imported of them."""
_SAID_MAX = 200
"""Characters of what a driver says of its failure."""


class Unreachable(FedtraceError):
    """A place does not answer, or not us: it ends the run, and says nothing of a case."""


@dataclass(frozen=True, slots=True)
class Place:
    """A folder elsewhere."""

    system: Any
    """The fsspec file system that it is in."""
    root: str
    """The folder as that calls it, without a slash at its end."""
    shown: str
    """Its URL, without what is secret."""
    url: str = field(repr=False)
    """Its URL, as it was given."""

    @property
    def holds_objects(self) -> bool:
        """Whether it is in a store of objects, and not among files and folders."""
        protocol = self.system.protocol
        return not STORES.isdisjoint({protocol} if isinstance(protocol, str) else protocol)

    def at(self, name: str) -> str:
        """What the file system calls a file of the folder."""
        return f"{self.root}/{name}"

    def name(self, path: str) -> str:
        """What the folder calls a file of the file system."""
        return path.removeprefix(self.root).strip("/")

    def reason(self, error: BaseException) -> tuple[str, str]:
        """What is wrong, in a sentence without secrets, and the next step."""
        return reason(error, self.url)

    @contextmanager
    def asked(self, name: str = "") -> Iterator[None]:
        """What is asked of the driver about a file: what is wrong with that is SourceUnreadable, else Unreachable."""
        try:
            yield
        except FedtraceError:
            raise
        except FileNotFoundError:
            where = name or self.shown
            raise SourceUnreadable(where, "no such file or directory", "check the path and your rights") from None
        except PermissionError as error:
            raise SourceUnreadable(name or self.shown, *self.reason(error)) from None
        except Exception as error:  # a driver may raise whatever its library does
            raise Unreachable(self.shown, *self.reason(error)) from None


def is_remote(place: str) -> bool:
    """Whether a place is named by a URL, and not on this machine's disks."""
    found = _URL.match(place)
    return found is not None and found[1].lower() not in LOCAL


def on_disk(place: str) -> str:
    """A path of this machine's disks without `file://`; what is none, as it is."""
    found = _URL.match(place)
    return place[found.end() :] if found is not None and found[1].lower() in LOCAL else place


def is_same(one: str, other: str) -> bool:
    """Whether two paths or URLs name one place."""
    if is_remote(one) or is_remote(other):
        return one.rstrip("/") == other.rstrip("/")
    return Path(one).resolve() == Path(other).resolve()


def is_within(place: str, archive: str) -> bool:
    """Whether a place lies in what lies in an archive, and not directly in it."""
    if is_remote(place) or is_remote(archive):
        return place.startswith(archive.rstrip("/") + "/") and "/" in place[len(archive.rstrip("/")) + 1 :].rstrip("/")
    return Path(archive).resolve() in Path(place).resolve().parents[1:]


def in_one_process(place: str) -> bool:
    """Whether no other process sees what is there."""
    return place.lower().startswith(f"{ONE_PROCESS}://")


def shown(url: str) -> str:
    """A URL without its password, nor what a signed one adds."""
    bare = _PASSWORD.sub(r"\1@", url, count=1) if _URL.match(url) else url
    return bare.partition("?")[0] if bare.lower().startswith("http") else bare


def without_secrets(text: str, *urls: str) -> str:
    """What somebody else says, without the passwords of these URLs, however he spells them, and of any other in it."""
    for secret in sorted({each for url in urls for each in _secrets(url)}, key=len, reverse=True):
        text = text.replace(f":{secret}@", "@").replace(secret, "…")
    return _SECRET.sub(r"\1@", text)


def _secrets(url: str) -> Iterator[str]:
    """What of a URL is secret, as it was given, decoded, encoded, and as Python shows it."""
    if not _URL.match(url):
        return
    found = _PASSWORD.search(url)
    parts = [found[2]] if found else []
    if url.lower().startswith("http"):
        parts.append(url.partition("?")[2])
    for part in parts:
        plain = unquote(part)
        # Who takes it for a host and a port, or a bucket and a key, says pieces of it.
        for said in (part, plain, quote(plain, safe=""), quote(plain), *re.split(r"[/@:?#]", part)):
            yield from filter(None, (said, repr(said)[1:-1]))


def place_of(url: str) -> Place:
    """The folder that a URL names. Raises FedtraceError where its driver is missing, or does not come to it."""
    called = shown(url)
    try:
        from fsspec.core import url_to_fs
        from fsspec.dircache import DirCache
        from fsspec.registry import known_implementations
    except ImportError:
        raise FedtraceError(called, "fsspec is not installed", "pip install 'fedtrace[batch]'") from None
    protocol, _, rest = url.partition("://")
    protocol = protocol.lower()
    try:
        system, root = url_to_fs(f"{protocol}://{rest}")
    except ImportError as error:
        package = _package(known_implementations.get(protocol, {}), error)
        raise FedtraceError(called, f"the driver of {protocol}:// is not installed", f"pip install {package}") from None
    except ValueError as error:
        if "rotocol not known" in str(error):
            what = f"no driver knows {protocol}://"
            raise FedtraceError(called, what, "write s3://, gs://, sftp://, …, or the path of a folder") from None
        raise FedtraceError(called, *reason(error, url)) from None
    except Exception as error:  # some connect at once
        raise Unreachable(called, *reason(error, url)) from None
    if not rest.strip("/") and protocol not in (ONE_PROCESS, "sftp", "ssh", "ftp"):
        raise FedtraceError(called, "it names no bucket", f"write {protocol}://BUCKET/FOLDER")
    # What others write meanwhile is seen: not even sizes are taken from an earlier listing.
    system.dircache = DirCache(use_listings_cache=False)
    return Place(system, root.rstrip("/"), called.rstrip("/"), url)


def mark(info: Mapping[str, Any]) -> Mark:
    """How a file looks from outside, by what its driver says of it.

    Where a store has versions, times are whole seconds: it tells them finer in a list than when asked for one object.
    """
    version = next((str(info[key]).strip('"') for key in _VERSIONS if info.get(key)), "")
    told = next((info[key] for key in _TIMES if info.get(key)), None)
    at_ns = _ns(told)
    if version:
        at_ns -= at_ns % 10**9
    elif not at_ns and told is not None:
        version = str(told)
    return (int(info.get("size") or 0), at_ns, version)


def is_link(info: Mapping[str, Any]) -> bool:
    """Whether what a driver tells of is a link: some say so by the kind, some tell of what it leads to as well."""
    return info["type"] == "link" or bool(info.get("islink"))


def reason(error: BaseException, *urls: str) -> tuple[str, str]:
    """What is wrong, in a sentence without the secrets of these URLs, and the next step."""
    kinds = " ".join(kind.__name__ for kind in type(error).__mro__)
    own = " ".join(without_secrets(str(error), *urls).split()).rstrip(". ")[:_SAID_MAX]
    aside = f" ({own})" if own else ""
    if isinstance(error, PermissionError):
        return f"access is denied{aside}", "check your credentials, and what they may do there"
    if isinstance(error, FileNotFoundError):
        return f"there is no such place{aside}", "make it, or check its name"
    if re.search("Credential|Authentication|Token|Forbidden", kinds):
        return f"no credentials that serve{aside}", "give them as the driver wants them: see docs/batch.md"
    if isinstance(error, ConnectionError | TimeoutError | gaierror) or re.search("Connect|Timeout", kinds):
        return f"it does not answer{aside}", "check the address and the network, and run again"
    if isinstance(error, OSError) and error.strerror:
        first = "make room" if error.errno in (ENOSPC, EDQUOT) else "run again"
        return without_secrets(str(error.strerror), *urls).lower(), f"{first}, or name another place"
    return f"its driver fails: {type(error).__name__}{aside}", "check the URL, and run again"


def _package(known: Mapping[str, str], error: ImportError) -> str:
    """What has to be installed for a driver."""
    own = str(known.get("class", "")).partition(".")[0]
    if own and own != "fsspec":
        return own
    missing = getattr(error.__cause__ or error, "name", None) or "fsspec"
    return _PACKAGES.get(missing, missing)


def _ns(told: Any) -> int:
    """An instant as drivers tell it, ns since 1970 UTC; 0 for what is none."""
    if isinstance(told, str):
        try:
            told = datetime.fromisoformat(told)
        except ValueError:
            return 0
    if isinstance(told, datetime):
        at = told if told.tzinfo else told.replace(tzinfo=UTC)
        return (at - _EPOCH) // timedelta(microseconds=1) * 1000
    # Drivers that tell seconds as a float elsewhere tell a datetime, whose finest step is a microsecond.
    return round(told * 10**6) * 1000 if isinstance(told, int | float) else 0
