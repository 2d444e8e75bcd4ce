// Pages on other origins call the gateway.  localhost and 127.0.0.1 are two
// hosts to a browser, and each port is another origin.

import { calls, finish, part, same } from './report.mjs';
import { browse, end, fetchIn, serve } from './browser.mjs';

const bearer = (token) => ({ headers: { Authorization: `Bearer ${token}` } });
const servers = [];


async function pageOf(context, origin) {
    const page = await context.newPage();

    await page.goto(`${origin}/`);

    return page;
}


async function allowed(context) {
    const page = await pageOf(context, calls.origin);
    let answer = await fetchIn(page, calls.own, bearer(calls.token));

    same('P4.5 a page with a token reads the answer',
        [answer.status, answer.text], [200, 'upstream saw GET\n']);

    answer = await fetchIn(page, calls.own, {
        method: 'PUT', body: '{}', headers: {
            ...bearer(calls.token).headers,
            'Content-Type': 'application/json',
            'Cache-Control': 'no-cache',
            'Layer-Locale': 'en-US',
            'Layer-React-Version': '1',
        },
    });
    same('P4.5 with the headers that libraries send',
        [answer.status, answer.text], [200, 'upstream saw PUT\n']);

    answer = await fetchIn(page, calls.own, bearer(calls.expired));
    same('P4.5 an expired token: the page reads 401 and why',
        [answer.status, answer.body?.error, answer.challenge?.slice(0, 49)],
        [401, 'invalid_token',
            'Bearer realm="auth gateway", error="invalid_token']);

    answer = await fetchIn(page, calls.own);
    same('P4.5 no token: the page reads the challenge',
        [answer.status, answer.challenge],
        [401, 'Bearer realm="auth gateway"']);

    answer = await fetchIn(page, calls.other, bearer(calls.token));
    same('P4.5 another business: the page reads 403 and why',
        [answer.status, answer.body?.error], [403, 'insufficient_scope']);

    answer = await fetchIn(page, `${calls.own}/..%2f`, bearer(calls.token));
    same('P4.5 an ambiguous path: the page reads 400',
        [answer.status, answer.body?.error], [400, 'invalid_request']);

    answer = await fetchIn(page, calls.own,
        { headers: { ...bearer(calls.token).headers, 'X-Other': '1' } });
    same('P4.5 a header that is not listed is not sent', answer,
        { error: 'TypeError' });

    answer = await fetchIn(page, calls.own,
        { ...bearer(calls.token), credentials: 'include' });
    same('P4.5 nor are cookies', answer, { error: 'TypeError' });

    // an upstream with CORS of its own: a header that it allows, and the
    // gateway's refusals

    answer = await fetchIn(page, calls.own_cors,
        { headers: { ...bearer(calls.token).headers, 'X-Upstream': '1' } });
    same('P4.5 an upstream with CORS of its own: the page reads its answer',
        [answer.status, answer.text], [200, 'its own']);

    answer = await fetchIn(page, calls.own_cors, bearer(calls.expired));
    same('P4.5 and the gateway\'s refusal', [answer.status,
        answer.body?.error], [401, 'invalid_token']);

    answer = await fetchIn(page, calls.elsewhere, bearer(calls.token));
    same('P4.5 a location without cors.conf is closed to pages', answer,
        { error: 'TypeError' });
}


async function refused(context) {
    const page = await pageOf(context, calls.stranger);

    same('P4.5 a page of another origin reads nothing of such an upstream',
        await fetchIn(page, calls.own_cors, bearer(calls.token)),
        { error: 'TypeError' });

    for (const [what, options] of [
        ['with a token', bearer(calls.token)],
        ['without one', {}],
        ['with an expired one', bearer(calls.expired)],
    ]) {
        same(`P4.5 a page of another origin, ${what}, reads nothing`,
            await fetchIn(page, calls.own, options), { error: 'TypeError' });
    }

    // "no-cors" sends no Authorization, and shows nothing of the answer

    const answer = await fetchIn(page, calls.own,
        { ...bearer(calls.token), mode: 'no-cors' });

    same('P4.5 nor with "no-cors"', [answer.status, answer.text], [0, '']);
}


// a sandboxed frame's origin is "null"

async function sandboxed(context) {
    const page = await pageOf(context, calls.origin);

    await page.setContent(
        '<iframe sandbox="allow-scripts" srcdoc="<p>frame"></iframe>');

    const frame = await (await page.waitForSelector('iframe')).contentFrame();

    same('P4.5 a sandboxed frame is of origin null',
        await frame.evaluate(() => self.origin), 'null');
    same('P4.5 which reads nothing',
        await fetchIn(frame, calls.own, bearer(calls.token)),
        { error: 'TypeError' });
}


// Thredfi's: a business token from a backend of the page's own; after a 401 a
// new one and one more try; a 403 is final.

const inPage = `async (calls) => {
    let token;

    async function fetchToken() {
        token = (await (await fetch('/token')).json()).access_token;
    }

    async function request(url) {
        const headers = { Authorization: 'Bearer ' + token };

        return fetch(url, { headers });
    }

    await fetchToken();

    const statuses = [];

    for (const url of [calls.own, calls.own, calls.other]) {
        let response = await request(url);

        statuses.push(response.status);

        if (response.status === 401) {
            await fetchToken();
            response = await request(url);
            statuses.push(response.status);
        }
    }

    return statuses;
}`;


async function backendToken() {
    const basic = Buffer.from(`${calls.id}:${calls.key}`).toString('base64');
    const first = await fetch(calls.partner_url, {
        method: 'POST',
        headers: { Authorization: `Basic ${basic}` },
        body: new URLSearchParams({ grant_type: 'client_credentials' }),
    });
    const { access_token: partner } = await first.json();
    const second = await fetch(calls.business_url,
        { method: 'POST', ...bearer(partner) });

    return second.text();
}


async function thredfi(context) {
    const page = await pageOf(context, calls.backed);
    let asked = 0;

    page.on('request', (request) => {
        asked += request.url() === calls.own && request.method() === 'GET';
    });

    tokens.push(async () => JSON.stringify({ access_token: calls.expired }));
    same('P4.2 Thredfi\'s: 401, a new token, 200; 403 and no more',
        await page.evaluate(`(${inPage})(${JSON.stringify(calls)})`),
        [401, 200, 200, 403]);
    same('P4.2 with one request more than calls', asked, 3);

    // a backend whose tokens are all dead is not asked for ever

    for (let i = 0; i < 3; i++) {
        tokens.push(async () =>
            JSON.stringify({ access_token: calls.expired }));
    }

    same('P4.2 Thredfi\'s: one retry, not two',
        (await page.evaluate(`(${inPage})(${JSON.stringify(calls)})`))
            .slice(0, 4),
        [401, 401, 401, 401]);
}


const tokens = [];

servers.push(await serve(new URL(calls.origin).port));
servers.push(await serve(new URL(calls.stranger).port));
servers.push(await serve(new URL(calls.backed).port, {
    '/token': async () => (tokens.shift() ?? backendToken)(),
}));

try {
    await part('P4.5 in a browser', () => browse(async (context) => {
        await part('P4.5 an allowed origin', () => allowed(context));
        await part('P4.5 another origin', () => refused(context));
        await part('P4.5 the origin null', () => sandboxed(context));
        await part('P4.2 Thredfi\'s', () => thredfi(context));
    }));

} finally {
    await Promise.all(servers.map(end));
}

finish();
