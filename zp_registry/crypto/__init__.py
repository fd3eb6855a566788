"""Keys, sealed values, keyed hashes for matching, masks for output, sealed files.

Names, account ids and credit codes are public or needed in clear; ID numbers, phones and payee accounts are not. They are
kept as an AES-256-GCM or SM4-GCM ciphertext (to read), a keyed hash (to match) and a mask (to show), as PIPL art. 51 asks for.
"""

from zp_registry.crypto.ciphers import CIPHERS, CipherName
from zp_registry.crypto.files import clear_unfinished, seal_bytes, seal_file, sealed_with, unseal_chunks, unseal_file
from zp_registry.crypto.keyring import Damaged, Keyring, WrappedKey, mark_of, master_mark, new_data_key, wrap_anew
from zp_registry.crypto.masks import (
    mask_account,
    mask_account_column,
    mask_id,
    mask_id_column,
    mask_name,
    mask_name_column,
    mask_phone,
    mask_phone_column,
)
from zp_registry.crypto.master import (
    create_master,
    decode_master,
    find_coming,
    find_master,
    former_masters,
    from_file,
    put_coming,
    take_over,
)

__all__ = [
    "CIPHERS",
    "CipherName",
    "Damaged",
    "Keyring",
    "WrappedKey",
    "clear_unfinished",
    "create_master",
    "decode_master",
    "find_coming",
    "find_master",
    "former_masters",
    "from_file",
    "mark_of",
    "mask_account",
    "mask_account_column",
    "mask_id",
    "mask_id_column",
    "mask_name",
    "mask_name_column",
    "mask_phone",
    "mask_phone_column",
    "master_mark",
    "new_data_key",
    "put_coming",
    "seal_bytes",
    "seal_file",
    "sealed_with",
    "take_over",
    "unseal_chunks",
    "unseal_file",
    "wrap_anew",
]
