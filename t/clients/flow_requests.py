"""Python requests with a session, and each kind of body it can make."""

import requests

from report import calls, finish, part, same


class Bearer(requests.auth.AuthBase):
    def __init__(self, token):
        self.token = token

    def __call__(self, request):
        request.headers["Authorization"] = "Bearer " + self.token

        return request


def challenge(response):
    return response.status_code, response.headers.get("WWW-Authenticate")


session = requests.Session()
session.auth = (calls["id"], calls["key"])

grant = {"grant_type": "client_credentials"}
bodies = {
    "a form": {"data": grant},
    "JSON": {"json": grant},
    "multipart": {"files": {
        name: (None, value) for name, value in grant.items()}},
    "nothing": {},
}

for name, body in bodies.items():
    with part(f"P1.5 requests: {name} as the body"):
        answer = session.post(calls["partner_url"], **body).json()
        partner = answer.pop("access_token")

        same(f"P1.5 requests: {name} as the body", answer,
             {"token_type": "Bearer", "expires_in": 3600})

with part("P10 requests: the calls"):
    session.auth = Bearer(partner)
    answer = session.post(calls["business_url"]).json()
    business = answer.pop("access_token")

    same("P2.5 requests: a business token", answer, {
        "token_type": "Bearer", "expires_in": 3600,
        "scope": "business_access", "business_id": calls["business"]})
    same("P4.2 requests: a partner token opens no business",
         challenge(session.get(calls["own"])),
         (403, 'Bearer realm="auth gateway", error="insufficient_scope", '
               'scope="business_access"'))

    session.auth = Bearer(business)

    same("P10 requests: the guarded call",
         session.get(calls["own"]).text, "upstream saw GET\n")
    same("P4.2 requests: another business",
         session.get(calls["other"]).json()["error"], "insufficient_scope")
    same("P2.2 requests: a business token buys nothing",
         challenge(session.post(calls["business_url"])),
         (403, 'Bearer realm="auth gateway", error="insufficient_scope"'))

    session.auth = None

    same("P4.2 requests: without a token", challenge(session.get(calls["own"])),
         (401, 'Bearer realm="auth gateway"'))

with part("P1.6 requests: a wrong API key"):
    answer = requests.post(calls["partner_url"], auth=(calls["id"], "wrong"))

    same("P1.6 requests: a wrong API key", challenge(answer),
         (401, 'Basic realm="auth gateway"'))
    same("P1.6 requests: is told so", answer.json()["error"],
         "invalid_client")

finish()
