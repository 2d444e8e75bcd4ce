// Tokens of the gateway, read by jose; tokens of jose, shown to the gateway.

import { calls, finish, part, same } from './report.mjs';

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
    SignJWT, calculateJwkThumbprint, createRemoteJWKSet, importPKCS8,
    jwtVerify,
} from 'jose';

const { servers, all, audience, business, other } = calls;


async function signing_key(server) {
    const bytes = readFileSync(server.key);

    return server.secret ? bytes : importPKCS8(bytes.toString(), server.alg);
}


async function mint(server, issuer, claims) {
    const now = Math.floor(Date.now() / 1000);

    return new SignJWT({ ...claims, iss: issuer, jti: randomUUID() })
        .setProtectedHeader({
            alg: server.alg, typ: 'JWT', kid: server.kid,
        })
        .setIssuedAt(now)
        .setExpirationTime(now + 300)
        .sign(await signing_key(server));
}


// one bit in the middle, so that no encoding can hide it

function flipped(token) {
    const [header, claims, text] = token.split('.');
    const signature = Buffer.from(text, 'base64url');

    signature[signature.length >> 1] ^= 1;

    return `${header}.${claims}.${signature.toString('base64url')}`;
}


async function show(base, id, token) {
    const response = await fetch(`${base}/v1/businesses/${id}/x`, {
        headers: { 'Authorization': `Bearer ${token}` },
    });

    await response.arrayBuffer();

    return response.status;
}


async function verifies(server) {
    const [rule, by] = server.secret
        ? ['P10', 'the secret'] : ['P7.1', 'the JWKS'];
    const key = server.secret ? await signing_key(server)
        : createRemoteJWKSet(new URL(`${server.base}/jwks.json`));

    for (const kind of ['partner', 'business']) {
        const { payload } = await jwtVerify(server[kind].token, key, {
            algorithms: [server.alg], typ: 'JWT', issuer: server.base,
            audience, requiredClaims: ['iat', 'exp', 'jti', 'sub'],
        });

        same(`${rule} jose ${server.alg}: verifies a ${kind} token by ${by}`,
            payload, server[kind].claims);
    }
}


async function publishes(server) {
    const answer = await fetch(`${server.base}/jwks.json`);
    const { keys } = await answer.json();

    same(`P7.1 jose ${server.alg}: one public key, for signatures`,
        keys.map(({ alg, use, d, k }) => [alg, use, d, k]),
        [[server.alg, 'sig', undefined, undefined]]);
    same(`P7.1 jose ${server.alg}: named by its thumbprint`,
        keys[0].kid, await calculateJwkThumbprint(keys[0]));
    same(`P7.1 jose ${server.alg}: as the tokens name it`,
        keys[0].kid, server.kid);
}


async function mints(server) {
    const token = await mint(server, server.base, server.business.claims);

    same(`P10 jose ${server.alg}: a token that it mints opens the business`,
        await show(server.base, business, token), 200);
    same(`P4.2 jose ${server.alg}: and no other`,
        await show(server.base, other, token), 403);
    same(`P4.2 jose ${server.alg}: nor one with another signature`,
        await show(server.base, business, flipped(token)), 401);

    const bought = await fetch(`${server.base}/businesses/${business}/token`, {
        method: 'POST', headers: {
            'Authorization': 'Bearer ' + await mint(
                server, server.base, server.partner.claims),
        },
    });

    same(`P10 jose ${server.alg}: a partner token that it mints buys one`,
        (await bought.json()).business_id, business);
}


for (const server of servers) {
    const { alg } = server;

    if (!server.secret) {
        await part(`P7.1 jose ${alg}: reads the JWKS`,
            () => publishes(server));
    }

    await part(`P10 jose ${alg}: verifies`, () => verifies(server));
    await part(`P10 jose ${alg}: mints`, () => mints(server));
}


await part('P7.1 jose: reads the JWKS of all keys', async () => {
    const { keys } = await (await fetch(`${all}/jwks.json`)).json();
    const published = servers.filter((server) => !server.secret);

    same('P7.1 jose: a JWKS has each key but the secrets',
        keys.map(({ kid }) => kid).sort(),
        published.map(({ kid }) => kid).sort());
});

await part('P7.1 jose: finds each key in the JWKS', async () => {
    const set = createRemoteJWKSet(new URL(`${all}/jwks.json`));

    for (const server of servers) {
        const { alg } = server;
        const token = await mint(server, all, server.business.claims);

        same(`P7.1 jose ${alg}: opens the business among all keys too`,
            await show(all, business, token), 200);

        if (!server.secret) {
            const { protectedHeader } = await jwtVerify(token, set);

            same(`P7.1 jose ${alg}: finds the key among all of them`,
                protectedHeader.kid, server.kid);
        }
    }
});

finish();
