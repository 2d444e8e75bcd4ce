// Every answer of the demo against conf/openapi.yaml: a status that is
// described there, its headers, its body.

import { isDeepStrictEqual } from 'node:util';

import { calls, finish, part, same } from './report.mjs';
import {
    api, complaints, escape, follow, operations, text,
} from './described.mjs';

import { Validator } from '@seriousme/openapi-schema-validator';

const pairs = new Set();

// bodies that were seen, by the place that describes them

const seen = new Map();


// what is wrong with an answer to that operation

async function problems(path, method, answer) {
    const { object: found, pointer } = follow(
        `#/paths/${escape(path)}/${method}/responses/${answer.status}`);
    const body = await answer.text();

    if (!found) {
        return [`${answer.status} is not described: ${body}`];
    }

    pairs.add(`${method} ${path} ${answer.status}`);

    const wrong = [];
    const type = answer.headers.get('content-type');

    for (const name of Object.keys(found.headers ?? {})) {
        const header = follow(`${pointer}/headers/${name}`);
        const value = answer.headers.get(name);

        if (value === null) {
            if (header.object.required) {
                wrong.push(`no ${name}`);
            }

            continue;
        }

        wrong.push(...complaints(`${header.pointer}/schema`,
            header.object.schema.type === 'integer' ? Number(value) : value)
            .map((what) => `${name}: ${what}`));
    }

    if (!found.content[type]) {
        return [...wrong, `Content-Type is ${type}`];
    }

    seen.set(pointer, [...seen.get(pointer) ?? [], JSON.parse(body)]);
    wrong.push(...complaints(
        `${pointer}/content/${escape(type)}/schema`, JSON.parse(body)));

    return wrong.length ? [...wrong, body] : wrong;
}


// Sends a request to the path, with its parameters filled in; options are
// fetch's, and: path and base where they are others, as where it is another
// method's answer that is described.

async function check(name, status, path, method, options = {}) {
    const { as = method, at = path, base = calls.base, id = calls.business,
        auth, ...init } = options;
    const target = base + at.replace(/\{\w+\}/, id);

    await part(name, async () => {
        const answer = await fetch(target, {
            ...init, method: as.toUpperCase(),
            headers: {
                ...(auth ? { Authorization: auth } : {}), ...init.headers,
            },
            signal: AbortSignal.timeout(10000),
        });
        const got = answer.status;

        same(name, [got, await problems(path, method, answer)],
            [status, []]);
    });
}


const pause = () => new Promise((resolve) => setTimeout(resolve, 220));
const basic = (key) => `Basic ${btoa(`${calls.id}:${key}`)}`;
const bearer = (token) => `Bearer ${token}`;
const json = (value) => ({
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(value),
});
const grant = { grant_type: 'client_credentials' };
const token_type = 'urn:ietf:params:oauth:token-type:access_token';
const exchange = () => ({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: calls.partner_token, subject_token_type: token_type,
    requested_token_type: token_type, audience: calls.business,
});
const multipart = new FormData();
const large = 'x='.padEnd(9000, 'x');

multipart.append('grant_type', 'client_credentials');


async function partnerTokens() {
    const path = '/v1/platform/oauth2/token/';
    const auth = basic(calls.key);

    for (const [what, status, options] of [
        ['a form', 200, { auth, body: new URLSearchParams(grant) }],
        ['JSON', 200, { auth, ...json(grant) }],
        ['multipart', 200, { auth, body: multipart }],
        ['nothing, without a slash', 200, { auth, at: path.slice(0, -1) }],
        ['credentials in the body', 200, { body: new URLSearchParams({
            client_id: calls.id, client_secret: calls.key,
        }) }],
        ['empty fields', 200, { body: new URLSearchParams({
            client_id: calls.id, client_secret: calls.key,
            client_assertion: '', client_assertion_type: '',
            subject_token: '', requested_token_type: '',
        }) }],
        ['an exchange', 200, { auth, ...json(exchange()) }],
        ['an exchange for another business', 400, { auth,
            ...json({ ...exchange(), audience: calls.foreign }) }],
        ['an assertion, where they are not taken', 401, {
            body: new URLSearchParams({
                client_assertion: calls.partner_token, client_assertion_type:
                    'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
            }),
        }],
        ['a DPoP proof', 400, { auth, headers: { DPoP: 'x' } }],
        ['another grant', 400, { auth, ...json({ grant_type: 'x' }) }],
        ['a wrong key', 401, { auth: basic('wrong') }],
        ['no credentials', 401, {}],
        ['plain HTTP', 403, { auth, base: calls.plain }],
        ['GET', 405, { auth, as: 'get' }],
        ['a large body', 413, { auth, body: new URLSearchParams(large) }],
    ]) {
        await check(`P1.9 a partner token, ${what}`, status, path, 'post',
            options);
        await pause();
    }
}


async function businessTokens(path, layer) {
    const auth = bearer(calls.partner_token);
    const rule = layer ? 'P3.3' : 'P2.5';
    const how = layer ? 'as Layer\'s' : 'a business token';

    for (const [what, status, options] of [
        ['nothing', 200, { auth }],
        ['a duration', 200, { auth, ...json({ session_duration: '60' }) }],
        ['the scope it has anyway', 200, { auth,
            ...json({ scope: 'business_access' }) }],
        ['a scope that is not granted', 400, { auth,
            ...json({ scope: 'other' }) }],
        ['a DPoP proof', 400, { auth, headers: { DPoP: 'x' } }],
        ['not a duration', 400, { auth, ...json({ session_duration: 1.5 }) }],
        ['a malformed header', 400, { auth: 'Bearer' }],
        ['no token', 401, {}],
        ['an expired token', 401, { auth: bearer(calls.expired) }],
        ['a business token', 403, { auth: bearer(calls.token) }],
        ['plain HTTP', 403, { auth, base: calls.plain }],
        ['an unknown business', 404, { auth, id: 'nobody' }],
        ['an archived business', 404, { auth, id: calls.archived }],
        ['GET', 405, { auth, as: 'get' }],
        ['a large body', 413, { auth, ...json({ x: large }) }],
    ]) {
        await check(`${rule} ${how}, ${what}`, status, path, 'post', options);
        await pause();
    }
}


// revocation comes last: it ends the tokens of everything before

async function takenBack() {
    const auth = basic(calls.key);
    const form = (token) => ({ body: new URLSearchParams({ token }) });
    const revoke = '/v1/platform/oauth2/revoke/';
    const business = '/v1/platform/{business_id}/oauth2/revoke/';
    const introspect = '/v1/platform/oauth2/introspect/';

    for (const [rule, path, token] of [
        ['P6.3', introspect, calls.token], ['P5.3', revoke, calls.token],
        ['P6.2', introspect, calls.token], ['P5.4', business, 'x'],
    ]) {
        const good = { auth, ...form(token) };

        for (const [what, status, options] of [
            ['the caller\'s', 200, good],
            ['another type of body', 400, { auth, ...json({ token }) }],
            ['a wrong key', 401, { ...good, auth: basic('wrong') }],
            ['no credentials', 401, form(token)],
            ['a business token as credential', path === business ? 403 : 0,
                { ...good, auth: bearer(calls.others_token) }],
            ['an unknown business', path === business ? 404 : 0,
                { ...good, id: 'nobody' }],
            ['plain HTTP', 403, { ...good, base: calls.plain }],
            ['GET', 405, { auth, as: 'get' }],
            ['a large body', 413, { auth,
                body: new URLSearchParams({ token: large }) }],
        ]) {
            if (status !== 0) {
                await check(`${rule} ${path}, ${what}`, status, path, 'post',
                    options);
                await pause();
            }
        }
    }

    for (const path of [introspect, revoke, business]) {
        await tooMany(path, basic('wrong'));
    }
}


// a location is of one dialect: a refusal in another is not as described

async function guarded(path, method, own, wrong, more = []) {
    const body = method === 'post' ? json({ name: 'x' }) : {};
    const huge = json({ name: 'x'.repeat(21 << 20) });

    for (const [what, status, options] of [
        ['its token', 200, { auth: bearer(own) }],
        ['a malformed header', 400, { auth: 'Bearer' }],
        ['no token', 401, {}],
        ['an expired token', 401, { auth: bearer(calls.expired) }],
        ['another token', 403, { auth: bearer(wrong) }],
        ['plain HTTP', 403, { auth: bearer(own), base: calls.plain }],
        ...more,
    ]) {
        await check(`P4.4 ${method} ${path}, ${what}`, status, path, method,
            { ...body, ...options });
    }

    if (method === 'post') {
        await check(`P4.4 ${method} ${path}, a body too large for nginx`, 413,
            path, method, { auth: bearer(own), ...huge });
    }
}


// what a partner token gets where its partner's ownership counts

const asOwner = () => {
    const auth = bearer(calls.partner_token);

    return [
        ['its owner', 200, { auth }],
        ['an unknown business', 404, { auth, id: 'nobody' }],
        ['another partner\'s', 404, { auth, id: calls.foreign }],
        ['an archived business', 404, { auth, id: calls.archived }],
    ];
};


// until one of a burst is too much

async function tooMany(path, auth) {
    const burst = Array.from({ length: 16 }, () => fetch(
        calls.base + path.replace(/\{\w+\}/, calls.business), {
            method: 'POST', headers: { Authorization: auth },
            signal: AbortSignal.timeout(10000),
        }));
    const answers = await Promise.all(burst);
    const last = answers.find((answer) => answer.status === 429);

    same(`D10 a burst at ${path} is too much`, !!last, true);
    same('D10 and says so as described',
        last && await problems(path, 'post', last), []);
    await new Promise((resolve) => setTimeout(resolve, 2500));
}


const minting = '/v1/platform/{business_id}/oauth2/token/';
const layer = '/v1/businesses/{business_id}/auth-token';


// An example is by its schema; that of a refusal is one that was seen.

function examples() {
    const wrong = [];

    for (const { path, method, responses } of operations()) {
        for (const status of Object.keys(responses)) {
            const { object, pointer } = follow(
                `#/paths/${escape(path)}/${method}/responses/${status}`);

            for (const [type, { example }] of Object.entries(object.content)) {
                const faults = complaints(
                    `${pointer}/content/${escape(type)}/schema`, example);

                if (faults.length || (/^4/.test(status)
                    && !seen.get(pointer)?.some((body) =>
                        isDeepStrictEqual(body, example))))
                {
                    wrong.push([pointer, ...faults]);
                }
            }
        }
    }

    same('D10 each response has an example, those of refusals were seen',
        wrong, []);
}


async function up() {
    const validator = new Validator();
    const verdict = await validator.validate(text);

    same('D10 the description is valid OpenAPI',
        [verdict.valid, verdict.errors ?? [], validator.version],
        [true, [], '3.0']);
    same('D10 its security schemes',
        Object.keys(api.components.securitySchemes),
        ['BasicAuth', 'BearerUnscoped', 'BearerBusinessScoped']);

    await partnerTokens();
    await businessTokens(minting, false);

    await businessTokens(layer, true);

    for (const method of ['get', 'post']) {
        await guarded('/v1/platform/businesses/', method,
            calls.partner_token, calls.token);
    }

    for (const [path, operations] of Object.entries(api.paths)) {
        for (const [method, operation] of Object.entries(operations)) {
            const schemes = (operation.security ?? []).flatMap(Object.keys);

            if (schemes.includes('BearerBusinessScoped')) {
                await guarded(path, method, calls.token, calls.others_token,
                    schemes.includes('BearerUnscoped') ? asOwner() : []);
            }
        }
    }

    await check('D10 /health', 200, '/health', 'get');
    await check('D10 /health, an ambiguous path', 400, '/health', 'get',
        { at: '//health' });

    for (const path of [
        '/.well-known/jwks.json',
        '/.well-known/oauth-authorization-server',
        '/.well-known/oauth-protected-resource',
    ]) {
        await check(`P7 ${path}`, 200, path, 'get');
    }

    await tooMany('/v1/platform/oauth2/token/', basic('wrong'));
    await tooMany(minting, bearer(calls.partner_token));

    await tooMany(layer, bearer(calls.partner_token));

    await takenBack();

    // what is described was seen, but for failures of the gateway itself

    const unseen = [];

    for (const [path, operations] of Object.entries(api.paths)) {
        for (const [method, operation] of Object.entries(operations)) {
            for (const status of Object.keys(operation.responses ?? {})) {
                const pair = `${method} ${path} ${status}`;

                if (status < '500' && !pairs.has(pair)) {
                    unseen.push(pair);
                }
            }
        }
    }

    same('D10 each answer that is described was seen', unseen, []);
    examples();
}


// the upstream is gone

async function down() {
    for (const [path, token] of [
        ['/v1/businesses/{business_id}/invoices', calls.token],
        ['/v1/platform/businesses/', calls.partner_token],
        ['/v1/platform/businesses/{business_id}', calls.partner_token],
        ['/health', null],
    ]) {
        await check(`D10 ${path} without the API`, 502, path, 'get',
            token ? { auth: bearer(token) } : {});
    }
}


await part('D10 the description', calls.down ? down : up);
finish();
