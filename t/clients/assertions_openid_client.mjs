// openid-client's private_key_jwt: tokens, an exchange, introspection,
// revocation.

import { calls, finish, part, refusal, same } from './report.mjs';

import * as client from 'openid-client';

const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange';
const access_token = 'urn:ietf:params:oauth:token-type:access_token';

let configuration;
let partner;


async function discovered(kid, jwk) {
    const key = await crypto.subtle.importKey('jwk', jwk,
        { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);

    return client.discovery(new URL(calls.base), calls.id, undefined,
        client.PrivateKeyJwt({ key, kid }), { algorithm: 'oauth2' });
}


await part('P8a.5 openid-client: a token by an assertion', async () => {
    configuration = await discovered(calls.jwk.kid, calls.jwk);

    for (const which of ['a token', 'another one']) {
        const answer = await client.clientCredentialsGrant(configuration);

        partner = answer.access_token;

        same(`P8a.5 openid-client: ${which} by an assertion`,
            [answer.token_type, answer.expires_in], ['bearer', 3600]);
    }
});


await part('P8a.3 openid-client: an exchange by an assertion', async () => {
    const answer = await client.genericGrantRequest(configuration, exchange, {
        subject_token: partner, subject_token_type: access_token,
        audience: calls.business,
    });

    same('P8a.3 openid-client: an exchange by an assertion',
        [answer.token_type, answer.issued_token_type, answer.business_id],
        ['bearer', access_token, calls.business]);

    const { active, business_id } = await client.tokenIntrospection(
        configuration, answer.access_token);

    same('P6.1 openid-client: introspection by an assertion',
        [active, business_id], [true, calls.business]);

    await client.tokenRevocation(configuration, answer.access_token);

    same('P5.1 openid-client: revocation by an assertion',
        (await client.tokenIntrospection(configuration, answer.access_token))
            .active, false);
});


await part('P8a.5 openid-client: a key that is unknown', async () => {
    const { privateKey } = await crypto.subtle.generateKey(
        { name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign']);
    const jwk = await crypto.subtle.exportKey('jwk', privateKey);

    for (const [what, kid] of [['its kid', calls.jwk.kid], ['a new kid', 'k']])
    {
        const { status, error, cause } = await refusal(
            client.clientCredentialsGrant(await discovered(kid, jwk)));
        const said = error ?? cause?.[0]?.scheme;

        same(`P8a.5 openid-client: another key under ${what}`,
            [status ?? 401, said], [401, 'basic']);
    }
});

finish();
