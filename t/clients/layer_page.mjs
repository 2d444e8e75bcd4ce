// A client in a page that behaves as Layer's browser library does: it asks
// for its partner token itself, with Basic, client_id and a scope that is a
// URL; sends headers of its own with each call; and reads errors from
// errors[].

import { readFileSync } from 'node:fs';

import { calls, finish, part, same } from './report.mjs';
import { browse, end, serve } from './browser.mjs';

import Ajv from 'ajv';
import { parse } from 'yaml';

const ajv = new Ajv({ strict: false });

ajv.addSchema(parse(readFileSync(calls.description, 'utf8')), 'api');


// runs in the page; an answer is its status, its body, and what the library
// makes of its errors

const library = `(base) => {
    const headers = {
        'Cache-Control': 'no-cache',
        'Layer-Locale': 'en-US',
        'Layer-React-Version': '0.1.100',
    };

    async function read(response) {
        const body = await response.json();

        return {
            status: response.status, body,
            errors: (body.errors ?? []).map((error) =>
                [error.type, error.error_enum ?? null]),
        };
    }

    window.layer = {
        async authenticate(id, key, scope) {
            return read(await fetch(base + '/v1/platform/oauth2/token', {
                method: 'POST',
                headers: {
                    'Authorization': 'Basic ' + btoa(id + ':' + key),
                    'Content-Type': 'application/x-www-form-urlencoded',
                },
                body: new URLSearchParams({
                    grant_type: 'client_credentials', scope, client_id: id,
                }),
            }));
        },

        async call(method, path, token, body) {
            return read(await fetch(base + path, {
                method,
                headers: {
                    ...headers,
                    'Authorization': 'Bearer ' + token,
                    'Content-Type': 'application/json',
                },
                body,
            }));
        },
    };
}`;


function fits(name, answer, schema) {
    const validate = ajv.getSchema(`api#/components/schemas/${schema}`);

    same(`P3.4 ${name}: ${schema} of the description`,
        [validate(answer.body), validate.errors], [true, null]);
}


async function flow(page) {
    const call = (...args) => page.evaluate(
        (words) => window.layer.call(...words), args);
    const minting = (business) => `/v1/businesses/${business}/auth-token`;
    const scope = calls.scope;
    const first = await page.evaluate(
        (words) => window.layer.authenticate(...words),
        [calls.id, calls.key, scope]);

    same('P3.5 Layer\'s: a partner token, for a scope that is a URL',
        [first.status, first.body.token_type, first.body.scope],
        [200, 'Bearer', scope]);

    const partner = first.body.access_token;
    let answer = await call('POST', minting(calls.business), partner,
        JSON.stringify({ session_duration: '60' }));

    same('P3.3 Layer\'s: AuthToken, and no envelope', [answer.status,
        Object.keys(answer.body).sort(), answer.body.expires_in],
    [200, ['access_token', 'expires_in', 'token_type'], 60]);
    fits('a token', answer, 'AuthToken');

    const token = answer.body.access_token;

    answer = await call('GET', calls.own, token);
    same('P4.6 Layer\'s: a guarded call', [answer.status,
        answer.body.x_business_id], [200, calls.business]);

    for (const [what, args, status, errors] of [
        ['an expired token', ['GET', calls.own, calls.expired], 401,
            ['AuthFailure', 'SpecifiedBadRequest']],
        ['another business', ['GET', calls.other, token], 403,
            ['AuthFailure', 'SpecifiedBadRequest']],
        ['an ambiguous path', ['GET', `${calls.own}/..%2f`, token], 400,
            ['InvalidParameters', 'InvalidPayload']],
        ['a business token, to mint', ['POST', minting(calls.business),
            token], 403, ['AuthFailure', 'SpecifiedBadRequest']],
        ['an unknown business', ['POST', minting('nobody'), partner], 404,
            ['ResourceNotFound', 'SpecifiedIdNotFound']],
        ['another partner\'s business', ['POST', minting(calls.foreign),
            partner], 404, ['ResourceNotFound', 'SpecifiedIdNotFound']],
        ['an archived business', ['POST', minting(calls.archived), partner],
            404, ['ResourceArchived', 'ResourceArchived']],
        ['no duration', ['POST', minting(calls.business), partner,
            '{"session_duration":1.5}'], 400,
        ['InvalidParameters', 'InvalidPayload']],
        ['no JSON', ['POST', minting(calls.business), partner, '{'], 400,
            ['JsonSerialization', 'InvalidPayload']],
        ['another method', ['PUT', minting(calls.business), partner, '{}'],
            405, ['BadRequest', 'SpecifiedBadRequest']],
    ]) {
        await part(`P3.4 Layer's: ${what}`, async () => {
            answer = await call(...args);
            same(`P3.4 Layer's: ${what}`, [answer.status, answer.errors,
                answer.body.type, answer.body.error_enum],
            [status, [errors], ...errors]);
            fits(what, answer, 'ApiError');
        });
    }
}


const server = await serve(new URL(calls.origin).port);

try {
    await part('P3.5 Layer\'s, in a browser', () => browse(async (context) => {
        const page = await context.newPage();

        await page.goto(`${calls.origin}/`);
        await page.evaluate(`(${library})(${JSON.stringify(calls.base)})`);
        await flow(page);
    }));

} finally {
    await end(server);
}

finish();
