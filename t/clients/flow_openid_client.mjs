// openid-client, told of the server by hand; discovery.t lets it find out.

import { calls, finish, part, refusal, same } from './report.mjs';

import * as client from 'openid-client';

const server = { issuer: calls.base, token_endpoint: calls.partner_url };
const methods = {
    'its default': undefined,
    'Basic': client.ClientSecretBasic(calls.key),
    'a form': client.ClientSecretPost(calls.key),
};

const configuration = new client.Configuration(server, calls.id, calls.key);

let partner;


async function call(token, url, method = 'GET') {
    return client.fetchProtectedResource(
        configuration, token, new URL(url), method);
}


async function challenged(promise) {
    const { code, status, cause } = await refusal(promise);
    const [{ scheme, parameters }] = cause;

    return [code, status, scheme, parameters.error];
}


for (const [name, method] of Object.entries(methods)) {
    await part(`P1.2 openid-client: a partner token by ${name}`, async () => {
        const answer = await client.clientCredentialsGrant(
            new client.Configuration(server, calls.id, calls.key, method));

        partner = answer.access_token;

        same(`P1.2 openid-client: a partner token by ${name}`,
            [answer.token_type, answer.expires_in], ['bearer', 3600]);
        same(`P1.9 openid-client: by ${name}, its time left`,
            answer.expiresIn() > 3500, true);
    });
}


await part('P1.6 openid-client: a wrong API key', async () => {
    same('P1.6 openid-client: a wrong API key',
        await challenged(client.clientCredentialsGrant(
            new client.Configuration(server, calls.id, 'wrong'))),
        ['OAUTH_WWW_AUTHENTICATE_CHALLENGE', 401, 'basic', undefined]);
});


await part('P1.8 openid-client: a scope', async () => {
    const granted = await client.clientCredentialsGrant(
        configuration, { scope: 'reports' });
    const { status, error } = await refusal(client.clientCredentialsGrant(
        configuration, { scope: 'reports other' }));

    same('P1.8 openid-client: the scope that it asked for', granted.scope,
        'reports');
    same('P1.8 openid-client: one that is not to be had', [status, error],
        [400, 'invalid_scope']);
});


await part('P10 openid-client: the calls', async () => {
    const bought = await call(partner, calls.business_url, 'POST');
    const { access_token, ...others } = await bought.json();

    same('P2.5 openid-client: a business token', others, {
        token_type: 'Bearer', expires_in: 3600, scope: 'business_access',
        business_id: calls.business,
    });
    same('P10 openid-client: the guarded call',
        await (await call(access_token, calls.own)).text(),
        'upstream saw GET\n');
    same('P4.2 openid-client: another business',
        await challenged(call(access_token, calls.other)),
        ['OAUTH_WWW_AUTHENTICATE_CHALLENGE', 403, 'bearer',
            'insufficient_scope']);
    same('P2.2 openid-client: a business token buys nothing',
        await challenged(call(access_token, calls.business_url, 'POST')),
        ['OAUTH_WWW_AUTHENTICATE_CHALLENGE', 403, 'bearer',
            'insufficient_scope']);
    same('P4.2 openid-client: a spoilt token',
        await challenged(call(`${access_token.slice(0, -4)}AAAA`, calls.own)),
        ['OAUTH_WWW_AUTHENTICATE_CHALLENGE', 401, 'bearer', 'invalid_token']);
});

finish();
