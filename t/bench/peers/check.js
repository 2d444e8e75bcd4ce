// HS256 and exp, for t/bench/lib/Bench/Peers.pm: what one writes in njs.

const crypto = require('crypto');
const secret = '%%SECRET%%';

function parsed(part) {
    return JSON.parse(Buffer.from(part, 'base64url').toString());
}

function allowed(r) {
    const header = r.headersIn.Authorization || '';
    const parts = header.slice(7).split('.');

    if (!header.startsWith('Bearer ') || parts.length !== 3) {
        return '';
    }

    try {
        if (parsed(parts[0]).alg !== 'HS256') {
            return '';
        }

        const mac = crypto.createHmac('sha256', secret)
            .update(`${parts[0]}.${parts[1]}`).digest('base64url');

        return mac === parts[2] && parsed(parts[1]).exp > Date.now() / 1000
            ? '1' : '';

    } catch (e) {
        return '';
    }
}

export default { allowed };
