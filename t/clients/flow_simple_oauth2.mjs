// simple-oauth2, in each of the ways that it can be told to send credentials.

import { calls, finish, part, refusal, same } from './report.mjs';

import { ClientCredentials } from 'simple-oauth2';

const ways = {
    'Basic, encoded': {},
    'Basic, raw': { credentialsEncodingMode: 'loose' },
    'Basic with JSON': { bodyFormat: 'json' },
    'a form': { authorizationMethod: 'body' },
    'JSON': { authorizationMethod: 'body', bodyFormat: 'json' },
};

let partner;


function client(options, secret = calls.key) {
    return new ClientCredentials({
        client: { id: calls.id, secret },
        auth: { tokenHost: calls.base, tokenPath: calls.token_path },
        options,
    });
}


async function call(token, url, method = 'GET') {
    return fetch(url, {
        method, headers: { 'Authorization': `Bearer ${token}` },
    });
}


for (const [name, options] of Object.entries(ways)) {
    await part(`P1.2 simple-oauth2: ${name}`, async () => {
        const { token } = await client(options).getToken({});

        partner = token.access_token;

        same(`P1.2 simple-oauth2: a partner token by ${name}`,
            [token.token_type, token.expires_in], ['Bearer', 3600]);

        const { data } = await refusal(client(options, 'wrong').getToken({}));

        same(`P1.6 simple-oauth2: a wrong API key by ${name}`,
            [data.res.statusCode, data.payload.error],
            [401, 'invalid_client']);
    });
}


await part('P1.8 simple-oauth2: a scope', async () => {
    const answer = await client({}).getToken({ scope: ['reports'] });
    const { data } = await refusal(client({}).getToken({ scope: 'other' }));

    same('P1.8 simple-oauth2: the scope that it asked for',
        answer.token.scope, 'reports');
    same('P1.8 simple-oauth2: one that is not to be had',
        [data.res.statusCode, data.payload.error], [400, 'invalid_scope']);
});


// its tokens are for another library to use

await part('P10 simple-oauth2: the calls', async () => {
    const bought = await call(partner, calls.business_url, 'POST');
    const business = client({}).createToken(await bought.json());

    same('P2.5 simple-oauth2: a business token, and its time left',
        [business.token.business_id, business.expired(60)],
        [calls.business, false]);
    same('P10 simple-oauth2: the guarded call',
        await (await call(business.token.access_token, calls.own)).text(),
        'upstream saw GET\n');
    same('P4.2 simple-oauth2: another business',
        (await call(business.token.access_token, calls.other)).status, 403);
    same('P4.2 simple-oauth2: a partner token opens no business',
        (await call(partner, calls.own)).status, 403);
});

finish();
