// What a script is told, and how it reports: a line of JSON for each
// assertion, which AGW::Clients reads.

import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { webcrypto } from 'node:crypto';

// Node 18, which is Debian 12's, has it under another name; so this file is
// to be imported before the libraries are

globalThis.crypto ??= webcrypto;

export const calls = JSON.parse(readFileSync(process.argv[2]));

let checks = 0;


function report(name, ok, detail) {
    checks++;
    console.log(JSON.stringify({ name, ok, detail }));
}


export function same(name, got, wanted) {
    report(name, isDeepStrictEqual(got, wanted),
        `got ${JSON.stringify(got)}, not ${JSON.stringify(wanted)}`);
}


// Assertions that belong together.  What is thrown there fails under the name
// of the whole, and the script goes on with the next.

export async function part(name, assertions) {
    try {
        await assertions();

    } catch (error) {
        const cause = error.cause ? `, ${JSON.stringify(error.cause)}` : '';

        report(name, false, `${error.stack}${cause}`);
    }
}


// what a promise was rejected with; that it was not is an error itself

export async function refusal(promise) {
    try {
        await promise;

    } catch (error) {
        return error;
    }

    throw new Error('was not refused');
}


export function finish() {
    console.log(JSON.stringify({ checks }));
}
