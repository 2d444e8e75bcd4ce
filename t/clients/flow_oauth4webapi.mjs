// oauth4webapi, which is strict about what a server may answer, and encodes
// the halves of Basic: a UUID comes as a1b2%2D...

import { calls, finish, part, refusal, same } from './report.mjs';

import * as oauth from 'oauth4webapi';

const server = { issuer: calls.base, token_endpoint: calls.partner_url };
const client = { client_id: calls.id };
const methods = {
    'Basic': oauth.ClientSecretBasic, 'a form': oauth.ClientSecretPost,
};

let partner;


async function token(authentication, parameters = {}) {
    const response = await oauth.clientCredentialsGrantRequest(
        server, client, authentication, new URLSearchParams(parameters));

    return oauth.processClientCredentialsResponse(server, client, response);
}


async function call(token, url, method = 'GET') {
    return oauth.protectedResourceRequest(token, method, new URL(url));
}


// what the library read in WWW-Authenticate

async function challenged(promise) {
    const { status, cause } = await refusal(promise);
    const [{ scheme, parameters }] = cause;

    return [status, scheme, parameters.error];
}


for (const [name, method] of Object.entries(methods)) {
    await part(`P1.1 oauth4webapi: a partner token by ${name}`, async () => {
        const { access_token, ...others } = await token(method(calls.key));

        partner = access_token;

        same(`P1.1 oauth4webapi: a partner token by ${name}`, others,
            { token_type: 'bearer', expires_in: 3600 });
        same(`P1.6 oauth4webapi: a wrong API key by ${name}`,
            await challenged(token(method('wrong'))),
            [401, 'basic', undefined]);
    });
}


await part('P1.8 oauth4webapi: a scope', async () => {
    const basic = oauth.ClientSecretBasic(calls.key);
    const granted = await token(basic, { scope: 'reports' });
    const { status, error } = await refusal(token(basic, { scope: 'other' }));

    same('P1.8 oauth4webapi: the scope that it asked for', granted.scope,
        'reports');
    same('P1.8 oauth4webapi: one that is not to be had', [status, error],
        [400, 'invalid_scope']);
});


await part('P1.3 oauth4webapi: another grant', async () => {
    const response = await oauth.genericTokenEndpointRequest(
        server, client, oauth.ClientSecretBasic(calls.key), 'urn:other',
        new URLSearchParams());
    const { status, error } = await refusal(
        oauth.processGenericTokenEndpointResponse(server, client, response));

    same('P1.3 oauth4webapi: another grant', [status, error],
        [400, 'unsupported_grant_type']);
});


await part('P10 oauth4webapi: the calls', async () => {
    const bought = await call(partner, calls.business_url, 'POST');
    const { access_token, ...others } = await bought.json();

    same('P2.5 oauth4webapi: a business token', others, {
        token_type: 'Bearer', expires_in: 3600, scope: 'business_access',
        business_id: calls.business,
    });
    same('P10 oauth4webapi: the guarded call',
        await (await call(access_token, calls.own)).text(),
        'upstream saw GET\n');
    same('P4.2 oauth4webapi: another business',
        await challenged(call(access_token, calls.other)),
        [403, 'bearer', 'insufficient_scope']);
    same('P4.2 oauth4webapi: a spoilt token',
        await challenged(call(`${access_token.slice(0, -4)}AAAA`, calls.own)),
        [401, 'bearer', 'invalid_token']);
});

finish();
