// openid-client with a client certificate (RFC 8705): as a credential, and as
// what its tokens are bound to.

import { calls, finish, part, refusal, same } from './report.mjs';
import { fetchWith, thumbprintOf } from './tls.mjs';

import * as client from 'openid-client';

const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange';
const access_token = 'urn:ietf:params:oauth:token-type:access_token';


// openid-client has one fetch a configuration

function discovered(certificate, method = client.TlsClientAuth()) {
    return client.discovery(new URL(calls.base), calls.id, calls.key, method, {
        algorithm: 'oauth2', [client.customFetch]: fetchWith(certificate),
    });
}


const get = async (with_, token) => {
    try {
        return (await client.fetchProtectedResource(with_, token,
            new URL(calls.own), 'GET')).status;

    } catch (error) {
        return [error.status ?? error.cause?.status,
            error.cause?.[0]?.parameters?.error];
    }
};


await part('P8a.4 openid-client: a token by certificate', async () => {
    const own = await discovered(calls.certificate);
    const other = await discovered(calls.other);
    const answer = await client.clientCredentialsGrant(own);

    same('P8a.4 openid-client: a token by certificate',
        [answer.token_type, answer.expires_in], ['bearer', 3600]);

    for (const [what, configuration] of [['another', other],
        ['none', await discovered()]])
    {
        const { cause } = await refusal(
            client.clientCredentialsGrant(configuration));

        same(`P8a.4 openid-client: no token with ${what}`, cause?.[0]?.scheme,
            'basic');
    }

    const business = await client.genericGrantRequest(own, exchange, {
        subject_token: answer.access_token, subject_token_type: access_token,
        audience: calls.business,
    });

    same('P8a.4 openid-client: an exchanged token, with its certificate',
        await get(own, business.access_token), 200);
    same('P8a.4 openid-client: with another',
        await get(other, business.access_token), [401, 'invalid_token']);

    const said = await client.tokenIntrospection(own, business.access_token);

    same('P6.3 openid-client: its certificate', said.cnf,
        { 'x5t#S256': thumbprintOf(calls.certificate) });
});


await part('P8a.4 openid-client: by secret', async () => {
    const bound = await discovered(calls.certificate,
        client.ClientSecretPost(calls.key));
    const { access_token: token } = await client.clientCredentialsGrant(bound);
    const said = await client.tokenIntrospection(bound, token);

    same('P8a.4 openid-client: a token by secret is bound', said.cnf,
        { 'x5t#S256': thumbprintOf(calls.certificate) });
});

finish();
