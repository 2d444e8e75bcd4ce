"""Tokens of the gateway, read by Authlib; tokens of Authlib, shown to it."""

import requests
from authlib.jose import JsonWebKey, JsonWebToken, OctKey

from mint import check, read
from report import calls, finish, part, same


def published(server):
    return JsonWebKey.import_key_set(
        requests.get(server["base"] + "/jwks.json").json())


def verify(server, token):
    key = OctKey.import_key(read(server["key"])) if server["secret"] \
        else published(server)
    claims = JsonWebToken([server["alg"]]).decode(token, key, claims_options={
        "iss": {"essential": True, "value": server["base"]},
        "aud": {"essential": True, "value": calls["audience"]},
        "exp": {"essential": True}, "jti": {"essential": True},
    })
    claims.validate()

    return claims


KTY = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}


def mint(server, claims):
    key = OctKey.import_key(read(server["key"])) if server["secret"] \
        else JsonWebKey.import_key(
            read(server["key"]), {"kty": KTY[server["alg"][:2]]})
    header = {"alg": server["alg"], "typ": "JWT", "kid": server["kid"]}

    return JsonWebToken([server["alg"]]).encode(header, claims, key).decode()


for server in calls["servers"]:
    name = f"Authlib {server['alg']}"

    check("Authlib", server, verify, mint)

    if not server["secret"]:
        with part(f"P7.1 {name}: reads the JWKS"):
            same(f"P7.1 {name}: the key is named by its thumbprint",
                 [key.thumbprint() for key in published(server).keys],
                 [server["kid"]])

finish()
