"""What the registry promises about keys and sealed values: they come back whole, in their place, with the right key, or not."""

from __future__ import annotations

import os
import stat
import threading
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zp_registry import crypto
from zp_registry.crypto import Damaged, Keyring
from zp_registry.errors import KeyProblem

MASTER = bytes(range(32))
RING, ROWS = Keyring.create(MASTER)
TEXTS = st.lists(st.one_of(st.none(), st.text(max_size=40)), max_size=8)


@given(TEXTS)
def test_a_sealed_column_comes_back_and_hides_its_texts(values: list[str | None]) -> None:
    keys = [f"record{i}" for i in range(len(values))]
    sealed = RING.seal_column(values, column="record.sealed", record_keys=keys)
    assert [v is None for v in sealed] == [v is None for v in values]
    assert Keyring.open(MASTER, ROWS).unseal_column(sealed, column="record.sealed", record_keys=keys) == values
    assert all(v is None or len(v) < 6 or v.encode() not in s for v, s in zip(values, sealed, strict=True) if s is not None)


@given(st.binary(max_size=60), st.integers(0, 10_000), st.integers(1, 255))
def test_any_changed_byte_is_found(plain: bytes, at: int, flip: int) -> None:
    sealed = bytearray(RING.seal(plain, column="c", record_key="r"))
    sealed[at % len(sealed)] ^= flip
    with pytest.raises((Damaged, KeyProblem)):
        RING.unseal(bytes(sealed), column="c", record_key="r")


@given(st.binary(max_size=60), st.integers(0, 100))
def test_a_cut_value_is_found(plain: bytes, at: int) -> None:
    sealed = RING.seal(plain, column="c", record_key="r")
    with pytest.raises((Damaged, KeyProblem)):
        RING.unseal(sealed[:at % len(sealed)], column="c", record_key="r")


@pytest.mark.parametrize(("column", "record_key"), [("pledge.sealed", "a"), ("record.sealed", "b"), ("record.seale", "d|a")])
def test_a_value_moved_to_another_column_or_record_does_not_open(column: str, record_key: str) -> None:
    sealed = RING.seal(b"x", column="record.sealed", record_key="a")
    with pytest.raises(Damaged):
        RING.unseal(sealed, column=column, record_key=record_key)


def test_equal_values_seal_differently() -> None:
    assert len(set(RING.seal_column(["x"] * 50, column="c", record_keys=["r"] * 50))) == 50


def test_the_wrong_master_is_refused_before_anything_opens() -> None:
    with pytest.raises(KeyProblem, match="not the one that this registry was made with"):
        Keyring.open(bytes(32), ROWS)
    with pytest.raises(KeyProblem, match="bytes"):
        Keyring.open(b"short", ROWS)


def test_lost_damaged_or_swapped_key_rows_are_refused() -> None:
    data, match = ROWS
    for rows in ([], [data], [match], [data, replace(match, wrapped=data.wrapped)], [replace(data, purpose="match"), match],
                 [replace(data, wrapped=data.wrapped[:-1]), match]):
        with pytest.raises(KeyProblem):
            Keyring.open(MASTER, rows)


def test_another_registrys_key_opens_nothing() -> None:
    other, _ = Keyring.create(MASTER)
    with pytest.raises(KeyProblem, match="data key that this registry does not have"):
        other.unseal(RING.seal(b"x", column="c", record_key="r"), column="c", record_key="r")
    assert other.match("411324199001010016", "id") != RING.match("411324199001010016", "id")


def test_a_retired_key_still_opens_and_no_longer_seals() -> None:
    old = RING.seal(b"x", column="c", record_key="r")
    new_ring, new_rows = Keyring.create(MASTER)
    retired = [replace(r, retired_at="2024-01-01T00:00:00+00:00") if r.purpose == "data" else r for r in ROWS]
    both = Keyring.open(MASTER, [*retired, next(r for r in new_rows if r.purpose == "data")])
    assert both.unseal(old, column="c", record_key="r") == b"x"
    assert new_ring.unseal(both.seal(b"y", column="c", record_key="r"), column="c", record_key="r") == b"y"
    assert both.match("v", "id") == RING.match("v", "id")


@given(st.lists(st.one_of(st.none(), st.text(max_size=20)), max_size=12))
def test_matching_is_by_value_and_purpose(values: list[str | None]) -> None:
    column = pd.Series(values, dtype="str", index=[f"i{n}" for n in range(len(values))])
    hashed = RING.match_column(column, "id")
    assert hashed.index.equals(column.index)
    assert hashed.isna().tolist() == [v is None for v in values]
    for value, found in zip(values, hashed, strict=True):
        if value is not None:
            assert found == RING.match(value, "id") != RING.match(value, "phone")
            assert len(found) == 32
    assert hashed.nunique() == len({v for v in values if v is not None})


def test_the_keyed_hash_is_the_standard_one() -> None:
    """A registry's hashes must be the same in every version: HMAC-SHA256 as RFC 2104 defines it."""
    import hashlib
    import hmac

    ring = Keyring({ROWS[0].key_id: bytes(32)}, ROWS[0].key_id, b"k" * 32)
    sub = hmac.new(b"k" * 32, b"purpose:id", hashlib.sha256).digest()
    assert ring.match("值", "id") == hmac.new(sub, "值".encode(), hashlib.sha256).hexdigest()[:32]


def test_no_key_shows_in_a_representation() -> None:
    assert repr(RING) == "Keyring(1 data keys)"


# -- masks


@pytest.mark.parametrize(("mask", "value", "shown"), [
    (crypto.mask_id, "411324199001011234", "411324********1234"), (crypto.mask_id, "41132419900101123X", "411324********123X"),
    (crypto.mask_id, "411324900101123", "411324*****1123"), (crypto.mask_id, "H12345678", "H1*****78"),
    (crypto.mask_id, "E123", "****"),
    (crypto.mask_phone, "13800001234", "138****1234"), (crypto.mask_phone, "65921234", "*****234"),
    (crypto.mask_account, "6222020000001234567", "***************4567"), (crypto.mask_account, "12345", "*****"),
    (crypto.mask_name, "张三", "张*"), (crypto.mask_name, "欧阳小明", "欧阳**"), (crypto.mask_name, "欧阳", "欧*"),
    (crypto.mask_name, "张", "*"),
])
def test_masks(mask: object, value: str, shown: str) -> None:
    assert mask(value) == shown  # type: ignore[operator]


@given(st.lists(st.one_of(st.none(), st.text("0123456789XHM欧阳张三", max_size=22)), max_size=12))
def test_a_column_is_masked_as_its_values_are(values: list[str | None]) -> None:
    column = pd.Series(values, dtype="str", index=range(5, 5 + len(values)))
    for one, many in ((crypto.mask_id, crypto.mask_id_column), (crypto.mask_phone, crypto.mask_phone_column),
                      (crypto.mask_account, crypto.mask_account_column), (crypto.mask_name, crypto.mask_name_column)):
        masked = many(column)
        assert masked.index.equals(column.index)
        assert masked.dtype == "str"
        assert [None if pd.isna(v) else v for v in masked] == [None if v is None else one(v) for v in values]


# -- files


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 * (1 << 20)])
def test_files_of_every_size_come_back(tmp_path: Path, size: int) -> None:
    plain = os.urandom(size)
    (tmp_path / "a").write_bytes(plain)
    crypto.seal_file(tmp_path / "a", tmp_path / "b", RING)
    crypto.unseal_file(tmp_path / "b", tmp_path / "c", RING)
    assert (tmp_path / "c").read_bytes() == plain
    assert stat.S_IMODE((tmp_path / "b").stat().st_mode) == 0o600
    assert size < 16 or plain[:1000] not in (tmp_path / "b").read_bytes()


def test_what_was_only_begun_is_cleared_and_what_is_being_sealed_is_not(tmp_path: Path) -> None:
    killed = tmp_path / ".0123_a.csv.sealed.a1b2c3d4"
    killed.write_bytes(b"ZPF1 cut")
    (tmp_path / "0123_a.csv.sealed").write_bytes(b"ZPF1 whole")
    pipe, plain = tmp_path / "pipe", os.urandom(1000)
    os.mkfifo(pipe)
    at_work = threading.Thread(target=crypto.seal_file, args=(pipe, tmp_path / "b.csv.sealed", RING))
    at_work.start()
    with pipe.open("wb") as source:  # the sealing waits for what is still to come
        source.write(plain[:10])
        source.flush()
        while not (half := list(tmp_path.glob(".b.csv.sealed.*"))):
            time.sleep(0.01)
        time.sleep(0.1)
        assert crypto.clear_unfinished(tmp_path) == 1
        assert (killed.exists(), half[0].exists()) == (False, True)
        source.write(plain[10:])
    at_work.join()
    crypto.unseal_file(tmp_path / "b.csv.sealed", tmp_path / "b.csv", RING)
    assert (tmp_path / "b.csv").read_bytes() == plain
    assert (tmp_path / "0123_a.csv.sealed").read_bytes() == b"ZPF1 whole"


CHUNK = (1 << 20) + 16
HEAD = 28


SPOILT = {
    "last chunk missing": lambda b: b[:HEAD + 2 * CHUNK],
    "last byte missing": lambda b: b[:-1],
    "only the head": lambda b: b[:HEAD],
    "half the head": lambda b: b[:10],
    "empty": lambda b: b"",
    "chunks swapped": lambda b: b[:HEAD] + b[HEAD + CHUNK:HEAD + 2 * CHUNK] + b[HEAD:HEAD + CHUNK] + b[HEAD + 2 * CHUNK:],
    "first chunk missing": lambda b: b[:HEAD] + b[HEAD + CHUNK:],
    "one byte more": lambda b: b + b"\0",
    "a bit changed": lambda b: b[:100] + bytes([b[100] ^ 1]) + b[101:],
    "the salt changed": lambda b: b[:20] + bytes([b[20] ^ 1]) + b[21:],
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_a_spoilt_file_is_found_and_leaves_nothing_behind(tmp_path: Path, spoil: object) -> None:
    (tmp_path / "a").write_bytes(os.urandom(2 * (1 << 20) + 5))
    crypto.seal_file(tmp_path / "a", tmp_path / "b", RING)
    (tmp_path / "b").write_bytes(spoil((tmp_path / "b").read_bytes()))  # type: ignore[operator]
    with pytest.raises(Damaged):
        crypto.unseal_file(tmp_path / "b", tmp_path / "c", RING)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"]


# -- the master key


def test_a_new_master_key_is_found_again_and_never_written_over(tmp_path: Path) -> None:
    file = tmp_path / "master.key"
    assert crypto.find_master(file, {}) is None
    key = crypto.create_master(file)
    assert crypto.find_master(file, {}) == key
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(KeyProblem, match="not written over"):
        crypto.create_master(file)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_that_others_can_read_is_refused_with_what_to_do(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "master.key"
    crypto.create_master(file)
    file.chmod(mode)
    with pytest.raises(KeyProblem, match="chmod 600"):
        crypto.find_master(file, {})


def test_variable_beats_command_beats_file(tmp_path: Path) -> None:
    import base64

    file = tmp_path / "master.key"
    crypto.create_master(file)
    one, two = (base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))
    command = f"printf %s {two}"
    assert crypto.find_master(file, {"ZP_MASTER_KEY": one, "ZP_MASTER_KEY_COMMAND": command}) == b"\1" * 32
    assert crypto.find_master(file, {"ZP_MASTER_KEY_COMMAND": command}) == b"\2" * 32


@pytest.mark.parametrize("command", [
    "false", "no-such-program-at-all", "echo secret-but-wrong", "'open quote", "   ", f"echo {'A' * 43}= ; true"])
def test_a_failing_key_command_says_so_without_its_output(tmp_path: Path, command: str) -> None:
    with pytest.raises(KeyProblem) as error:
        crypto.find_master(tmp_path / "none", {"ZP_MASTER_KEY_COMMAND": command})
    assert "ZP_MASTER_KEY_COMMAND" in str(error.value)
    assert "secret" not in str(error.value)
    assert "AAA" not in str(error.value)
