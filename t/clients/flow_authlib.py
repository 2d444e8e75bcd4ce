"""Authlib's OAuth2Session, with each way of naming itself that it has for a
secret."""

from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session

from report import calls, finish, part, same


def session(method, key=calls["key"], **options):
    return OAuth2Session(
        calls["id"], key, token_endpoint_auth_method=method, **options)


def fetch(client):
    return client.fetch_token(
        calls["partner_url"], grant_type="client_credentials")


def refused(client):
    try:
        return fetch(client)

    except OAuthError as error:
        return error.error


for method in ("client_secret_basic", "client_secret_post"):
    with part(f"P1.2 Authlib: {method}"):
        partner = session(method)
        token = fetch(partner)

        same(f"P1.2 Authlib: {method}",
             (token["token_type"], token["expires_in"], token.is_expired()),
             ("Bearer", 3600, False))
        same(f"P1.6 Authlib: {method}, a wrong API key",
             refused(session(method, "wrong")), "invalid_client")

with part("P1.8 Authlib: a scope"):
    token = fetch(session("client_secret_basic", scope="reports"))

    same("P1.8 Authlib: the scope that it asked for", token.get("scope"),
         "reports")
    same("P1.8 Authlib: one that is not to be had",
         refused(session("client_secret_basic", scope="other")),
         "invalid_scope")

with part("P10 Authlib: the calls"):
    token = partner.post(calls["business_url"]).json()

    same("P2.5 Authlib: a business token",
         (token["scope"], token["business_id"]),
         ("business_access", calls["business"]))

    business = OAuth2Session(token=token)

    same("P10 Authlib: the guarded call", business.get(calls["own"]).text,
         "upstream saw GET\n")
    same("P4.2 Authlib: another business",
         business.get(calls["other"]).status_code, 403)
    same("P4.2 Authlib: a partner token opens no business",
         partner.get(calls["own"]).status_code, 403)

    spoilt = {**token, "access_token": token["access_token"][:-4] + "AAAA"}

    same("P4.2 Authlib: a spoilt token",
         OAuth2Session(token=spoilt).get(calls["own"]).status_code, 401)

finish()
