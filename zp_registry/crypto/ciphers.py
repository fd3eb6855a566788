"""The two ciphers in which values are sealed: AES-256-GCM, and SM4-GCM (GB/T 32907), which audits of 商用密码 ask for.

A key says by its length which cipher it is for: 32 bytes AES-256, 16 bytes SM4. AES is several times quicker, since
processors have instructions for it.
"""

from __future__ import annotations

from typing import Literal, Protocol, get_args

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

CipherName = Literal["aes-256-gcm", "sm4-gcm"]
CIPHERS: tuple[CipherName, ...] = get_args(CipherName)
KEY_BYTES: dict[CipherName, int] = {"aes-256-gcm": 32, "sm4-gcm": 16}
_TAG = 16


class Aead(Protocol):
    """Authenticated encryption with associated data; ``decrypt`` raises InvalidTag for whatever was changed."""

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes: ...

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes: ...


class Sm4Gcm:
    """SM4 in Galois/Counter Mode, with the face of :class:`AESGCM`: the tag of 16 bytes stands behind the ciphertext."""

    def __init__(self, key: bytes) -> None:
        self._cipher = algorithms.SM4(key)

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """The ciphertext with its tag."""
        encryptor = Cipher(self._cipher, modes.GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(associated_data or b"")
        return encryptor.update(data) + encryptor.finalize() + encryptor.tag

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """The plaintext. InvalidTag if anything was changed."""
        if len(data) < _TAG:
            raise InvalidTag
        decryptor = Cipher(self._cipher, modes.GCM(nonce, data[-_TAG:])).decryptor()
        decryptor.authenticate_additional_data(associated_data or b"")
        return decryptor.update(data[:-_TAG]) + decryptor.finalize()


def cipher_for(key: bytes) -> Aead:
    """The cipher that a key of this length is for."""
    return Sm4Gcm(key) if len(key) == KEY_BYTES["sm4-gcm"] else AESGCM(key)


def cipher_name(key: bytes) -> CipherName:
    """Its name."""
    return "sm4-gcm" if len(key) == KEY_BYTES["sm4-gcm"] else "aes-256-gcm"
