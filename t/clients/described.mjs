// conf/openapi.yaml, and what is wrong with a value by a schema in it.

import { readFileSync } from 'node:fs';

import { calls } from './report.mjs';

import Ajv from 'ajv';
import { parse } from 'yaml';

export const text = readFileSync(calls.description, 'utf8');
export const api = parse(text);

const ajv = new Ajv({ strict: false, allErrors: true });

ajv.addSchema(api, 'api');


// what a "#/..." names, and where that is: an object and its pointer

export function follow(pointer) {
    let object = api;

    for (const word of pointer.slice(2).split('/')) {
        object = object?.[word.replace(/~1/g, '/').replace(/~0/g, '~')];
    }

    return object?.$ref ? follow(object.$ref) : { object, pointer };
}


export function escape(word) {
    return word.replace(/~/g, '~0').replace(/\//g, '~1');
}


// what is wrong with a value by the schema at that place

export function complaints(pointer, value) {
    const validate = ajv.getSchema(`api#${encodeURI(pointer.slice(1))}`);

    return validate(value) ? []
        : validate.errors.map((e) => `${e.instancePath} ${e.message}`);
}


// every operation: path, method, and what is said of it

export function operations() {
    return Object.entries(api.paths).flatMap(([path, methods]) =>
        Object.entries(methods)
            .filter(([, operation]) => operation.operationId)
            .map(([method, operation]) => ({ path, method, ...operation })));
}
