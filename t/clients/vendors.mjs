// Pages that do what the browser libraries of the two vendors do, against the
// shipped configuration.  Layer's has two modes: the page's backend hands it a
// business token, or the page has the API key and asks for a partner token.
// Thredfi's asks its backend for a business token whenever it needs one, or,
// for a business that is not registered yet, has none.

import { calls, finish, part, same } from './report.mjs';
import { browse, end, fetchIn, serve } from './browser.mjs';

const business = calls.business;


// --- the page's backend, which alone knows the API key in three of the modes

async function post(path, authorization, body) {
    const response = await fetch(calls.base + path, {
        method: 'POST', headers: { Authorization: authorization }, body,
    });

    return response.json();
}


async function partnerToken() {
    const basic = Buffer.from(`${calls.id}:${calls.key}`).toString('base64');

    return (await post('/v1/platform/oauth2/token/', `Basic ${basic}`,
        new URLSearchParams({ grant_type: 'client_credentials' })))
        .access_token;
}


let partner;

async function businessToken(seconds) {
    partner ??= await partnerToken();

    return post(`/v1/platform/${business}/oauth2/token/`, `Bearer ${partner}`,
        new URLSearchParams({ session_duration: seconds }));
}


// --- in the page; an answer is as of fetchIn

// Layer's: each call has the library's headers; errors are read from errors[];
// nothing is sent twice

const layer = (page, token) => async (method, path, body) => {
    const answer = await fetchIn(page, calls.base + path, {
        method, body, headers: {
            Authorization: `Bearer ${token}`,
            'Content-Type': 'application/json',
            'Layer-Locale': 'en-US', 'Layer-React-Version': '0.1.144',
            ...method === 'GET' ? {} : { 'Cache-Control': 'no-cache' },
        },
    });

    return [answer.error ?? answer.status,
        answer.body?.errors?.[0]?.error_enum ?? null];
};


// a file, as a form; nothing says Content-Type, the browser does

async function upload(page, path, token, bytes) {
    return page.evaluate(async ([url, bearer, length]) => {
        const form = new FormData();

        form.append('file', new Blob([new Uint8Array(length)]), 'receipt.pdf');

        try {
            const response = await fetch(url, {
                method: 'POST', body: form,
                headers: { Authorization: `Bearer ${bearer}` },
            });

            return [response.status, (await response.json()).error ?? null];

        } catch (error) {
            return [error.name];
        }
    }, [calls.base + path, token, bytes]);
}


// Thredfi's: a token is used until its last minute; on 401 a new one and one
// more try.  Returns the statuses of all requests.

const widget = `async ([base, targets]) => {
    const statuses = [];
    let token, until = 0;

    async function fresh() {
        if (Date.now() < until - 60000) {
            return token;
        }

        const got = await (await fetch('/token')).json();

        token = got.access_token;
        until = Date.now() + got.expires_in * 1000;

        return token;
    }

    async function send([method, path]) {
        const response = await fetch(base + path, {
            method, body: method === 'GET' ? undefined : '{}', headers: {
                Accept: 'application/json, text/plain, */*',
                'Content-Type': 'application/json',
                Authorization: 'Bearer ' + await fresh(),
            },
        });

        await response.arrayBuffer();
        statuses.push(response.status);

        return response.status;
    }

    for (const target of targets) {
        if (await send(target) === 401) {
            until = 0;
            await send(target);
        }
    }

    return statuses;
}`;


async function layerWithCredentials(page) {
    const first = await fetchIn(page, `${calls.base}/v1/platform/oauth2/token`,
        {
            method: 'POST',
            headers: {
                Authorization: `Basic ${btoa(`${calls.id}:${calls.key}`)}`,
                'Content-Type': 'application/x-www-form-urlencoded',
            },
            body: new URLSearchParams({
                grant_type: 'client_credentials', scope: calls.scope,
                client_id: calls.id,
            }).toString(),
        });

    same('P3.5 Layer\'s with credentials: a partner token',
        [first.status, first.body?.scope], [200, calls.scope]);

    const call = layer(page, first.body.access_token);

    for (const [what, args, wanted] of [
        ['its business', ['GET', `/v1/businesses/${business}`], [200, null]],
        ['below it', ['GET', `/v1/businesses/${business}/tasks?page=1`],
            [200, null]],
        ['a change', ['PATCH', `/v1/businesses/${business}/tasks/1`, '{}'],
            [200, null]],
        ['its second business', ['GET', `/v1/businesses/${calls.second}`],
            [200, null]],
        ['another partner\'s', ['GET', `/v1/businesses/${calls.foreign}/x`],
            [404, 'SpecifiedIdNotFound']],
        ['an archived one', ['GET', `/v1/businesses/${calls.archived}/x`],
            [404, 'ResourceArchived']],
        ['no business', ['GET', '/v1/businesses/'],
            [404, 'SpecifiedIdNotFound']],
        ['what the API has not', ['GET',
            `/v1/businesses/${business}/nothing`], [404, null]],
        ['what nobody has', ['GET', '/v1/whoami'], [404, null]],
        ['to mint', ['POST', `/v1/businesses/${business}/auth-token`,
            '{"session_duration":900}'], [200, null]],
    ]) {
        same(`P4.5 Layer's with credentials: ${what}`, await call(...args),
            wanted);
    }

    // a wrong key is an answer, which the library takes for a token

    const wrong = await fetchIn(page, `${calls.base}/v1/platform/oauth2/token`,
        { method: 'POST', headers: {
            Authorization: `Basic ${btoa(`${calls.id}:wrong`)}` } });

    same('P1.6 Layer\'s with a wrong key', [wrong.status, wrong.body?.error],
        [401, 'invalid_client']);
}


async function layerWithToken(page) {
    const { access_token: token } = await businessToken(900);
    const call = layer(page, token);
    const own = `/v1/businesses/${business}`;

    for (const [what, args, wanted] of [
        ['its business', ['GET', own], [200, null]],
        ['a change', ['PUT', `${own}/tasks/1`, '{}'], [200, null]],
        ['another business', ['GET', `/v1/businesses/${calls.second}`],
            [403, 'SpecifiedBadRequest']],
        ['what nobody has', ['GET', '/v1/nobody'], [404, null]],
        ['an ambiguous path', ['GET', `${own}/a%2fb`],
            [400, 'InvalidPayload']],
    ]) {
        same(`P4.5 Layer's with a token: ${what}`, await call(...args),
            wanted);
    }

    same('P4.2 Layer\'s with an expired token: 401, for the page to see',
        await layer(page, calls.expired)('GET', own),
        [401, 'SpecifiedBadRequest']);

    // nginx's own limit is 1 MB

    same('P4.5 Layer\'s, a receipt of 3 MB',
        await upload(page, `${own}/documents`, token, 3 << 20), [200, null]);
    same('P4.5 Layer\'s, a file of 21 MB is an answer',
        await upload(page, `${own}/documents`, token, 21 << 20),
        [413, 'invalid_request']);
}


const paths = [
    ['GET', `/v1/platform/businesses/${business}/`],
    ['GET', `/v1/platform/transaction-categories/${business}`],
    ['POST', `/v1/platform/businesses/${business}/invoices/`],
    ['GET', `/v1/platform/businesses/${business}/bank-transactions/?page=1`],
    ['GET', `/v1/platform/businesses/${calls.second}/`],
    ['GET', `/v1/platform/transaction-categories/${calls.foreign}`],
    ['GET', '/v1/platform/unknown/'],
];

async function thredfi(page, backend) {
    const run = () => page.evaluate(`(${widget})(${
        JSON.stringify([calls.base, paths])})`);
    const wanted = [200, 200, 200, 200, 403, 403, 404];

    backend.tokens = () => businessToken(900);
    same('P4.5 Thredfi\'s: each answer is read', await run(), wanted);
    same('P4.5 with one token', backend.asked, 1);

    // Its last minute is a life of 60 s: then every request asks for a token,
    // of which a partner has five in a second

    backend.asked = 0;
    backend.tokens = () => businessToken(60);
    same('P4.5 Thredfi\'s, with tokens of 60 s', await run(), wanted);
    same('P4.5 a token for each request', backend.asked, paths.length);

    backend.asked = 0;

    const dead = { access_token: calls.expired, expires_in: 900 };

    backend.tokens = async () =>
        backend.asked === 1 ? dead : businessToken(900);
    same('P4.2 Thredfi\'s, with a token that has ended', await run(),
        [401, ...wanted]);
    same('P4.2 one new token', backend.asked, 2);

    // a business that is not registered yet has no token

    const answer = await fetchIn(page,
        `${calls.base}/api/v1/product-pricing/tiers/`, {
            method: 'POST', body: '{}',
            headers: { 'Content-Type': 'application/json' },
        });

    same('P4.5 Thredfi\'s, unregistered, where it is not configured',
        [answer.status, answer.body?.error], [404, 'not_found']);
}


async function limits(page) {
    const url = `${calls.base}/v1/businesses/${business}/auth-token`;
    const answers = await Promise.all(Array.from({ length: 20 }, () =>
        fetchIn(page, url, { method: 'POST',
            headers: { Authorization: `Bearer ${partner}` } })));
    const limited = answers.filter(({ status }) => status === 429);

    same('P4.5 a page reads 429, and when to come back',
        [limited.length > 0, limited[0]?.retry, limited[0]?.body?.error,
            answers.filter(({ error }) => error).length],
        [true, '1', 'temporarily_unavailable', 0]);
}


async function down(page) {
    for (const path of [`/v1/businesses/${business}`,
        `/v1/platform/businesses/${business}/`,
        `/v1/platform/transaction-categories/${business}`])
    {
        const answer = await fetchIn(page, calls.base + path,
            { headers: { Authorization: `Bearer ${calls.token}` } });

        same(`P4.5 a page reads 502, ${path.replace(business, '')}`,
            [answer.status, answer.retry, answer.body?.error],
            [502, '5', 'temporarily_unavailable']);
    }
}


const backend = { asked: 0, tokens: () => businessToken(900) };
const server = await serve(new URL(calls.origin).port, {
    '/token': async () => {
        backend.asked++;

        return JSON.stringify(await backend.tokens());
    },
});

try {
    await part('P4.5 in a browser', () => browse(async (context) => {
        const page = await context.newPage();
        const failed = [];

        page.on('requestfailed', (request) => failed.push([request.method(),
            request.url(), request.failure()?.errorText]));
        await page.goto(`${calls.origin}/`);

        if (calls.down) {
            await part('P4.5 no upstream', () => down(page));

        } else {
            await part('P4.5 Layer\'s with credentials',
                () => layerWithCredentials(page));
            await part('P4.5 Layer\'s with a token',
                () => layerWithToken(page));
            await part('P4.5 Thredfi\'s', () => thredfi(page, backend));
            await part('P4.5 limits', () => limits(page));
        }

        same('P4.5 no request ended in a network error', failed, []);
    }));

} finally {
    await end(server);
}

finish();
