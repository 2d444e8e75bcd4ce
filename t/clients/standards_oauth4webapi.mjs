// oauth4webapi is given the URL of a business, and finds out all else.

import { calls, finish, part, refusal, same } from './report.mjs';

import * as oauth from 'oauth4webapi';

const client = { client_id: calls.id };
const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange';
const access_token = 'urn:ietf:params:oauth:token-type:access_token';
const methods = {
    'Basic': oauth.ClientSecretBasic(calls.key),
    'a form': oauth.ClientSecretPost(calls.key),
};

let server;
let partner;


async function call(token, url, method = 'GET') {
    return oauth.protectedResourceRequest(token, method, new URL(url));
}


// what the library read in WWW-Authenticate

async function challenged(promise) {
    const { status, cause } = await refusal(promise);
    const [{ scheme, parameters }] = cause;

    return [status, scheme, parameters.error, parameters.scope];
}


async function grant(authentication, parameters = {}, options = {}) {
    const response = await oauth.clientCredentialsGrantRequest(server, client,
        authentication, new URLSearchParams(parameters), options);

    return oauth.processClientCredentialsResponse(server, client, response);
}


async function exchanged(authentication, parameters = {}) {
    const response = await oauth.genericTokenEndpointRequest(server, client,
        authentication, exchange, new URLSearchParams({
            subject_token: partner, subject_token_type: access_token,
            resource: calls.own, ...parameters,
        }));

    return oauth.processGenericTokenEndpointResponse(server, client,
        response);
}


async function validated(token, audience = calls.base) {
    return oauth.validateJwtAccessToken(server, new Request(calls.own, {
        headers: { 'Authorization': `Bearer ${token}` },
    }), audience);
}


await part('P8a.2 oauth4webapi: from a challenge to the server', async () => {
    const { cause } = await refusal(call('x', calls.own));
    const url = cause[0].parameters.resource_metadata;

    same('P8a.2 oauth4webapi: the challenge names the metadata', url,
        `${calls.base}/.well-known/oauth-protected-resource`);

    const resource = new URL(calls.base);
    const found = await oauth.processResourceDiscoveryResponse(resource,
        await oauth.resourceDiscoveryRequest(resource));

    same('P8a.2 oauth4webapi: the resource', [found.resource,
        found.authorization_servers, found.bearer_methods_supported,
        found.scopes_supported], [calls.base, [calls.issuer], ['header'],
        ['reports', 'read', 'write', 'business_access']]);

    const issuer = new URL(found.authorization_servers[0]);

    server = await oauth.processDiscoveryResponse(issuer,
        await oauth.discoveryRequest(issuer, { algorithm: 'oauth2' }));

    same('P7.2 oauth4webapi: the server', [server.issuer,
        server.token_endpoint, server.grant_types_supported.includes(exchange)],
        [calls.issuer, calls.token, true]);
});


for (const [name, method] of Object.entries(methods)) {
    await part(`P8a.1 oauth4webapi: tokens by ${name}`, async () => {
        const { access_token: token } = await grant(method);
        const claims = await validated(token);

        partner = token;

        same(`P8a.1 oauth4webapi: a partner token by ${name}`,
            [claims.iss, claims.aud, claims.client_id, claims.scope],
            [calls.issuer, calls.base, calls.id, undefined]);
    });

    await part(`P8a.3 oauth4webapi: an exchange by ${name}`, async () => {
        const { access_token: token, ...others } = await exchanged(method);

        same(`P8a.3 oauth4webapi: an exchange by ${name}`, others, {
            issued_token_type: access_token, token_type: 'bearer',
            expires_in: 3600, scope: 'business_access read write',
            business_id: calls.business,
        });

        const claims = await validated(token);

        same(`P8a.1 oauth4webapi: a business token by ${name}`,
            [claims.sub, claims.business_id, claims.scope],
            [calls.id, calls.business, 'business_access read write']);
        same('P8a.3 oauth4webapi: it reads and writes', [
            (await call(token, calls.own)).status,
            (await call(token, calls.own, 'POST')).status], [200, 200]);
    });
}


await part('P8a.1 oauth4webapi: another audience', async () => {
    const { message } = await refusal(validated(partner, 'https://other'));

    same('P8a.1 oauth4webapi: another audience', /aud/.test(message), true);
});


await part('P8a.3 oauth4webapi: by audience', async () => {
    const response = await oauth.genericTokenEndpointRequest(server, client,
        methods.Basic, exchange, new URLSearchParams({
            subject_token: partner, subject_token_type: access_token,
            audience: calls.business, requested_token_type: access_token,
        }));
    const answer = await oauth.processGenericTokenEndpointResponse(server,
        client, response);

    same('P8a.3 oauth4webapi: by audience', answer.business_id,
        calls.business);
});


await part('P2.6 oauth4webapi: a token that only reads', async () => {
    const { access_token: token, scope } = await exchanged(methods.Basic,
        { scope: 'read' });

    same('P2.6 oauth4webapi: what it may', scope, 'business_access read');
    same('P4.2 oauth4webapi: it reads', (await call(token, calls.own)).status,
        200);
    same('P4.2 oauth4webapi: what it lacks is named',
        await challenged(call(token, calls.own, 'DELETE')),
        [403, 'bearer', 'insufficient_scope', 'business_access write']);
});


await part('P4.2 oauth4webapi: the scope of a partner token', async () => {
    const { access_token: token } = await grant(methods.Basic,
        { scope: 'reports' });

    same('P4.2 oauth4webapi: with the scope',
        (await call(token, calls.reports)).status, 200);
    same('P4.2 oauth4webapi: without it',
        await challenged(call(partner, calls.reports)),
        [403, 'bearer', 'insufficient_scope', 'reports']);
});


await part('P8a.3 oauth4webapi: what is refused', async () => {
    const target = await refusal(exchanged(methods.Basic,
        { resource: calls.other }));
    const token = await refusal(exchanged(methods.Basic,
        { subject_token: `${partner.slice(0, -4)}AAAA` }));
    const scope = await refusal(exchanged(methods.Basic,
        { scope: 'payments' }));

    same('P8a.3 oauth4webapi: another\'s business',
        [target.status, target.error], [400, 'invalid_target']);
    same('P8a.3 oauth4webapi: a spoilt token',
        [token.status, token.error], [400, 'invalid_request']);
    same('P2.6 oauth4webapi: a scope', [scope.status, scope.error],
        [400, 'invalid_scope']);
});


await part('P8a.6 oauth4webapi: a DPoP proof', async () => {
    const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'));
    const { status, error } = await refusal(
        grant(methods.Basic, {}, { DPoP }));

    same('P8a.6 oauth4webapi: a DPoP proof', [status, error],
        [400, 'invalid_request']);
});

finish();
