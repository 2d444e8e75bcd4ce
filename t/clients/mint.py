"""What PyJWT's and Authlib's scripts have in common: the claims of a token
to mint, and showing it to the gateway."""

import base64
import time
import uuid

import requests

from report import calls, part, same


def claims_for(server, kind):
    now = int(time.time())

    return {
        **server[kind]["claims"],
        "jti": str(uuid.uuid4()), "iat": now, "exp": now + 300,
    }


def flipped(token):
    """One bit in the middle, so that no encoding can hide it."""

    head, _, text = token.rpartition(".")
    signature = bytearray(base64.urlsafe_b64decode(text + "=="))
    signature[len(signature) // 2] ^= 1

    return head + "." + base64.urlsafe_b64encode(
        signature).rstrip(b"=").decode()


def show(server, business, token):
    url = f"{server['base']}/v1/businesses/{business}/x"

    return requests.get(
        url, headers={"Authorization": f"Bearer {token}"}).status_code


def read(path):
    with open(path, "rb") as file:
        return file.read()


def check(library, server, verify, mint):
    """verify(server, token) returns the claims; mint(server, claims) a
    token."""

    name = f"{library} {server['alg']}"
    rule, by = ("P10", "the secret") if server["secret"] \
        else ("P7.1", "the JWKS")
    business = calls["business"]

    with part(f"P10 {name}: verifies"):
        for kind in ("partner", "business"):
            same(f"{rule} {name}: verifies a {kind} token by {by}",
                 dict(verify(server, server[kind]["token"])),
                 server[kind]["claims"])

    with part(f"P10 {name}: mints"):
        token = mint(server, claims_for(server, "business"))

        same(f"P10 {name}: a token that it mints opens the business",
             show(server, business, token), 200)
        same(f"P4.2 {name}: and no other",
             show(server, calls["other"], token), 403)
        same(f"P4.2 {name}: nor one with another signature",
             show(server, business, flipped(token)), 401)

        bought = requests.post(
            f"{server['base']}/businesses/{business}/token",
            headers={"Authorization": "Bearer "
                     + mint(server, claims_for(server, "partner"))})

        same(f"P10 {name}: a partner token that it mints buys one",
             bought.json().get("business_id"), business)
