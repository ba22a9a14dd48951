"""The key pairs with which gateway and services sign: private keys for their owner, public for all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from services.common.config import ALL_SERVICES, ConfigurationError


def make_missing_keys(folder: Path, names: Iterable[str] = ALL_SERVICES) -> list[str]:
    """Make the key pairs (and the session secret) that are not there yet; returns the names made.

    Private keys lie in `<folder>/private`, readable by their owner only; public ones in `<folder>/public`.
    """
    made = []
    private, public = folder / "private", folder / "public"
    private.mkdir(parents=True, exist_ok=True, mode=0o700)
    public.mkdir(parents=True, exist_ok=True)
    for name in names:
        if (private / f"{name}.pem").exists() and (public / f"{name}.pem").exists():
            continue
        key = Ed25519PrivateKey.generate()
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        _write_secret(private / f"{name}.pem", secret)
        opened = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (public / f"{name}.pem").write_bytes(opened)
        made.append(name)
    secret_file = private / "session.secret"
    if not secret_file.exists():
        _write_secret(secret_file, secrets.token_urlsafe(48).encode())
        made.append("session")
    return made


def load_private_key(folder: Path, name: str) -> Ed25519PrivateKey:
    """One signer's private key; `ConfigurationError` says how to make it."""
    key = load_pem_private_key(_read(folder / "private" / f"{name}.pem"), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError(f"{folder}/private/{name}.pem 不是 Ed25519 私钥")
    return key


def load_public_keys(folder: Path) -> dict[str, Ed25519PublicKey]:
    """The public keys of everybody who may sign, by name."""
    keys = {}
    for path in sorted((folder / "public").glob("*.pem")):
        key = load_pem_public_key(path.read_bytes())
        if not isinstance(key, Ed25519PublicKey):
            raise ConfigurationError(f"{path} 不是 Ed25519 公钥")
        keys[path.stem] = key
    if not keys:
        raise ConfigurationError(f"{folder}/public 中没有密钥: 请先运行 credit keys")
    return keys


def session_secret(folder: Path, configured: str) -> str:
    """The secret that signs people's sessions: the configured one, else the generated one."""
    return configured or _read(folder / "private" / "session.secret").decode()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as problem:
        raise ConfigurationError(f"缺少密钥 {path}: 请先运行 credit keys") from problem


def _write_secret(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
