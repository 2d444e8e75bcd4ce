"""Authlib with a client certificate (RFC 8705), as a credential and as what its
tokens are bound to.  It has no method of that name: with "none" it sends
client_id, and requests the certificate."""

from authlib.integrations.requests_client import OAuth2Session

from report import calls, finish, part, same


def session(certificate):
    client = OAuth2Session(calls["id"], token_endpoint_auth_method="none")

    client.cert = (certificate + ".pem", certificate + ".key")

    return client


def token_of(client):
    return client.fetch_token(
        calls["base"] + "/token", grant_type="client_credentials")


with part("P8a.4 Authlib: a token by certificate"):
    own = session(calls["certificate"])
    token = token_of(own)

    same("P8a.4 Authlib: a token by certificate",
         (token["token_type"], token["expires_in"]), ("Bearer", 3600))

    answer = own.post(calls["business_url"])

    same("P8a.4 Authlib: a bound token gets another", answer.status_code, 200)

    own.token = answer.json()
    other = session(calls["other"])
    other.token = answer.json()

    same("P8a.4 Authlib: which holds with its certificate alone",
         (own.get(calls["own"]).status_code,
          other.get(calls["own"]).status_code), (200, 401))

    said = own.introspect_token(
        calls["base"] + "/introspect", answer.json()["access_token"]).json()

    same("P6.3 Authlib: introspection by certificate",
         (said["active"], sorted(said["cnf"])), (True, ["x5t#S256"]))

with part("P8a.4 Authlib: no token with another certificate"):
    try:
        token_of(session(calls["other"]))
        said = "a token"
    except Exception as error:  # pylint: disable=broad-except
        said = getattr(error, "error", str(error))

    same("P8a.4 Authlib: no token with another certificate", said,
         "invalid_client")

finish()
