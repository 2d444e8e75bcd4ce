// openid-client finds the server by its issuer; jose verifies its tokens.

import { calls, finish, part, refusal, same } from './report.mjs';

import { createRemoteJWKSet, jwtVerify } from 'jose';
import * as client from 'openid-client';

const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange';
const access_token = 'urn:ietf:params:oauth:token-type:access_token';

let configuration;
let partner;


async function verified(token) {
    const metadata = configuration.serverMetadata();
    const { payload, protectedHeader } = await jwtVerify(token,
        createRemoteJWKSet(new URL(metadata.jwks_uri)), {
            issuer: calls.issuer, audience: calls.base, typ: 'at+jwt',
            requiredClaims: ['exp', 'iat', 'jti', 'sub', 'client_id'],
        });

    return [protectedHeader.typ, payload.sub, payload.business_id];
}


for (const [name, method] of [['its default', undefined],
    ['Basic', client.ClientSecretBasic(calls.key)],
    ['a form', client.ClientSecretPost(calls.key)]])
{
    await part(`P8a.1 openid-client: tokens by ${name}`, async () => {
        configuration = await client.discovery(new URL(calls.issuer),
            calls.id, calls.key, method, { algorithm: 'oauth2' });

        const answer = await client.clientCredentialsGrant(configuration);

        partner = answer.access_token;

        same(`P8a.1 jose: a partner token by ${name}`,
            await verified(partner), ['at+jwt', calls.id, undefined]);
    });

    await part(`P8a.3 openid-client: an exchange by ${name}`, async () => {
        const answer = await client.genericGrantRequest(configuration,
            exchange, {
                subject_token: partner, subject_token_type: access_token,
                resource: calls.own, scope: 'read',
            });

        same(`P8a.3 openid-client: an exchange by ${name}`,
            [answer.token_type, answer.issued_token_type, answer.scope],
            ['bearer', access_token, 'business_access read']);
        same(`P8a.1 jose: a business token by ${name}`,
            await verified(answer.access_token),
            ['at+jwt', calls.id, calls.business]);

        const { status } = await client.fetchProtectedResource(configuration,
            answer.access_token, new URL(calls.own), 'GET');

        same(`P8a.3 openid-client: it opens the business, by ${name}`, status,
            200);
    });
}


await part('P8a.3 openid-client: another\'s business', async () => {
    const { status, error } = await refusal(client.genericGrantRequest(
        configuration, exchange, {
            subject_token: partner, subject_token_type: access_token,
            resource: calls.other,
        }));

    same('P8a.3 openid-client: another\'s business', [status, error],
        [400, 'invalid_target']);
});


await part('P8a.6 openid-client: a DPoP proof', async () => {
    const DPoP = client.getDPoPHandle(configuration,
        await client.randomDPoPKeyPair('ES256'));
    const { status, error } = await refusal(client.clientCredentialsGrant(
        configuration, {}, { DPoP }));

    same('P8a.6 openid-client: a DPoP proof', [status, error],
        [400, 'invalid_request']);
});

finish();
