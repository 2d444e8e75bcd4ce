"""Authlib's private_key_jwt, which sets exp an hour ahead."""

from authlib.integrations.requests_client import OAuth2Session
from authlib.jose import JsonWebKey
from authlib.oauth2.rfc7523 import PrivateKeyJWT

from report import calls, finish, part, same

key = JsonWebKey.import_key(calls["jwk"])


def session():
    client = OAuth2Session(
        calls["id"], key, token_endpoint_auth_method="private_key_jwt",
        revocation_endpoint_auth_method="private_key_jwt")

    client.register_client_auth_method(PrivateKeyJWT(
        calls["token"], alg="ES256", headers={"kid": calls["jwk"]["kid"]}))

    return client


with part("P8a.5 Authlib: a token by an assertion"):
    token = session().fetch_token(
        calls["token"], grant_type="client_credentials")

    same("P8a.5 Authlib: a token by an assertion",
         (token["token_type"], token["expires_in"]), ("Bearer", 3600))

    token = session().fetch_token(
        calls["token"], grant_type="client_credentials")

    same("P8a.5 Authlib: another one, by another", token["token_type"],
         "Bearer")

with part("P6.1 Authlib: introspection and revocation by an assertion"):
    client = session()
    said = client.introspect_token(
        calls["base"] + "/introspect", token["access_token"])

    same("P6.1 Authlib: introspection by an assertion",
         (said.status_code, said.json().get("active")), (200, True))

    said = client.revoke_token(
        calls["base"] + "/revoke", token["access_token"])

    same("P5.1 Authlib: revocation by an assertion", said.status_code, 200)

finish()
