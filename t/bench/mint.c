
/*
 * Tokens as the gateway issues them, one a line, for t/bench/bench.pl:
 * mint <alg> <key file> <kid> <partner> <business or -> <iat> <exp> <count>.
 * All claims but jti are the same in each.
 */


#include <stdio.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/rand.h>

#include "agw_base64.h"
#include "agw_claims.h"
#include "agw_jws.h"
#include "agw_key_file.h"


#define MINT_FILE_MAX   16384
#define MINT_JTI_BYTES  16


static void
mint_die(const char *what)
{
    fprintf(stderr, "mint: %s\n", what);
    ERR_print_errors_fp(stderr);
    exit(2);
}


static agw_str_t
mint_str(const char *text)
{
    agw_str_t  s;

    s.data = (const unsigned char *) text;
    s.len = strlen(text);

    return s;
}


static agw_str_t
mint_read(const char *file)
{
    FILE                  *f;
    agw_str_t              s;
    static unsigned char   bytes[MINT_FILE_MAX];

    f = fopen(file, "rb");
    if (f == NULL) {
        mint_die(file);
    }

    s.data = bytes;
    s.len = fread(bytes, 1, sizeof(bytes), f);

    fclose(f);

    return s;
}


static void
mint_one(const agw_key_t *key, agw_claims_t *claims)
{
    size_t                 len;
    agw_str_t              payload, id;
    unsigned char          random[MINT_JTI_BYTES];
    unsigned char          jti[AGW_BASE64URL_SIZE(MINT_JTI_BYTES)];
    static unsigned char   buf[AGW_CLAIMS_SIZE], token[2 * AGW_TOKEN_MAX];

    if (RAND_bytes(random, sizeof(random)) != 1) {
        mint_die("no random bytes");
    }

    id.data = random;
    id.len = sizeof(random);

    claims->jti.data = jti;
    claims->jti.len = agw_base64url_encode(id, jti);

    /* of a server without issuer and audience */

    if (agw_claims_write(claims, mint_str("{"), buf, sizeof(buf), &len)
        != 0)
    {
        mint_die("no claims");
    }

    payload.data = buf;
    payload.len = len;

    if (agw_jws_size(key, payload.len) > sizeof(token)
        || agw_jws_sign(key, payload, token, &len) != 0)
    {
        mint_die("no signature");
    }

    printf("%.*s\n", (int) len, token);
}


int
main(int argc, char **argv)
{
    long               i, count;
    agw_claims_t       claims;
    agw_keyring_t     *ring;
    agw_key_source_t   source;

    if (argc != 9) {
        mint_die("algorithm, key file, kid, partner, business, iat, exp, "
                 "count");
    }

    memset(&source, 0, sizeof(source));

    source.bytes = mint_read(argv[2]);
    source.alg = mint_str(argv[1]);
    source.kid = mint_str(argv[3]);

    ring = agw_keyring_create();

    if (ring == NULL || agw_key_file_load(ring, &source, NULL, NULL) != 0) {
        mint_die(ring == NULL ? "no memory" : "no such key");
    }

    memset(&claims, 0, sizeof(claims));

    claims.partner_id = mint_str(argv[4]);
    claims.iat = atol(argv[6]);
    claims.exp = atol(argv[7]);
    claims.seq = claims.iat * 1000;

    if (strcmp(argv[5], "-") != 0) {
        claims.kind = AGW_KIND_BUSINESS;
        claims.business_id = mint_str(argv[5]);
        claims.scope = mint_str("business_access");
    }

    count = atol(argv[8]);

    for (i = 0; i < count; i++) {
        mint_one(agw_keyring_signer(ring), &claims);
    }

    agw_keyring_free(ring);

    return 0;
}
