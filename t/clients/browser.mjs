// Chromium for the scripts beside this one: Debian's, without a window, with
// an empty profile, and trusting one certificate more than usual, that of the
// gateway under test.

import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

import { calls } from './report.mjs';

const key = new X509Certificate(readFileSync(calls.certificate)).publicKey
    .export({ type: 'spki', format: 'der' });
const pin = createHash('sha256').update(key).digest('base64');


// Calls use with a context (playwright's), and ends the browser, however that
// went.

export async function browse(use, options = {}) {
    const profile = mkdtempSync(join(tmpdir(), 'agw-chromium-'));
    let context;

    try {
        context = await chromium.launchPersistentContext(profile, {
            executablePath: calls.chromium,
            headless: true,
            timeout: 60000,
            ...options,
            args: [
                '--no-sandbox', '--disable-gpu', '--disable-quic',
                '--disable-dev-shm-usage',
                '--no-first-run', '--disable-background-networking',
                '--disable-component-update', '--disable-sync',
                `--ignore-certificate-errors-spki-list=${pin}`,
            ],
        });
        context.setDefaultTimeout(60000);

        await use(context);

    } finally {
        await context?.close();
        rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    }
}


// A server of empty pages, on the port that is the page's origin; what paths
// answer otherwise is in routes, functions that return a body.

export async function serve(port, routes = {}) {
    const server = createServer(async (request, response) => {
        const route = routes[request.url];

        try {
            const body = route ? await route() : '<!DOCTYPE html><p>page';

            response.setHeader('Content-Type',
                route ? 'application/json' : 'text/html');
            response.end(body);

        } catch (error) {
            response.statusCode = 500;
            response.end(String(error));
        }
    });

    await new Promise((resolve, reject) => {
        server.on('error', reject);
        server.listen(port, '127.0.0.1', resolve);
    });

    return server;
}


export function end(server) {
    server.closeAllConnections?.();

    return new Promise((resolve) => server.close(resolve));
}


// What a page's fetch comes to: what the page can see of the answer, or the
// name of the error.

export async function fetchIn(page, url, options = {}) {
    return page.evaluate(async ([target, init]) => {
        try {
            const response = await fetch(target, {
                ...init, signal: AbortSignal.timeout(10000),
            });
            const text = await response.text();
            const answer = {
                status: response.status,
                challenge: response.headers.get('www-authenticate'),
                retry: response.headers.get('retry-after'),
                text,
            };

            try {
                answer.body = JSON.parse(text);
            } catch {
                // not every answer is JSON
            }

            return answer;

        } catch (error) {
            return { error: error.name };
        }
    }, [url, options]);
}
