// oauth4webapi's private_key_jwt, and an assertion that jose signs.

import { calls, finish, part, refusal, same } from './report.mjs';

import * as jose from 'jose';
import * as oauth from 'oauth4webapi';

const client = { client_id: calls.id };
const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

let server;


async function signer() {
    const key = await crypto.subtle.importKey('jwk', calls.jwk,
        { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);

    return oauth.PrivateKeyJwt({ key, kid: calls.jwk.kid });
}


await part('P7.2 oauth4webapi: the metadata', async () => {
    const issuer = new URL(calls.base);

    server = await oauth.processDiscoveryResponse(issuer,
        await oauth.discoveryRequest(issuer, { algorithm: 'oauth2' }));

    same('P7.2 oauth4webapi: assertions authenticate',
        [server.token_endpoint_auth_methods_supported,
            server.token_endpoint_auth_signing_alg_values_supported
                .includes('ES256')], [['private_key_jwt'], true]);
});


await part('P8a.5 oauth4webapi: a token by an assertion', async () => {
    const response = await oauth.clientCredentialsGrantRequest(
        server, client, await signer(), new URLSearchParams());
    const { access_token, ...others } =
        await oauth.processClientCredentialsResponse(server, client,
            response);

    same('P8a.5 oauth4webapi: a token by an assertion', others,
        { token_type: 'bearer', expires_in: 3600 });

    const said = await oauth.processIntrospectionResponse(server, client,
        await oauth.introspectionRequest(server, client, await signer(),
            access_token));

    same('P6.1 oauth4webapi: and what it is', [said.active, said.client_id],
        [true, calls.id]);
});


await part('P8a.5 jose: an assertion', async () => {
    const key = await jose.importJWK(calls.jwk);
    const assertion = await new jose.SignJWT({})
        .setProtectedHeader({ alg: 'ES256', kid: calls.jwk.kid })
        .setIssuer(calls.id).setSubject(calls.id).setAudience(calls.token)
        .setJti(crypto.randomUUID()).setIssuedAt().setExpirationTime('1m')
        .sign(key);
    const ask = () => fetch(calls.token, {
        method: 'POST', body: new URLSearchParams({
            client_assertion: assertion, client_assertion_type: type,
        }),
    });

    same('P8a.5 jose: an assertion', (await ask()).status, 200);
    same('P8a.5 jose: twice', (await ask()).status, 401);
});


finish();
