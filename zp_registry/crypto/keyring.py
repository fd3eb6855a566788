"""Envelope encryption: the master key wraps a data key and a matching key; only the wrapped ones are ever stored.

A sealed value is ``version (1) | key id (8) | nonce (12) | ciphertext and tag``. Its associated data is the column and the
record's key, so that a ciphertext moved to another column or record does not open. Nonces are random: one data key is good
for 2**32 values (NIST SP 800-38D), some hundred years of a county's reports.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

import pandas as pd
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from zp_registry.crypto.ciphers import KEY_BYTES, Aead, CipherName, cipher_for, cipher_name
from zp_registry.errors import KeyProblem, ZpError

Purpose = Literal["data", "match"]
MASTER_BYTES = 32
_VERSION, _SM4 = b"\x01", b"\x02"  # of a wrapped key: its cipher; a sealed value is always of the first form
_ID, _NONCE, _TAG, _CHECK = 8, 12, 16, 8
_HEAD = 1 + _ID + _NONCE


class Damaged(ZpError):
    """A sealed value or file was changed, cut off, or moved to another place."""


@dataclass(frozen=True)
class WrappedKey:
    """One row of the key table. ``wrapped`` = version | check value of its master key | nonce | ciphertext;
    moments are ISO text in UTC; a retired key opens old values and seals no new ones."""

    key_id: str
    purpose: Purpose
    wrapped: bytes
    created_at: str
    retired_at: str | None = None


class Keyring:
    """The open keys of one registry. Seals, opens and matches; shows no key in its representation."""

    def __init__(self, data: dict[str, bytes], current: str, match: bytes) -> None:
        self._data = data
        self._ciphers: dict[bytes, Aead] = {bytes.fromhex(key_id): cipher_for(key) for key_id, key in data.items()}
        self._current = bytes.fromhex(current)
        self._match = match
        self._purposes: dict[str, _KeyedHash] = {}

    def __repr__(self) -> str:
        return f"Keyring({len(self._data)} data keys)"

    @classmethod
    def create(cls, master: bytes, cipher: CipherName = "aes-256-gcm") -> tuple[Keyring, list[WrappedKey]]:
        """New data and matching keys under ``master`` (32 bytes), and the rows to store for them."""
        rows = [_wrap(master, "data", cipher), _wrap(master, "match")]
        return cls.open(master, rows), rows

    @classmethod
    def open(cls, master: bytes, rows: Iterable[WrappedKey]) -> Keyring:
        """The keys of ``rows``. KeyProblem if there are none, or if ``master`` is not the key that wrapped them."""
        rows = list(rows)
        opened = {row.key_id: _unwrap(master, row) for row in rows}
        live = sorted((r for r in rows if r.retired_at is None), key=lambda r: (r.created_at, r.key_id))
        data = [r.key_id for r in live if r.purpose == "data"]
        match = [r.key_id for r in live if r.purpose == "match"]
        if not data or not match:
            raise KeyProblem("the registry has no data keys: run 'zp-registry init', or restore the table data_key from backup")
        return cls({r.key_id: opened[r.key_id] for r in rows if r.purpose == "data"}, data[-1], opened[match[-1]])

    def holds_the_keys_of(self, other: Keyring) -> bool:
        """Whether both open and match the same."""
        return (self._data, self._current, self._match) == (other._data, other._current, other._match)

    @property
    def current(self) -> bytes:
        """The id of the data key that seals now, as it stands in sealed values and files."""
        return self._current

    @property
    def data_keys(self) -> dict[str, CipherName]:
        """Every data key's id and cipher."""
        return {key_id: cipher_name(key) for key_id, key in self._data.items()}

    def derived(self, purpose: str) -> bytes:
        """A key of 32 bytes for another purpose than matching, such as the audit trail's; it outlives every rotation."""
        return HKDF(SHA256(), 32, None, b"zp-registry " + purpose.encode()).derive(self._match)

    def seal(self, plaintext: bytes, *, column: str, record_key: str) -> bytes:
        """``plaintext`` as a sealed value of this column and record."""
        nonce = os.urandom(_NONCE)
        sealed = self._ciphers[self._current].encrypt(nonce, plaintext, _place(column) + record_key.encode())
        return _VERSION + self._current + nonce + sealed

    def unseal(self, sealed: bytes, *, column: str, record_key: str) -> bytes:
        """The plaintext. Damaged if the value was changed or belongs elsewhere, KeyProblem if its key is not here."""
        cipher = self._ciphers.get(bytes(sealed[1:1 + _ID]))
        if sealed[:1] != _VERSION or len(sealed) < _HEAD + _TAG:
            raise Damaged(f"a sealed value of {column} is damaged: not in the form that this version writes")
        if cipher is None:
            raise KeyProblem(f"a sealed value of {column} was written with a data key that this registry does not have")
        try:
            return cipher.decrypt(sealed[1 + _ID:_HEAD], sealed[_HEAD:], _place(column) + record_key.encode())
        except InvalidTag:
            raise Damaged(f"a sealed value of {column} is damaged, or was moved from another record or column") from None

    def seal_column(self, values: Sequence[str | None], *, column: str, record_keys: Sequence[str]) -> list[bytes | None]:
        """Each value sealed for its record; None stays None. ValueError if the two differ in length."""
        nonces = os.urandom(_NONCE * len(values))
        encrypt, head, place = self._ciphers[self._current].encrypt, _VERSION + self._current, _place(column)
        out: list[bytes | None] = []
        for at, (value, key) in enumerate(zip(values, record_keys, strict=True)):
            if value is None:
                out.append(None)
            else:
                nonce = nonces[at * _NONCE:(at + 1) * _NONCE]
                out.append(head + nonce + encrypt(nonce, value.encode(), place + key.encode()))
        return out

    def unseal_column(self, values: Sequence[bytes | None], *, column: str, record_keys: Sequence[str]) -> list[str | None]:
        """The texts back, None for None; errors as :meth:`unseal`."""
        return [None if v is None else self.unseal(v, column=column, record_key=k).decode()
                for v, k in zip(values, record_keys, strict=True)]

    def match(self, value: str, purpose: str) -> str:
        """Keyed hash of ``value``: 32 hex characters, equal for equal values of one purpose, unrelated between purposes."""
        return self._hash(purpose).hex(value)

    def match_column(self, values: pd.Series[str], purpose: str) -> pd.Series[str]:
        """Keyed hashes of a whole column, NA for NA; index and order stay."""
        codes, distinct = pd.factorize(values)
        digest = self._hash(purpose).hex
        hashed = pd.array([digest(v) for v in distinct.tolist()], dtype="str")
        return pd.Series(hashed.take(codes, allow_fill=True), index=values.index, name=values.name, dtype="str")

    def file_key(self, key_id: bytes | None, salt: bytes) -> tuple[bytes, Aead]:
        """A cipher for one file, derived from a data key (None: the current one) and the file's salt; with the key's id."""
        key_id = self._current if key_id is None else key_id
        key = self._data.get(key_id.hex())
        if key is None:
            raise KeyProblem("a sealed file was written with a data key that this registry does not have")
        return key_id, cipher_for(HKDF(SHA256(), len(key), salt, b"zp-registry file").derive(key))

    def _hash(self, purpose: str) -> _KeyedHash:
        if purpose not in self._purposes:
            self._purposes[purpose] = _KeyedHash(hmac.digest(self._match, b"purpose:" + purpose.encode(), "sha256"))
        return self._purposes[purpose]


class _KeyedHash:
    """HMAC-SHA256 (RFC 2104) cut to 16 bytes; the two key blocks are hashed once and copied, which halves the time."""

    def __init__(self, key: bytes) -> None:
        block = key.ljust(64, b"\0")
        self._inner = hashlib.sha256(bytes(b ^ 0x36 for b in block))
        self._outer = hashlib.sha256(bytes(b ^ 0x5C for b in block))

    def hex(self, value: str) -> str:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(value.encode())
        outer.update(inner.digest())
        return outer.hexdigest()[:32]


def _place(column: str) -> bytes:
    if "|" in column:
        raise ValueError("a column's name holds no '|'")
    return column.encode() + b"|"


def _check(master: bytes) -> bytes:
    if len(master) != MASTER_BYTES:
        raise KeyProblem(f"the master key has {len(master)} bytes instead of {MASTER_BYTES}")
    return hmac.digest(master, b"zp-registry master key check", "sha256")[:_CHECK]


def new_data_key(master: bytes, cipher: CipherName) -> WrappedKey:
    """A fresh data key, wrapped: once it is stored, whoever opens the registry seals with it."""
    return _wrap(master, "data", cipher)


def wrap_anew(master: bytes, new: bytes, row: WrappedKey) -> WrappedKey:
    """The same key, wrapped by another master key. KeyProblem if ``master`` is not the one that wraps it now."""
    return replace(row, wrapped=_wrapped(new, row.wrapped[:1], row.key_id, row.purpose, _unwrap(master, row)))


def master_mark(master: bytes) -> str:
    """Which master key this is, in 16 hex characters that tell nothing about it."""
    return _check(master).hex()


def mark_of(row: WrappedKey) -> str:
    """The :func:`master_mark` of the master key that wraps ``row``."""
    return bytes(row.wrapped)[1:1 + _CHECK].hex()


def _wrap(master: bytes, purpose: Purpose, cipher: CipherName = "aes-256-gcm") -> WrappedKey:
    key_id, version = os.urandom(_ID).hex(), _SM4 if cipher == "sm4-gcm" else _VERSION
    wrapped = _wrapped(master, version, key_id, purpose, os.urandom(KEY_BYTES[cipher]))
    return WrappedKey(key_id, purpose, wrapped, datetime.now(UTC).isoformat(timespec="microseconds"))


def _wrapped(master: bytes, version: bytes, key_id: str, purpose: str, key: bytes) -> bytes:
    nonce = os.urandom(_NONCE)
    return version + _check(master) + nonce + _wrapper(master, version).encrypt(nonce, key, f"{key_id}|{purpose}".encode())


def _wrapper(master: bytes, version: bytes) -> Aead:
    """What wraps a key of this cipher: the same cipher, so that an SM4 registry holds no value that only AES protects."""
    return cipher_for(HKDF(SHA256(), 16, None, b"zp-registry sm4 wrap").derive(master) if version == _SM4 else master)


def _unwrap(master: bytes, row: WrappedKey) -> bytes:
    check, wrapped = _check(master), bytes(row.wrapped)
    body = 1 + _CHECK
    if wrapped[:1] not in (_VERSION, _SM4) or len(wrapped) < body + _NONCE + _TAG:
        raise KeyProblem(f"data key {row.key_id} is damaged: restore the table data_key from its backup")
    if not hmac.compare_digest(wrapped[1:body], check):
        raise KeyProblem("the master key is not the one that this registry was made with: give the right one "
                         "(keys/master.key, ZP_MASTER_KEY or ZP_MASTER_KEY_COMMAND); nothing was written")
    nonce, sealed = wrapped[body:body + _NONCE], wrapped[body + _NONCE:]
    try:
        return _wrapper(master, wrapped[:1]).decrypt(nonce, sealed, f"{row.key_id}|{row.purpose}".encode())
    except InvalidTag:
        raise KeyProblem(f"data key {row.key_id} is damaged: restore the table data_key from its backup") from None
