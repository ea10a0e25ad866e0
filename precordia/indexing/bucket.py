"""A knowledge base in an object store: the truth lies there, and each machine works on a copy in a local folder.

One object, the root, says which files there are and what is in them; whoever opens fetches what the root names and the copy
lacks. Whoever writes holds a lock object, made by a conditional put, fetches, writes into the folder as ever, puts the new
files beside the old ones, and then the root, on condition that it is still the one that was fetched. So there is
the former state or the new one, never something between. Files lie under their own names, for other engines to read as
Delta tables; those whose content changes lie once more under a name made of their content, which is what is read here.
Files of signals, which are most of it, stand in the copy by name and size, and are fetched by the range that is read
(:mod:`precordia.indexing.holes`). Nothing but the address named is ever contacted, and nothing at all without credentials.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

from precordia.core.errors import (
    BusyError,
    DamageError,
    KnowledgeBaseError,
    MissingExtraError,
    StorageError,
    UsageError,
)
from precordia.indexing.durable import PARTIAL, make_folder, remove, write_atomically, write_synced
from precordia.indexing.holes import dig, forget, watch
from precordia.indexing.ledger import Ledger
from precordia.indexing.seals import digest_of, sealed, unsealed

SCHEMES: Final = ("s3://", "gs://", "az://")
CACHE_VARIABLE: Final = "PRECORDIA_CACHE"
"""Environment variable that names the folder of the local copies; by default ``~/.cache/precordia``."""

_CREDENTIALS: Final = {
    "s3://": ("AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
    "gs://": ("GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_KEY", "GOOGLE_APPLICATION_CREDENTIALS"),
    "az://": ("AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_SAS_KEY", "AZURE_STORAGE_CLIENT_ID"),
}
"""One of them must be set: else the client would ask the network which machine this is."""

_STATE: Final = ".bucket.json"
"""In the copy: what was the same as in the store when it was last looked at."""
_ROOT: Final = "bucket.json"
_LOCK: Final = "bucket.lock"
_KEPT: Final = "bucket.kept/"

RETRIES: Final = 3
_HELD_S: Final = 300.0
"""How long a lock stands that is not renewed, s."""
_PUBLISHED_S: Final = 30.0
"""Least time between two states that a long build puts, s."""


def is_address(name: str) -> bool:
    """Whether a knowledge base's name is an object store's address."""
    return name.startswith(SCHEMES)


@cache
def bucket_of(address: str) -> Bucket:
    """The bucket at an address, one a process; its copy has the newest state of when this was first asked.

    Raises:
        UsageError: no credentials are set.
        MissingExtraError: obstore is not installed.
        StorageError: the store does not answer.
    """
    scheme = address[:5]
    if not any(os.environ.get(name) for name in _CREDENTIALS[scheme]):
        raise UsageError(
            f"{address}: no credentials are set, and nothing is asked for without: set {' or '.join(_CREDENTIALS[scheme])}"
        )
    home = Path(os.environ.get(CACHE_VARIABLE) or Path.home() / ".cache" / "precordia")
    bucket = Bucket(address.rstrip("/"), home / digest_of(address.rstrip("/").encode())[:16])
    _BY_FOLDER[bucket.folder] = bucket
    return bucket


_BY_FOLDER: Final[dict[Path, Bucket]] = {}


def bucket_behind(folder: Path) -> Bucket | None:
    """The bucket that a local folder is a copy of, if it is one."""
    return _BY_FOLDER.get(folder)


def publish(folder: Path) -> None:
    """Put what a long build has finished so far, where its folder is a copy; now and then, not each time."""
    bucket = bucket_behind(folder)
    if bucket is not None and time.monotonic() - bucket.put_at > _PUBLISHED_S:
        bucket.put_changes()


@dataclass
class Bucket:
    """An object store's part that holds one knowledge base.

    Attributes:
        address: ``s3://bucket/path``.
        folder: Its local copy.
        put_at: When changes were put last.
    """

    address: str
    folder: Path
    put_at: float = 0.0
    _depth: int = 0
    _etag: str = ""
    _guard: threading.RLock = field(default_factory=threading.RLock)
    _claiming: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        try:
            import obstore
            from obstore.store import from_url
        except ImportError:
            raise MissingExtraError("obstore", "cloud", "a knowledge base in an object store") from None
        self._obstore: Any = obstore
        endpoint = os.environ.get("AWS_ENDPOINT_URL", "") if self.address.startswith("s3://") else ""
        options = {"allow_http": endpoint.startswith("http://"), "timeout": "60s"}
        self._store: Any = from_url(
            self.address,
            client_options=options,
            retry_config={"max_retries": RETRIES, "retry_timeout": _seconds(30)},
        )

    def fetch(self) -> None:
        """Make the copy what the store holds. Not while this process writes: the copy is then the newer."""
        from filelock import FileLock, Timeout

        with self._guard:
            if self._depth:
                return
            make_folder(self.folder)
            try:
                with FileLock(self.folder / _LOCK, timeout=0):
                    self._fetch()
            except Timeout:  # another process of this machine writes into the copy, or has just fetched
                self._watch(self._state()[0])

    @contextmanager
    def held(self, wait_s: float, doing: str) -> Iterator[None]:
        """Be the one who writes, on all machines: fetch, do, put.

        Raises:
            BusyError: another holds it for longer than ``wait_s``.
            StorageError: the store does not answer.
        """
        from filelock import FileLock, Timeout

        with self._guard:
            if self._depth:
                self._depth += 1
                try:
                    yield
                finally:
                    self._depth -= 1
                return
            try:
                with FileLock(self.folder / _LOCK, timeout=max(wait_s, 0)):
                    self._acquire(wait_s, doing)
                    stop = threading.Event()
                    threading.Thread(target=self._renew, args=(stop,), daemon=True).start()
                    self._depth = 1
                    try:
                        self._fetch()
                        try:
                            yield
                        finally:
                            self.put_changes()
                    finally:
                        self._depth = 0
                        stop.set()
                        self._let_go()
            except Timeout:
                raise self._busy(doing, "a process of this machine") from None

    def put_changes(self) -> None:
        """Make the store what the copy is; only while the lock is held.

        Raises:
            BusyError: the lock has not been renewed in time, and another machine has written.
        """
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        before, root = self._state()
        now: dict[str, _Seen] = {}
        for key, stamp in self._stamps().items():
            seen = before.get(key)
            if seen is None or not seen.stands(stamp):
                content = (self.folder / key).read_bytes()
                seen = _Seen(digest_of(content), *stamp)
                if key not in before or before[key].digest != seen.digest:
                    with self._telling():
                        self._put_file(key, seen.digest, content)
            now[key] = seen
        self.put_at = time.monotonic()
        files = {key: seen.digest for key, seen in now.items()}
        if files != {key: seen.digest for key, seen in before.items()} or not root:
            with self._telling():
                try:
                    root = self._put(_ROOT, sealed({"files": files}), {"e_tag": root} if root else "create")
                except (PreconditionError, AlreadyExistsError):
                    raise BusyError(f"{self.address}: another machine has written meanwhile: run it again") from None
        self._keep(now, root)
        self._sweep(files)

    # --- inside -------------------------------------------------------------------------------------------------

    def _fetch(self) -> None:
        """Fetch what the root names and the copy lacks; what the copy has besides goes."""
        for _ in range(20):
            with self._telling():
                try:
                    found = self._obstore.get(self._store, _ROOT)
                    root, content = str(found.meta["e_tag"]), bytes(found.bytes())
                except FileNotFoundError:
                    root, content = "", sealed({"files": {}})
            try:
                files = dict(unsealed(content)["files"])
            except (ValueError, KeyError, TypeError):
                raise StorageError(
                    f"{self.address}/{_ROOT} is damaged: restore it from a backup of the bucket"
                ) from None
            if self._take(files, root):
                return
        raise StorageError(f"{self.address}: it changes faster than it can be fetched: try again")

    def _take(self, files: dict[str, str], root: str) -> bool:
        """Make the copy what a root names; False when another root has come meanwhile, and files have gone."""
        before, _ = self._state()
        stamps = self._stamps()
        now: dict[str, _Seen] = {}
        # The ledger of the signals comes first: it says how large their files are.
        for key, digest in sorted(files.items(), key=lambda file: _is_signals(file[0])):
            seen = before.get(key)
            if seen is None or seen.digest != digest or not seen.stands(stamps.get(key)):
                make_folder((self.folder / key).parent)
                size = self._size_of(key)
                if size is not None:
                    forget(self.folder / key)
                    dig(self.folder / key, size)
                    now[key] = _Seen(digest, size, _HOLED)
                    continue
                with self._telling():
                    try:
                        content = bytes(self._obstore.get(self._store, _place(key, digest)).bytes())
                    except FileNotFoundError:
                        return False
                if digest_of(content) != digest:
                    raise StorageError(f"{self.address}/{key} is damaged: it is not what was written")
                write_synced(self.folder / key, content)
                seen = _Seen(digest, *_stamp(self.folder / key))
            now[key] = seen
        for key in stamps:
            if key not in files:
                forget(self.folder / key)
                remove(self.folder / key)
        self._keep(now, root)
        self._watch(now)
        return True

    def _size_of(self, key: str) -> int | None:
        """Of a file that is to be fetched as it is read, as the ledger says; None of others."""
        if not _is_signals(key):
            return None
        try:
            return Ledger.load(self.folder / "signals").files[Path(key).name].size
        except (DamageError, KeyError):
            return None

    def _watch(self, files: dict[str, _Seen]) -> None:
        """Have the holes of files filled as they are read."""
        for key, seen in files.items():
            if seen.at == _HOLED:
                watch(self.folder / key, partial(self._range, key))

    def _range(self, key: str, start: int, stop: int) -> bytes:
        """A part of a file; where it is no more, the copy is what the store holds by now."""
        with self._telling():
            try:
                return bytes(self._obstore.get_range(self._store, key, start=start, end=stop))
            except FileNotFoundError:
                self.fetch()
                raise

    def _put_file(self, key: str, digest: str, content: bytes) -> None:
        self._put(key, content)
        if _place(key, digest) != key:
            self._put(_place(key, digest), content)

    def _sweep(self, files: dict[str, str]) -> None:
        """Take away what the root does not name: former states, erased patients, what a crash has left."""
        named = {_ROOT, _LOCK, *files, *(_place(key, digest) for key, digest in files.items())}
        with self._telling():
            gone = [o["path"] for page in self._obstore.list(self._store) for o in page if o["path"] not in named]
            if gone:
                self._obstore.delete(self._store, gone)

    def _put(self, key: str, content: bytes, mode: Any = "overwrite") -> str:
        return str(self._obstore.put(self._store, key, content, mode=mode, use_multipart=False)["e_tag"])

    def _acquire(self, wait_s: float, doing: str) -> None:
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        deadline = time.monotonic() + wait_s
        while True:
            with self._telling():
                try:
                    self._etag = self._put(_LOCK, self._claim(), "create")
                    return
                except AlreadyExistsError:
                    pass
                try:
                    found = self._obstore.get(self._store, _LOCK)
                    holder, etag = json.loads(bytes(found.bytes())), found.meta["e_tag"]
                    if holder["until"] < time.time():
                        self._etag = self._put(_LOCK, self._claim(), {"e_tag": etag})
                        return
                except (FileNotFoundError, PreconditionError):  # let go, or taken over by another
                    continue
            if wait_s >= 0 and time.monotonic() > deadline:
                raise self._busy(doing, str(holder["host"]))
            time.sleep(0.2)

    def _held_by(self) -> str | None:
        try:
            return str(self._obstore.head(self._store, _LOCK)["e_tag"])
        except FileNotFoundError:
            return None

    def _let_go(self) -> None:
        """Take the lock away, unless it is another's by now."""
        with self._telling(), self._claiming:
            if self._held_by() == self._etag:
                self._obstore.delete(self._store, _LOCK)

    def _renew(self, stop: threading.Event) -> None:
        while not stop.wait(_HELD_S / 5):
            try:
                with self._claiming:
                    self._etag = self._put(_LOCK, self._claim(), {"e_tag": self._etag})
            except Exception:  # whoever puts next sees that the lock is no longer this one's, and says so
                return

    @staticmethod
    def _claim() -> bytes:
        return json.dumps({"host": socket.gethostname(), "pid": os.getpid(), "until": time.time() + _HELD_S}).encode()

    def _busy(self, doing: str, who: str) -> BusyError:
        return BusyError(f"{self.address}: {who} is writing to it; {doing} waited: try again when it has finished")

    def _stamps(self) -> dict[str, tuple[int, int]]:
        """Size and time of each file of the copy that belongs into the store."""
        found = {
            file.relative_to(self.folder).as_posix(): file
            for file in self.folder.rglob("*")
            if file.is_file() and not file.name.endswith((".lock", PARTIAL)) and file.name != _STATE
        }
        return {key: _stamp(file) for key, file in found.items() if not key.startswith("cache/")}

    def _state(self) -> tuple[dict[str, _Seen], str]:
        """What the copy was when it was last the same as the store, and the root then."""
        try:
            document = unsealed((self.folder / _STATE).read_bytes())
        except (OSError, ValueError):
            return {}, ""
        return {key: _Seen(*values) for key, values in document["files"].items()}, document["root"]

    def _keep(self, files: dict[str, _Seen], root: str) -> None:
        values = {key: [seen.digest, seen.size, seen.at] for key, seen in files.items()}
        write_atomically(self.folder / _STATE, sealed({"address": self.address, "root": root, "files": values}))

    @contextmanager
    def _telling(self) -> Iterator[None]:
        from obstore.exceptions import BaseError

        try:
            yield
        except (KnowledgeBaseError, FileNotFoundError):
            raise
        except (BaseError, OSError, ValueError) as error:
            raise StorageError(
                f"{self.address}: the object store cannot be used ({type(error).__name__}): see its address, the endpoint "
                "and the credentials in the environment"
            ) from None


@dataclass(frozen=True)
class _Seen:
    """A file of the copy that was the same as in the store: its content's digest, and what tells that it has not changed."""

    digest: str
    size: int
    at: int

    def stands(self, stamp: tuple[int, int] | None) -> bool:
        """Whether the file is still that one, by its size and time; filling holes changes the time."""
        return stamp is not None and stamp == (self.size, stamp[1] if self.at == _HOLED else self.at)


_HOLED: Final = -1
"""Stands for the time of a file that is fetched as it is read; its name is made of its content."""


def _is_signals(key: str) -> bool:
    return key.startswith("signals/") and key.endswith(".parquet") and "_delta_log" not in key


def _place(key: str, digest: str) -> str:
    """Where a file is read: a data file under its own name, which no other content ever has."""
    return key if key.endswith(".parquet") and "_delta_log" not in key else f"{_KEPT}{digest}"


def _stamp(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_size, status.st_mtime_ns


def _seconds(n: float) -> Any:
    from datetime import timedelta

    return timedelta(seconds=n)
