// oauth4webapi's private_key_jwt, and an assertion that jose signs.

import { calls, finish, part, refusal, same } from './report.mjs';

import * as jose from 'jose';
import * as oauth from 'oauth4webapi';

const client = { client_id: calls.id };
const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

let server;


async function signer(jwk = calls.jwk,
    algorithm = { name: 'ECDSA', namedCurve: 'P-256' })
{
    const key = await crypto.subtle.importKey('jwk', jwk, algorithm, false,
        ['sign']);

    return oauth.PrivateKeyJwt({ key, kid: jwk.kid });
}


await part('P7.2 oauth4webapi: the metadata', async () => {
    const issuer = new URL(calls.base);

    server = await oauth.processDiscoveryResponse(issuer,
        await oauth.discoveryRequest(issuer, { algorithm: 'oauth2' }));

    same('P7.2 oauth4webapi: assertions authenticate',
        [server.token_endpoint_auth_methods_supported,
            server.token_endpoint_auth_signing_alg_values_supported
                .includes('ES256'),
            server.token_endpoint_auth_signing_alg_values_supported
                .includes('Ed25519')], [['private_key_jwt'], true, true]);
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


await part('P8a.5 oauth4webapi: a token by an Ed25519 key', async () => {
    const response = await oauth.clientCredentialsGrantRequest(
        server, client, await signer(calls.ed25519, 'Ed25519'),
        new URLSearchParams());
    const answer = await oauth.processClientCredentialsResponse(server,
        client, response);

    same('P8a.5 oauth4webapi: a token by an Ed25519 key',
        [answer.token_type, answer.expires_in], ['bearer', 3600]);
});


for (const [alg, jwk] of [['ES256', calls.jwk], ['Ed25519', calls.ed25519],
    ['EdDSA', calls.ed25519]])
{
    await part(`P8a.5 jose: an assertion, ${alg}`, async () => {
        const key = await jose.importJWK(jwk, alg);
        const assertion = await new jose.SignJWT({})
            .setProtectedHeader({ alg, kid: jwk.kid })
            .setIssuer(calls.id).setSubject(calls.id)
            .setAudience(calls.token).setJti(crypto.randomUUID())
            .setIssuedAt().setExpirationTime('1m').sign(key);
        const ask = () => fetch(calls.token, {
            method: 'POST', body: new URLSearchParams({
                client_assertion: assertion, client_assertion_type: type,
            }),
        });

        same(`P8a.5 jose: an assertion, ${alg}`, (await ask()).status, 200);
        same(`P8a.5 jose: twice, ${alg}`, (await ask()).status, 401);
    });
}


finish();
