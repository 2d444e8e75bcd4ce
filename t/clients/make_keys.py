"""Keys for the gateway, as Authlib and cryptography make and export them."""

import json
import os

from authlib.jose import JsonWebKey
from cryptography.hazmat.primitives.serialization import Encoding, \
    NoEncryption, PrivateFormat

from report import calls, finish, part, same

KINDS = {
    "RS": ("RSA", 2048), "PS": ("RSA", 2048), "Ed": ("OKP", "Ed25519"),
    "ES256": ("EC", "P-256"), "ES384": ("EC", "P-384"),
}
PEM = {
    "pkcs8": PrivateFormat.PKCS8,
    "traditional": PrivateFormat.TraditionalOpenSSL,
}


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)


def generate(kind, size):
    """A key whose numbers are as long as RFC 7518, section 6.2, wants them.

    Authlib leaves zeros out that a number begins with: of about 80 keys on
    a curve, one is no key for a strict reader.
    """

    for _ in range(50):
        key = JsonWebKey.generate_key(*kind, is_private=True)
        numbers = key.as_dict(is_private=True)

        if kind[0] != "EC" or {len(numbers[n]) for n in "dxy"} == {size}:
            return key

    raise RuntimeError("no such key in 50")


def make(wanted):
    alg = wanted["alg"]
    kind = KINDS.get(alg) or KINDS[alg[:2]]
    key = generate(kind, {"P-256": 43, "P-384": 64}.get(kind[1]))
    is_jwk = wanted["form"] == "jwk"

    # a PEM has no name: its key is named by the thumbprint

    jwk = {
        **key.as_dict(is_private=True), "alg": alg, "use": "sig",
        "kid": wanted["name"] if is_jwk else key.thumbprint(),
    }
    text = json.dumps(jwk).encode()

    write(wanted["jwk"], text)
    write(wanted["file"], text if is_jwk else key.get_private_key()
          .private_bytes(Encoding.PEM, PEM[wanted["form"]], NoEncryption()))


for wanted in calls["keys"]:
    with part(f"D4 Authlib: {wanted['name']}"):
        make(wanted)
        same(f"D4 Authlib: makes {wanted['name']}",
             os.path.exists(wanted["file"]), True)

finish()
