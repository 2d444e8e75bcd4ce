// Node's fetch presents no client certificate, so libraries are given one of
// node:https.

import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';

import { calls } from './report.mjs';


// certificate is the path of name.pem and name.key without their ends, or
// absent

export function fetchWith(certificate) {
    return (url, { method, headers, body }) => new Promise((done, fail) => {
        const sent = request(url, {
            method, ca: readFileSync(calls.ca),
            headers: Object.fromEntries(new Headers(headers)),
            ...(certificate && {
                cert: readFileSync(`${certificate}.pem`),
                key: readFileSync(`${certificate}.key`),
            }),
        }, async (response) => {
            const parts = [];

            for await (const part of response) {
                parts.push(part);
            }

            done(new Response(Buffer.concat(parts), {
                status: response.statusCode, headers: response.headers,
            }));
        });

        sent.on('error', fail);
        sent.end(body?.toString());
    });
}


// x5t#S256

export function thumbprintOf(certificate) {
    const { raw } = new X509Certificate(readFileSync(`${certificate}.pem`));

    return createHash('sha256').update(raw).digest('base64url');
}
