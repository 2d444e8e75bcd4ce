"""Authlib exchanges a token, and verifies what it gets."""

from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.jose import JsonWebKey, JsonWebToken
import requests

from report import calls, finish, part, same

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"

server = requests.get(
    calls["base"] + "/.well-known/oauth-authorization-server/auth").json()
keys = JsonWebKey.import_key_set(requests.get(server["jwks_uri"]).json())


def verified(token):
    claims = JsonWebToken(["ES256"]).decode(token, keys, claims_options={
        "iss": {"essential": True, "value": calls["issuer"]},
        "aud": {"essential": True, "value": calls["base"]},
        "exp": {"essential": True}, "jti": {"essential": True},
    })
    claims.validate()

    return claims.header["typ"], claims["sub"], claims.get("business_id")


def exchange(session, token, **parameters):
    return session.fetch_token(
        server["token_endpoint"], grant_type=EXCHANGE, subject_token=token,
        subject_token_type=ACCESS_TOKEN, **parameters)


for method in ("client_secret_basic", "client_secret_post"):
    with part(f"P8a.3 Authlib: {method}"):
        session = OAuth2Session(
            calls["id"], calls["key"], token_endpoint_auth_method=method)
        partner = session.fetch_token(
            server["token_endpoint"],
            grant_type="client_credentials")["access_token"]

        same(f"P8a.1 Authlib: a partner token by {method}",
             verified(partner), ("at+jwt", calls["id"], None))

        token = exchange(session, partner, resource=calls["own"],
                         scope="read")

        same(f"P8a.3 Authlib: an exchange by {method}",
             (token["issued_token_type"], token["scope"]),
             (ACCESS_TOKEN, "business_access read"))
        same(f"P8a.1 Authlib: a business token by {method}",
             verified(token["access_token"]),
             ("at+jwt", calls["id"], calls["business"]))

        business = OAuth2Session(token=token)

        same(f"P4.2 Authlib: it reads, by {method}",
             business.get(calls["own"]).status_code, 200)
        same(f"P4.2 Authlib: it does not write, by {method}",
             business.post(calls["own"]).status_code, 403)

with part("P8a.3 Authlib: another's business"):
    try:
        exchange(session, partner, resource=calls["other"])
        error = None

    except OAuthError as refusal:
        error = refusal.error

    same("P8a.3 Authlib: another's business", error, "invalid_target")

finish()
