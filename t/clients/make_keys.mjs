// Keys for the gateway, as jose makes and exports them.

import { calls, finish, part, same } from './report.mjs';

import { existsSync, writeFileSync } from 'node:fs';
import { exportJWK, generateKeyPair, generateSecret } from 'jose';


async function make({ name, alg, file, jwk }) {
    const options = { extractable: true };
    const key = alg.startsWith('HS') ? await generateSecret(alg, options)
        : (await generateKeyPair(alg, options)).privateKey;
    const text = JSON.stringify(
        { ...await exportJWK(key), alg, use: 'sig', kid: name });

    writeFileSync(file, text, { mode: 0o600 });
    writeFileSync(jwk, text, { mode: 0o600 });
}


for (const key of calls.keys) {
    await part(`D4 jose: ${key.name}`, async () => {
        await make(key);
        same(`D4 jose: makes ${key.name}`, existsSync(key.file), true);
    });
}

finish();
