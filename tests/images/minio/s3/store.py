"""Buckets and objects on disk: SQLite for what is known about them, one file for the bytes of each."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS bucket (name TEXT PRIMARY KEY, created REAL, policy TEXT);
CREATE TABLE IF NOT EXISTS object (
    bucket TEXT REFERENCES bucket, key TEXT, file TEXT, size INTEGER, etag TEXT, modified REAL, headers TEXT,
    PRIMARY KEY (bucket, key)
);
CREATE TABLE IF NOT EXISTS upload (id TEXT PRIMARY KEY, bucket TEXT, key TEXT, headers TEXT);
CREATE TABLE IF NOT EXISTS part (upload TEXT, number INTEGER, file TEXT, etag TEXT, PRIMARY KEY (upload, number));
"""


@dataclass(frozen=True)
class StoredObject:
    key: str
    file: str
    size: int
    etag: str
    modified: float
    headers: dict[str, str]


class Store:
    """Every method is one transaction; a name that is not there is a KeyError."""

    def __init__(self, folder: Path) -> None:
        self._files = folder / ".store" / "files"
        self._files.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._database = sqlite3.connect(folder / ".store" / "objects.db", check_same_thread=False)
        self._database.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; {_SCHEMA}")

    def buckets(self) -> list[tuple[str, float]]:
        return self._all("SELECT name, created FROM bucket ORDER BY name")

    def create_bucket(self, name: str) -> bool:
        """False when it was there."""
        return self._run("INSERT OR IGNORE INTO bucket VALUES (?, ?, NULL)", name, time.time()) == 1

    def has_bucket(self, name: str) -> bool:
        return bool(self._all("SELECT 1 FROM bucket WHERE name = ?", name))

    def delete_bucket(self, name: str) -> bool:
        """False when something is in it."""
        with self._lock:
            if self._all("SELECT 1 FROM object WHERE bucket = ? LIMIT 1", name):
                return False
            self._run("DELETE FROM bucket WHERE name = ?", name)
            return True

    def policy(self, bucket: str) -> str | None:
        rows = self._all("SELECT policy FROM bucket WHERE name = ?", bucket)
        return rows[0][0] if rows else None

    def set_policy(self, bucket: str, policy: str | None) -> None:
        self._run("UPDATE bucket SET policy = ? WHERE name = ?", policy, bucket)

    def put(self, bucket: str, key: str, body: bytes, headers: dict[str, str], etag: str | None = None) -> str:
        """Store an object, replacing what was there, and return its ETag."""
        etag = etag or hashlib.md5(body).hexdigest()
        file = self._write(body)
        with self._lock:
            before = self._all("SELECT file FROM object WHERE bucket = ? AND key = ?", bucket, key)
            self._run(
                "INSERT OR REPLACE INTO object VALUES (?, ?, ?, ?, ?, ?, ?)",
                *(bucket, key, file, len(body), etag, time.time(), json.dumps(headers)),
            )
        self._forget(before)
        return etag

    def get(self, bucket: str, key: str) -> StoredObject:
        rows = self._all(f"{_SELECT} WHERE bucket = ? AND key = ?", bucket, key)
        if not rows:
            raise KeyError(key)
        return _stored(rows[0])

    def read(self, stored: StoredObject) -> bytes:
        return (self._files / stored.file).read_bytes()

    def delete(self, bucket: str, key: str) -> None:
        with self._lock:
            before = self._all("SELECT file FROM object WHERE bucket = ? AND key = ?", bucket, key)
            self._run("DELETE FROM object WHERE bucket = ? AND key = ?", bucket, key)
        self._forget(before)

    def keys(self, bucket: str, prefix: str, after: str) -> list[StoredObject]:
        """Objects whose key begins with `prefix` and comes after `after`, in order."""
        rows = self._all(
            f"{_SELECT} WHERE bucket = ? AND key > ? AND substr(key, 1, ?) = ? ORDER BY key",
            *(bucket, after, len(prefix), prefix),
        )
        return [_stored(row) for row in rows]

    def begin_upload(self, bucket: str, key: str, headers: dict[str, str]) -> str:
        identifier = uuid.uuid4().hex
        self._run("INSERT INTO upload VALUES (?, ?, ?, ?)", identifier, bucket, key, json.dumps(headers))
        return identifier

    def put_part(self, upload: str, number: int, body: bytes) -> str:
        self._upload(upload)
        etag = hashlib.md5(body).hexdigest()
        self._run("INSERT OR REPLACE INTO part VALUES (?, ?, ?, ?)", upload, number, self._write(body), etag)
        return etag

    def complete_upload(self, upload: str, numbers: list[int]) -> str:
        bucket, key, headers = self._upload(upload)
        parts = {row[0]: row[1:] for row in self._all("SELECT number, file, etag FROM part WHERE upload = ?", upload)}
        body = b"".join((self._files / parts[number][0]).read_bytes() for number in numbers)
        digest = hashlib.md5(b"".join(bytes.fromhex(parts[number][1]) for number in numbers)).hexdigest()
        etag = self.put(bucket, key, body, headers, f"{digest}-{len(numbers)}")
        self.abort_upload(upload)
        return etag

    def abort_upload(self, upload: str) -> None:
        with self._lock:
            parts = self._all("SELECT file FROM part WHERE upload = ?", upload)
            self._run("DELETE FROM part WHERE upload = ?", upload)
            self._run("DELETE FROM upload WHERE id = ?", upload)
        self._forget(parts)

    def _upload(self, upload: str) -> tuple[str, str, dict[str, str]]:
        rows = self._all("SELECT bucket, key, headers FROM upload WHERE id = ?", upload)
        if not rows:
            raise KeyError(upload)
        return rows[0][0], rows[0][1], json.loads(rows[0][2])

    def _write(self, body: bytes) -> str:
        name = uuid.uuid4().hex
        (self._files / name).write_bytes(body)
        return name

    def _forget(self, files: list[tuple[str]]) -> None:
        for (file,) in files:
            (self._files / file).unlink(missing_ok=True)

    def _all(self, statement: str, *values: object) -> list[tuple]:
        with self._lock:
            return self._database.execute(statement, values).fetchall()

    def _run(self, statement: str, *values: object) -> int:
        with self._lock, self._database:
            return self._database.execute(statement, values).rowcount


_SELECT = "SELECT key, file, size, etag, modified, headers FROM object"


def _stored(row: tuple) -> StoredObject:
    return StoredObject(*row[:5], json.loads(row[5]))
