"""Bytes of a text file as text: UTF-8 and UTF-16 where they are certain, otherwise GB18030."""

from __future__ import annotations

from zp_registry.errors import FileRefused

_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_DAMAGED = 10  # so many times more Chinese characters than unreadable spots: damaged UTF-8, not GB18030
_SAMPLE = 1 << 20


def decode(data: bytes, name: str) -> tuple[str, str, bool]:
    """Text, encoding, and whether GB18030 had to be supposed. Strict UTF-8 goes first, since Chinese UTF-8 can pass for
    GB18030; for the same reason UTF-8 that is damaged or cut off is refused, not read as GB18030. FileRefused FILE_BROKEN."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                return data.decode(encoding), encoding, False
            except UnicodeDecodeError:
                raise FileRefused("FILE_BROKEN", name, detail="编码标记与内容不符") from None
    try:
        return data.decode("utf-8"), "utf-8", False
    except UnicodeDecodeError as error:
        if _was_utf8(data, error.start):
            raise FileRefused("FILE_BROKEN", name, detail=f"第 {error.start + 1} 个字节起 UTF-8 编码已损坏") from None
    try:
        return fold_private(data.decode("gb18030")), "gb18030", True
    except UnicodeDecodeError as error:
        raise FileRefused(
            "FILE_BROKEN", name, detail=f"第 {error.start + 1} 个字节起既不是 UTF-8 也不是 GB18030") from None


def _was_utf8(data: bytes, first_spot: int) -> bool:
    """GB18030 text hardly ever holds three bytes that are one Chinese character in UTF-8."""
    text = data[:_SAMPLE].decode("utf-8", "replace")
    spots = text.count("\ufffd")
    chinese = sum(text.count(c) for c in set(text) if "\u2e80" <= c <= "\uffef" and c != "\ufffd")
    return chinese > (0 if first_spot >= len(data) - 3 else _DAMAGED * spots)  # the last character alone is cut off


def fold_private(text: str) -> str:
    """Characters that GB18030 once put into the private-use area, as the ones that Unicode has for them today."""
    return text.translate(_PRIVATE_USE) if any("\ue766" <= c <= "\ue864" for c in set(text)) else text


# Private-use code points of GB18030-2000 and -2005 → GB18030-2022.
_PRIVATE_USE = {
    0xE78D: 0xFE10, 0xE78E: 0xFE12, 0xE78F: 0xFE11, 0xE790: 0xFE13, 0xE791: 0xFE14, 0xE792: 0xFE15, 0xE793: 0xFE16,
    0xE794: 0xFE17, 0xE795: 0xFE18, 0xE796: 0xFE19, 0xE7C7: 0x1E3F, 0xE816: 0x20087, 0xE817: 0x20089, 0xE818: 0x200CC,
    0xE81E: 0x9FB4, 0xE826: 0x9FB5, 0xE82B: 0x9FB6, 0xE82C: 0x9FB7, 0xE831: 0x215D7, 0xE832: 0x9FB8, 0xE83B: 0x2298F,
    0xE843: 0x9FB9, 0xE854: 0x9FBA, 0xE855: 0x241FE, 0xE864: 0x9FBB,
}
