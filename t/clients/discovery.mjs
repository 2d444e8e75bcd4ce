// oauth4webapi and openid-client find a server by its issuer alone, and jose
// its keys.

import { calls, finish, part, refusal, same } from './report.mjs';

import { createRemoteJWKSet, jwtVerify } from 'jose';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';

const { issuers, id, key } = calls;


async function by_oauth4webapi(issuer) {
    const url = new URL(issuer);
    const response = await oauth.discoveryRequest(
        url, { algorithm: 'oauth2' });

    return oauth.processDiscoveryResponse(url, response);
}


async function by_openid_client(issuer, authentication) {
    return openid.discovery(new URL(issuer), id, key, authentication,
        { algorithm: 'oauth2' });
}


function said(metadata) {
    return [metadata.issuer, metadata.token_endpoint, metadata.jwks_uri];
}


async function verified(metadata, token) {
    const { payload } = await jwtVerify(token,
        createRemoteJWKSet(new URL(metadata.jwks_uri)),
        { issuer: metadata.issuer });

    return payload.partner_id;
}


async function call(token, url) {
    const response = await fetch(url, {
        headers: { 'Authorization': `Bearer ${token}` },
    });

    return response.text();
}


async function assert_oauth4webapi(name, at) {
    const metadata = await by_oauth4webapi(at.issuer);
    const client = { client_id: id };
    const basic = oauth.ClientSecretBasic(key);
    const answer = await oauth.processClientCredentialsResponse(
        metadata, client, await oauth.clientCredentialsGrantRequest(
            metadata, client, basic, {}));

    same(`P7.2 oauth4webapi, ${name}: finds endpoint and keys`,
        said(metadata), [at.issuer, at.token, at.jwks]);
    same(`P7.2 oauth4webapi, ${name}: the members that RFC 8414 requires`,
        metadata.response_types_supported, []);
    same(`P7.2 oauth4webapi, ${name}: the grant`,
        metadata.grant_types_supported, ['client_credentials',
            'urn:ietf:params:oauth:grant-type:token-exchange']);
    same(`P7.2 oauth4webapi, ${name}: the ways to authenticate`,
        [...metadata.token_endpoint_auth_methods_supported].sort(),
        ['client_secret_basic', 'client_secret_post']);
    same(`P7.2 oauth4webapi, ${name}: jose verifies its token`,
        await verified(metadata, answer.access_token), id);
    same(`P10 oauth4webapi, ${name}: the guarded call`,
        await call(answer.access_token, at.guarded), 'upstream saw GET\n');
}


async function assert_openid_client(name, at) {
    const methods = {
        'its default': undefined, 'Basic': openid.ClientSecretBasic(key),
    };

    for (const [method, authentication] of Object.entries(methods)) {
        const configuration = await by_openid_client(
            at.issuer, authentication);
        const metadata = configuration.serverMetadata();
        const answer = await openid.clientCredentialsGrant(configuration);
        const response = await openid.fetchProtectedResource(
            configuration, answer.access_token, new URL(at.guarded), 'GET');

        same(`P7.2 openid-client, ${name}: finds it, to use ${method}`,
            said(metadata), [at.issuer, at.token, at.jwks]);
        same(`P7.2 openid-client, ${name}: jose verifies, by ${method}`,
            await verified(metadata, answer.access_token), id);
        same(`P10 openid-client, ${name}: the guarded call, by ${method}`,
            await response.text(), 'upstream saw GET\n');
    }
}


for (const at of issuers) {
    await part(`P7.2 oauth4webapi, ${at.name}`,
        () => assert_oauth4webapi(at.name, at));
    await part(`P7.2 openid-client, ${at.name}`,
        () => assert_openid_client(at.name, at));
}


// two issuers with one key: a token of the one is not the other's

await part('P7.2 jose: the issuers are two', async () => {
    const [first, second] = await Promise.all(
        issuers.map((at) => by_oauth4webapi(at.issuer)));
    const configuration = await by_openid_client(first.issuer);
    const answer = await openid.clientCredentialsGrant(configuration);
    const { code, claim } = await refusal(
        verified(second, answer.access_token));

    same('P7.2 jose: a token of one issuer is not the other\'s',
        [code, claim], ['ERR_JWT_CLAIM_VALIDATION_FAILED', 'iss']);
});

finish();
