"""Secrets that must be read again (second factors, links in mails): sealed at rest. Pure."""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from services.common.errors import Conflict

# Where a secret stands in a mail once it is sent; until then it lies in no table as text.
PLACE = "{{secret}}"


class Seal:
    """Seals and opens texts with a key derived from the installation's session secret."""

    def __init__(self, secret: str) -> None:
        derived = HKDF(SHA256(), length=32, salt=None, info=b"credit-sealed-texts").derive(secret.encode())
        self._fernet = Fernet(base64.urlsafe_b64encode(derived))

    def seal(self, text: str) -> str:
        """The sealed text."""
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """What was sealed; `Conflict` where the installation's secret is another one now."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken as problem:
            raise Conflict(
                "系统密钥 (CREDIT_SECRET_KEY) 已更换, 此项需由管理员重置", code="sealed_with_another_secret"
            ) from problem
