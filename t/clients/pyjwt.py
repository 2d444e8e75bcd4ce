"""Tokens of the gateway, read by PyJWT; tokens of PyJWT, shown to it."""

import jwt

from mint import check, read
from report import calls, finish


def verify(server, token):
    if server["secret"]:
        key = read(server["key"])

    else:
        client = jwt.PyJWKClient(server["base"] + "/jwks.json")
        key = client.get_signing_key_from_jwt(token).key

    return jwt.decode(
        token, key, algorithms=[server["alg"]], issuer=server["base"],
        audience=calls["audience"],
        options={"require": ["iat", "exp", "jti", "sub"]})


def mint(server, claims):
    return jwt.encode(
        claims, read(server["key"]), algorithm=server["alg"],
        headers={"kid": server["kid"]})


for server in calls["servers"]:
    check("PyJWT", server, verify, mint)

finish()
