"""The metadata, where Authlib looks for it, as it judges it."""

import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, \
    get_well_known_url

from report import calls, finish, part, same


# Authlib takes the empty list for a missing member; RFC 8414 requires the
# member, and a server without authorization endpoint has nothing to list.

NOT_ASKED = {"response_types_supported"}


def complaints(metadata):
    for name in metadata.REGISTRY_KEYS:
        if name in NOT_ASKED:
            continue

        try:
            getattr(metadata, "validate_" + name)()

        except ValueError as error:
            yield str(error)


for at in calls["issuers"]:
    name = f"P7.2 Authlib, {at['name']}"

    with part(name):
        answer = requests.get(get_well_known_url(at["issuer"], external=True))
        metadata = AuthorizationServerMetadata(answer.json())

        same(f"{name}: is JSON", answer.headers["Content-Type"],
             "application/json")
        same(f"{name}: has no fault", list(complaints(metadata)), [])
        same(f"{name}: names what there is",
             [metadata[member] for member in (
                 "issuer", "token_endpoint", "jwks_uri")],
             [at["issuer"], at["token"], at["jwks"]])
        same(f"{name}: and nothing that there is not",
             [member for member in metadata
              if member.startswith(("revocation", "introspection",
                                    "authorization", "registration"))], [])

        session = OAuth2Session(calls["id"], calls["key"])

        session.fetch_token(
            metadata["token_endpoint"], grant_type="client_credentials")

        same(f"{name}: a call with a token from there",
             session.get(at["guarded"]).text, "upstream saw GET\n")

finish()
