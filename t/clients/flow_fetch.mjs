// Node's fetch, and each kind of body it can make.

import { calls, finish, part, same } from './report.mjs';

const basic = `Basic ${btoa(`${calls.id}:${calls.key}`)}`;
const form = new FormData();

form.append('grant_type', 'client_credentials');

const bodies = {
    'a form': new URLSearchParams({ grant_type: 'client_credentials' }),
    'multipart': form,
    'JSON': JSON.stringify({ grant_type: 'client_credentials' }),
    'nothing': undefined,
};

let partner;


async function call(url, authorization, options = {}) {
    const { headers, ...others } = options;

    return fetch(url, {
        ...others, headers: { ...headers, 'Authorization': authorization },
    });
}


function challenge(response) {
    return [response.status, response.headers.get('www-authenticate')];
}


for (const [name, body] of Object.entries(bodies)) {
    await part(`P1.5 fetch: ${name} as the body`, async () => {
        const headers = name === 'JSON'
            ? { 'Content-Type': 'application/json' } : {};
        const answer = await call(calls.partner_url, basic,
            { method: 'POST', headers, body });
        const { access_token, ...others } = await answer.json();

        partner = `Bearer ${access_token}`;

        same(`P1.5 fetch: ${name} as the body`, others,
            { token_type: 'Bearer', expires_in: 3600 });
    });
}


await part('P10 fetch: the calls', async () => {
    const bought = await call(calls.business_url, partner, { method: 'POST' });
    const { access_token, ...others } = await bought.json();
    const business = `Bearer ${access_token}`;

    same('P2.5 fetch: a business token', others, {
        token_type: 'Bearer', expires_in: 3600, scope: 'business_access',
        business_id: calls.business,
    });
    same('P10 fetch: the guarded call',
        await (await call(calls.own, business)).text(), 'upstream saw GET\n');
    same('P4.2 fetch: another business',
        challenge(await call(calls.other, business)),
        [403, 'Bearer realm="auth gateway", error="insufficient_scope", '
            + 'scope="business_access"']);
    same('P4.2 fetch: a partner token opens no business',
        (await call(calls.own, partner)).status, 403);
    same('P4.2 fetch: without a token',
        challenge(await fetch(calls.own)),
        [401, 'Bearer realm="auth gateway"']);
});


await part('P1.6 fetch: a wrong API key', async () => {
    const answer = await call(calls.partner_url,
        `Basic ${btoa(`${calls.id}:wrong`)}`, { method: 'POST' });

    same('P1.6 fetch: a wrong API key', challenge(answer),
        [401, 'Basic realm="auth gateway"']);
    same('P1.6 fetch: is told so', (await answer.json()).error,
        'invalid_client');
});

finish();
