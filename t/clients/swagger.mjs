// Swagger UI as the demo serves it: what a person does there, step by step,
// and that the page keeps to its Content-Security-Policy.

import { calls, finish, part, same } from './report.mjs';
import { browse } from './browser.mjs';

const problems = [];


// "Authorize": the dialog has a form for each scheme

async function authorize(page, scheme, values) {
    await page.click('.btn.authorize');

    const form = page.locator('.auth-container', { hasText: scheme }).first();
    const inputs = form.locator('input');

    for (const [i, value] of values.entries()) {
        await inputs.nth(i).fill(value);
    }

    await form.locator('button.authorize').click();
    await form.locator('button', { hasText: 'Logout' }).waitFor();
    await page.click('.btn-done');
}


// "Try it out" and "Execute"; returns the status and the body shown

async function tryIt(page, operation, parameters = {}) {
    const block = page.locator(`[id$="-${operation}"]`);

    if (!await block.locator('.opblock-body').count()) {
        await block.locator('.opblock-summary-control').click();
        await block.locator('.try-out__btn').click();
    }

    for (const [name, value] of Object.entries(parameters)) {
        await block.locator(`tr[data-param-name="${name}"] input`)
            .fill(value);
    }

    const clear = block.locator('.btn-clear');

    if (await clear.count()) {
        await clear.click();
    }

    await block.locator('button.execute').click();

    const shown = block.locator('.live-responses-table .response');

    await shown.waitFor();

    const text = await shown.locator('.response-col_description pre')
        .first().textContent();
    let body;

    try {
        body = JSON.parse(text);
    } catch {
        body = text;
    }

    return {
        status: Number(await shown.locator('.response-col_status')
            .textContent()),
        body,
    };
}


async function flow(page) {
    await authorize(page, 'BasicAuth', [calls.id, 'wrong']);

    let answer = await tryIt(page, 'getPartnerToken');

    await page.screenshot({ path: `${calls.pictures}/swagger_refused.png` });
    same('P1.6 Swagger UI: a wrong API key', [answer.status,
        answer.body.error], [401, 'invalid_client']);

    await page.click('.btn.authorize');
    await page.locator('.auth-container', { hasText: 'BasicAuth' }).first()
        .locator('button', { hasText: 'Logout' }).click();
    await page.click('.btn-done');
    await authorize(page, 'BasicAuth', [calls.id, calls.key]);

    answer = await tryIt(page, 'getPartnerToken');
    same('P1.9 Swagger UI: BasicAuth, a partner token', [answer.status,
        answer.body.token_type, answer.body.expires_in],
    [200, 'Bearer', 3600]);

    await authorize(page, 'BearerUnscoped', [answer.body.access_token]);
    answer = await tryIt(page, 'listBusinesses');
    same('P4.6 Swagger UI: BearerUnscoped, the partner\'s businesses',
        [answer.status, answer.body.x_partner_id], [200, calls.id]);

    answer = await tryIt(page, 'getBusinessToken',
        { business_id: calls.business });
    same('P2.5 Swagger UI: BearerUnscoped, a business token', [answer.status,
        answer.body.scope, answer.body.business_id],
    [200, 'business_access', calls.business]);

    await authorize(page, 'BearerBusinessScoped',
        [answer.body.access_token]);
    answer = await tryIt(page, 'listInvoices',
        { business_id: calls.business });
    same('P4.6 Swagger UI: BearerBusinessScoped, a guarded GET',
        [answer.status, answer.body.x_business_id, answer.body.path],
        [200, calls.business, `/v1/businesses/${calls.business}/invoices`]);

    await page.locator('[id$="-listInvoices"]').scrollIntoViewIfNeeded();
    await page.screenshot({ path: `${calls.pictures}/swagger_flow.png` });

    answer = await tryIt(page, 'listInvoices', { business_id: calls.other });
    same('P4.2 Swagger UI: another business', [answer.status,
        answer.body.type], [403, 'AuthFailure']);
}


// nothing is kept: neither by the page nor for the next one

async function keepsNothing(context, page) {
    same('D10 Swagger UI: nothing is stored', await page.evaluate(() =>
        [localStorage.length, sessionStorage.length, document.cookie]),
    [0, 0, '']);

    await page.reload();
    await page.locator('.btn.authorize').waitFor();
    same('D10 Swagger UI: a reload forgets', await page.locator(
        '.btn.authorize.locked, .authorization__btn.locked').count(), 0);
    same('D10 Swagger UI: no cookie', (await context.cookies()).length, 0);
}


// violations are reported to the page before anything of it runs

const watch = () => {
    addEventListener('securitypolicyviolation', (event) => {
        console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`
            + ` ${event.sourceFile}:${event.lineNumber} ${event.sample}`);
    });
};


await part('D10 Swagger UI', () => browse(async (context) => {
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

    const response = await page.goto(`${calls.base}/docs/`);
    const policy = response.headers()['content-security-policy'] ?? '';

    same('D10 /docs/ has a strict policy', [response.status(),
        /default-src 'none'; script-src 'self';/.test(policy),
        /unsafe/.test(policy)], [200, true, false]);

    await page.locator('.opblock').first().waitFor();
    same('D10 Swagger UI finds no fault with the description',
        await page.locator('.errors-wrapper').count(), 0);

    for (const operation of calls.operations) {
        same(`D10 Swagger UI shows ${operation}`,
            await page.locator(`[id$="-${operation}"]`).count(), 1);
    }

    await page.screenshot({
        path: `${calls.pictures}/swagger.png`, fullPage: true,
    });
    await part('D10 Swagger UI: the whole flow', () => flow(page));
    await part('D10 Swagger UI: afterwards',
        () => keepsNothing(context, page));
    same('D10 Swagger UI: the policy holds, nobody else is asked', problems,
        []);
}, { viewport: { width: 1280, height: 900 } }));

finish();
