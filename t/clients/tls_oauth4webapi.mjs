// oauth4webapi with a client certificate instead of a secret (RFC 8705), and
// with tokens that are bound to it.

import { calls, finish, part, refusal, same } from './report.mjs';
import { fetchWith, thumbprintOf } from './tls.mjs';

import * as oauth from 'oauth4webapi';


const client = { client_id: calls.id };
const own = { [oauth.customFetch]: fetchWith(calls.certificate) };
const other = { [oauth.customFetch]: fetchWith(calls.other) };
const none = { [oauth.customFetch]: fetchWith() };

let server, partner, business;


async function token(with_, authentication = oauth.TlsClientAuth()) {
    const response = await oauth.clientCredentialsGrantRequest(
        server, client, authentication, new URLSearchParams(), with_);

    return oauth.processClientCredentialsResponse(server, client, response);
}


async function challenged(promise) {
    const { status, cause } = await refusal(promise);
    const [{ scheme, parameters }] = cause;

    return [status, scheme, parameters.error];
}


await part('P7.2 oauth4webapi: the metadata', async () => {
    const issuer = new URL(calls.base);
    const response = await oauth.discoveryRequest(issuer,
        { algorithm: 'oauth2', ...none });

    server = await oauth.processDiscoveryResponse(issuer, response);

    same('P7.2 oauth4webapi: certificates authenticate',
        server.token_endpoint_auth_methods_supported,
        ['client_secret_basic', 'client_secret_post',
            'self_signed_tls_client_auth']);
    same('P7.2 oauth4webapi: and tokens are bound to them',
        server.tls_client_certificate_bound_access_tokens, true);
});


await part('P8a.4 oauth4webapi: a token by certificate', async () => {
    const { access_token, ...others } = await token(own);

    partner = access_token;

    same('P8a.4 oauth4webapi: a token by certificate', others,
        { token_type: 'bearer', expires_in: 3600 });
    same('P8a.4 oauth4webapi: none by another one',
        await challenged(token(other)), [401, 'basic', undefined]);
    same('P8a.4 oauth4webapi: nor without one',
        await challenged(token(none)), [401, 'basic', undefined]);
    same('P8a.4 oauth4webapi: by secret, whatever the certificate',
        (await token(other, oauth.ClientSecretBasic(calls.key))).token_type,
        'bearer');
});


await part('P8a.4 oauth4webapi: a bound token', async () => {
    const post = (with_) => oauth.protectedResourceRequest(partner, 'POST',
        new URL(calls.business_url), undefined, undefined, with_);
    const response = await post(own);

    business = (await response.json()).access_token;

    const get = (with_) => oauth.protectedResourceRequest(business, 'GET',
        new URL(calls.own), undefined, undefined, with_);

    same('P8a.4 oauth4webapi: holds with its certificate',
        (await get(own)).status, 200);
    same('P8a.4 oauth4webapi: not with another',
        await challenged(get(other)), [401, 'bearer', 'invalid_token']);
    same('P8a.4 oauth4webapi: nor without one',
        await challenged(get(none)), [401, 'bearer', 'invalid_token']);
    same('P8a.4 oauth4webapi: nor does the partner token',
        await challenged(post(other)), [401, 'bearer', 'invalid_token']);
});


await part('P5.1 oauth4webapi: introspection and revocation', async () => {
    const asked = await oauth.introspectionRequest(server, client,
        oauth.TlsClientAuth(), business, own);
    const said = await oauth.processIntrospectionResponse(server, client,
        asked);

    same('P6.3 oauth4webapi: its certificate', said.cnf, { 'x5t#S256':
        thumbprintOf(calls.certificate) });

    const revoked = await oauth.revocationRequest(server, client,
        oauth.TlsClientAuth(), business, own);

    same('P5.1 oauth4webapi: it is revoked',
        await oauth.processRevocationResponse(revoked), undefined);
});


finish();
