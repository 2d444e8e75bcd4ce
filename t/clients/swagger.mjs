// /docs/ of the demo, walked through with the mouse, as wide as a desktop and
// as a phone: from an API key to a guarded request in four steps, then every
// operation as it is prefilled.  The page keeps to its policy meanwhile.

import { calls, finish, part, same } from './report.mjs';
import { browse } from './browser.mjs';
import { complaints, escape, follow, operations } from './described.mjs';

const all = operations();
const problems = [];


function pictureOf(name) {
    return `${calls.pictures}/swagger_${calls.size.width}_${name}.png`;
}


function picture(page, name) {
    return page.screenshot({ path: pictureOf(name) });
}


// What is wider than its place: the document, or anything in an operation that
// is open or in the dialog, that scrolls sideways or sticks out of the window.

async function narrow(page, name) {
    same(`D10 ${name}: nothing scrolls sideways`, await page.evaluate(() => {
        const root = document.documentElement;
        const wide = root.scrollWidth > root.clientWidth ? ['document'] : [];
        const open = '.opblock.is-open, .dialog-ux';

        for (const element of document.querySelectorAll(
            `${open}, :is(${open}) *`))
        {
            const { overflowX } = getComputedStyle(element);
            const { right, width } = element.getBoundingClientRect();

            if (width > 0 && (right > root.clientWidth + 1
                || (/auto|scroll/.test(overflowX)
                    && element.scrollWidth > element.clientWidth + 1)))
            {
                wide.push(`${element.tagName}.${element.className}`);
            }
        }

        return wide;
    }), []);
}


// The locks: closed where one of the ways that an operation names is complete.

async function locks(page, name, schemes) {
    const wanted = {};
    const got = {};

    for (const { operationId: id, security } of all) {
        const ways = security.filter((way) => Object.keys(way).length);

        if (ways.length) {
            const lock = page.locator(`[id$="-${id}"] .authorization__btn`);

            wanted[id] = ways.some((way) => Object.keys(way)
                .every((scheme) => schemes.includes(scheme)));
            got[id] = await lock.locator('.locked').count() === 1;
        }
    }

    same(`D10 ${name}: the locks`, got, wanted);
    same(`D10 ${name}: the lock of the page`, await page.locator(
        '.btn.authorize.locked').count() > 0, schemes.length > 0);
}


// "Authorize": the dialog has a form for each scheme.  What is entered is
// pasted; what was entered before is taken away.

async function authorize(page, scheme, ...values) {
    await page.click('.btn.authorize');

    const form = page.locator('.auth-container').filter({
        has: page.locator('h4 code', { hasText: scheme }),
    });
    const logout = form.locator('button', { hasText: 'Logout' });

    if (await logout.count()) {
        await logout.click();
    }

    for (const [i, value] of values.entries()) {
        if (value !== null) {
            await page.evaluate((text) => navigator.clipboard.writeText(text),
                value);
            await form.locator('input').nth(i).click();
            await page.keyboard.press('Control+A');
            await page.keyboard.press('Control+V');
        }
    }

    await form.locator('button.authorize').click();
    await logout.waitFor();
    await form.locator('.btn-done').click();
}


function block(page, id) {
    return page.locator(`[id$="-${id}"]`);
}


async function open(page, id) {
    const body = block(page, id).locator('.opblock-body');

    if (!await body.count()) {
        await block(page, id).locator('.opblock-summary-control').click();
        await body.waitFor();
    }

    // of a form with more than eight fields Swagger UI thinks that somebody has
    // edited it, and has "Reset" beside "Cancel"

    const button = block(page, id).locator('.try-out__btn').first();

    if (!/Cancel|Reset/.test(await button.textContent())) {
        await button.click();
    }
}


// "Try it out" and "Execute"; returns what the page shows of the answer

async function tryIt(page, id, parameters = {}) {
    await open(page, id);

    const here = block(page, id);

    for (const [name, value] of Object.entries(parameters)) {
        await here.locator(`tr[data-param-name="${name}"] input`).fill(value);
    }

    if (await here.locator('.btn-clear').count()) {
        await here.locator('.btn-clear').click();
    }

    await here.locator('button.execute').click();

    const shown = here.locator('.live-responses-table .response');

    await shown.waitFor();

    const code = await shown.locator('.response-col_status').textContent();
    const text = await shown.locator('.response-col_description pre')
        .first().textContent();
    let body;

    try {
        body = JSON.parse(text);
    } catch {
        body = text;
    }

    return {
        status: Number.parseInt(code, 10), body,
        undescribed: /Undocumented/.test(code),
    };
}


async function use(page, id, scheme) {
    await block(page, id).locator('.token-use',
        { hasText: `Use as ${scheme}` }).click();
    await block(page, id).locator('.token-use',
        { hasText: `In use as ${scheme}` }).waitFor();
}


async function opens(page, at) {
    const response = await page.goto(`${calls.base}/docs/`);
    const policy = response.headers()['content-security-policy'] ?? '';

    same(`D10 ${at}: /docs/ has a strict policy`, [response.status(),
        /default-src 'none'; script-src 'self';/.test(policy),
        /unsafe/.test(policy)], [200, true, false]);

    await page.locator('.opblock').first().waitFor();
    same(`D10 ${at}: the page finds no fault with the description`,
        await page.locator('.errors-wrapper').count(), 0);

    for (const { operationId: id } of all) {
        same(`D10 ${at}: the page shows ${id}`,
            await block(page, id).count(), 1);
    }

    await narrow(page, at);
    await locks(page, `${at}, before anybody authorized`, []);
    await picture(page, 'first');
}


// It opened at the last of its forms.

async function dialog(page, at) {
    await page.click('.btn.authorize');
    await page.locator('.dialog-ux').waitFor();

    const forms = page.locator('.auth-container');

    same(`D10 ${at}: a form for each scheme`,
        await forms.locator('h4 code').allTextContents(),
        ['BasicAuth', 'BearerUnscoped', 'BearerBusinessScoped']);
    same(`D10 ${at}: the first form is on the screen, and its field has the focus`,
        await forms.first().evaluate((form) => {
            const shown = form.closest('.modal-ux-content')
                .getBoundingClientRect();
            const { top } = form.querySelector('h4').getBoundingClientRect();
            const field = form.querySelector('#auth-basic-password')
                .getBoundingClientRect();

            return [top >= shown.top, field.bottom <= shown.bottom,
                shown.bottom <= innerHeight,
                document.activeElement?.id];
        }), [true, true, true, 'auth-basic-password']);
    same(`D10 ${at}: the demo's partner is entered`,
        await forms.first().locator('input').first().inputValue(), calls.id);

    for (const scheme of ['BearerUnscoped', 'BearerBusinessScoped']) {
        const said = await forms.filter({
            has: page.locator('h4 code', { hasText: scheme }),
        }).textContent();

        same(`D10 ${at}: ${scheme} says what makes a token malformed`,
            [/quotes/, /Bearer before/, /whole JSON/].map((cause) =>
                cause.test(said)), [true, true, true]);
    }

    await narrow(page, `${at}, the dialog`);
    await picture(page, 'dialog');
    await page.click('.close-modal');
}


// From an API key to a guarded request: only the key is entered.

async function fourSteps(page, at) {
    await authorize(page, 'BasicAuth', null, calls.key);
    await locks(page, `${at}, with an API key`, ['BasicAuth']);

    let answer = await tryIt(page, 'getPartnerToken');

    same(`P1.9 ${at}: a partner token`, [answer.status,
        answer.body.token_type, answer.body.expires_in],
    [200, 'Bearer', 3600]);
    await picture(page, 'token');
    await block(page, 'getPartnerToken').locator('.token-copy').click();
    await page.locator('.token-copy', { hasText: 'Copied' }).waitFor();
    same(`D10 ${at}: the token is copied alone`,
        await page.evaluate(() => navigator.clipboard.readText()),
        answer.body.access_token);
    await use(page, 'getPartnerToken', 'BearerUnscoped');
    await locks(page, `${at}, with a partner token`,
        ['BasicAuth', 'BearerUnscoped']);

    answer = await tryIt(page, 'getBusinessToken');
    same(`P2.5 ${at}: a business token, for the business that is entered`,
        [answer.status, answer.body.scope, answer.body.business_id],
        [200, 'business_access', calls.business]);
    await use(page, 'getBusinessToken', 'BearerBusinessScoped');
    await locks(page, `${at}, with a business token`,
        ['BasicAuth', 'BearerUnscoped', 'BearerBusinessScoped']);

    const token = answer.body.access_token;

    answer = await tryIt(page, 'getBusiness');
    same(`P4.6 ${at}: the business`, [answer.status,
        answer.body.x_business_id, answer.body.path],
    [200, calls.business, `/v1/businesses/${calls.business}`]);

    const sent = await block(page, 'getBusiness').locator('.curl-command')
        .textContent();

    same(`P4.6 ${at}: with the business token`, sent.includes(token), true);
}


// from the top of the page to its end, with each type that a body can have

async function everything(page, at) {
    const shown = await page.locator('.opblock').evaluateAll((blocks) =>
        blocks.map(({ id }) => id.split('-').pop()));

    for (const id of shown) {
        const { path, method, requestBody } =
            all.find(({ operationId }) => operationId === id);
        const types = Object.keys(requestBody?.content ?? { none: {} });

        for (const type of types) {
            await open(page, id);

            if (types.length > 1) {
                await block(page, id).locator('.body-param-content-type select')
                    .selectOption(type);
            }

            const answer = await tryIt(page, id);
            const { object, pointer } = follow(`#/paths/${escape(path)}/`
                + `${method}/responses/${answer.status}`);
            const [said] = Object.keys(object?.content ?? {});

            same(`D10 ${at}: ${id} as prefilled, ${type}`, [answer.status,
                answer.undescribed, said && complaints(
                    `${pointer}/content/${escape(said)}/schema`, answer.body)],
            [200, false, []]);
        }

        await narrow(page, `${at}, ${id}`);
        await block(page, id).screenshot({ path: pictureOf(id) });
        await block(page, id).locator('.opblock-summary-control').click();
    }
}


async function refusals(page, at) {
    let answer = await tryIt(page, 'getPartnerToken');
    const token = answer.body.access_token;

    for (const [what, text] of [
        ['in quotes', `"${token}"`],
        ['after "Bearer "', `Bearer ${token}`],
        ['as the whole JSON', JSON.stringify(answer.body)],
    ]) {
        await authorize(page, 'BearerUnscoped', text);

        const { status, body } = await tryIt(page, 'listBusinesses');

        same(`P4.2 ${at}: a token ${what} is malformed`,
            [status, body.error_code], [400, 'validation_error']);
    }

    await authorize(page, 'BearerUnscoped', token);
    answer = await tryIt(page, 'listBusinesses');
    same(`P4.6 ${at}: alone it is not`, [answer.status,
        answer.body.x_partner_id], [200, calls.id]);

    answer = await tryIt(page, 'getBusinessToken');
    await use(page, 'getBusinessToken', 'BearerBusinessScoped');
    answer = await tryIt(page, 'listInvoices', { business_id: calls.other });
    same(`P4.2 ${at}: another business`, [answer.status, answer.body.type],
        [403, 'AuthFailure']);

    await authorize(page, 'BasicAuth', null, 'wrong');
    answer = await tryIt(page, 'getPartnerToken');
    await picture(page, 'refused');
    same(`P1.6 ${at}: a wrong API key`, [answer.status, answer.body.error],
        [401, 'invalid_client']);
    same(`D10 ${at}: nothing to be used or copied then`,
        await block(page, 'getPartnerToken').locator('.token-buttons')
            .count(), 0);
}


// nothing is kept: neither by the page nor for the next one

async function keepsNothing(page, at) {
    same(`D10 ${at}: nothing is stored`, await page.evaluate(() =>
        [localStorage.length, sessionStorage.length, document.cookie]),
    [0, 0, '']);

    await page.reload();
    await page.locator('.opblock').first().waitFor();
    await locks(page, `${at}, after a reload`, []);
    same(`D10 ${at}: no cookie`, (await page.context().cookies()).length, 0);
}


// violations are reported to the page before anything of it runs

const watch = () => {
    addEventListener('securitypolicyviolation', (event) => {
        console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`
            + ` ${event.sourceFile}:${event.lineNumber} ${event.sample}`);
    });
};


async function watched(context) {
    const page = await context.newPage();

    await page.addInitScript(watch);
    page.on('pageerror', (error) => problems.push(`error: ${error}`));
    page.on('console', (message) => {
        // Chromium's own lines for answers of 4xx

        if (message.type() === 'error'
            && !message.text().startsWith('Failed to load resource'))
        {
            problems.push(message.text());
        }
    });
    page.on('request', (request) => {
        if (!/^data:/.test(request.url())
            && !request.url().startsWith(`${calls.base}/`))
        {
            problems.push(`asks ${request.url()}`);
        }
    });

    return page;
}


await part('D10 Swagger UI', () => browse(async (context) => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write'],
        { origin: calls.base });

    const page = await watched(context);
    const at = `${calls.size.width} px`;

    for (const step of [
        opens, dialog, fourSteps, everything, refusals, keepsNothing,
    ]) {
        await part(`D10 ${at}: ${step.name}`, () => step(page, at));
    }

    same('D10 Swagger UI: the policy holds, nobody else is asked', problems,
        []);
}, { viewport: calls.size }));

finish();
