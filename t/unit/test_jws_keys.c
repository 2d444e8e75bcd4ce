
/*
 * The attacks in a token's header (protocol, section 8), with every kind of
 * key.  Each token is signed over its very bytes with the right key, unless
 * the attack is that it is not.
 */


#include "kinds.h"


static void
p8_1_algorithm(void **state)
{
    size_t   i;
    kind_t  *kind;
    static const char  *others[] = {
        "none", "None", "nOnE", "HS256", "HS384", "RS256", "RS512", "PS256",
        "ES256", "ES384", "ES512", "EdDSA", "Ed25519", "",
    };
    static const char  *broken[] = {
        "null", "1", "true", "{}", "[\"none\"]",
    };

    (void) state;

    for (kind = kinds; kind < kinds + KINDS; kind++) {
        for (i = 0; i < UNIT_COUNT(others); i++) {
            if (strcmp(others[i], kind->name) != 0) {
                kind_refuses(kind, kind_token_of(kind, unit_format(
                    "{\"alg\":\"%s\"" KINDS_REST "}", others[i])),
                    AGW_ALGORITHM_MISMATCH, others[i]);
            }
        }

        for (i = 0; i < UNIT_COUNT(broken); i++) {
            kind_refuses(kind, kind_token_of(kind, unit_format(
                "{\"alg\":%s" KINDS_REST "}", broken[i])),
                AGW_MALFORMED_TOKEN, broken[i]);
        }

        kind_refuses(kind, kind_token_of(kind,
            S("{\"typ\":\"JWT\",\"kid\":\"k1\"}")), AGW_MALFORMED_TOKEN,
            "no alg");
        unit_free_all(NULL);
    }
}


/* the public key, in each of its spellings, as the secret of a MAC */

static void
p8_2_public_key_as_a_secret(void **state)
{
    size_t      i, j;
    kind_t     *kind;
    agw_str_t   header, input, secrets[6];
    EVP_PKEY   *pkey;
    static const char  *macs[][2] = {
        { "HS256", "SHA256" }, { "HS384", "SHA384" }, { "HS512", "SHA512" },
    };

    (void) state;

    for (kind = kinds; kind < kinds + KINDS; kind++) {
        if (sign_is_mac(kind->alg)) {
            continue;
        }

        pkey = sign_key(kind->alg);
        secrets[0] = keys_public_pem(pkey);
        secrets[1] = secrets[0];
        secrets[1].len--;
        secrets[2] = keys_der(pkey, i2d_PUBKEY);
        secrets[3] = keys_text(keys_jwk(sign_algs[kind->alg].type, 0));
        secrets[4] = mint_base64(secrets[2]);
        secrets[5] = UNIT_NONE;

        for (i = 0; i < UNIT_COUNT(secrets); i++) {
            for (j = 0; j < UNIT_COUNT(macs); j++) {
                header = unit_format("{\"alg\":\"%s\"" KINDS_REST "}",
                    macs[j][0]);
                kind_refuses(kind, mint_token_with(macs[j][1], header,
                    S(JWS_PAYLOAD), secrets[i]), AGW_ALGORITHM_MISMATCH,
                    "a MAC, and says so");

                kind_refuses(kind, mint_token_with(macs[j][1],
                    kind_header_of(kind, KINDS_REST), S(JWS_PAYLOAD),
                    secrets[i]), AGW_BAD_SIGNATURE,
                    "a MAC under the key's algorithm");

                header = unit_format("{\"alg\":\"%s\",\"typ\":\"JWT\","
                    "\"kid\":\"k2\"}", macs[j][0]);
                kind_refuses_by(kind, kind->two, mint_token_with(macs[j][1],
                    header, S(JWS_PAYLOAD), secrets[i]), JWS_REFUSED,
                    "the other key's kid");
            }
        }

        /* and the right signature, which the secret's kid does not have */

        input = mint_base64url(kind_header_of(kind,
            ",\"typ\":\"JWT\",\"kid\":\"k2\""));
        kind_refuses_by(kind, kind->two, kind_segments(kind, input,
            mint_base64url(S(JWS_PAYLOAD))), AGW_ALGORITHM_MISMATCH,
            "a signature under the secret's kid");
        unit_free_all(NULL);
    }
}


static void
p8_3_embedded_keys_are_never_read(void **state)
{
    size_t      i;
    kind_t     *kind;
    agw_str_t   jwk, header;
    EVP_PKEY   *forger;
    static const char  *const  forgers[][2] = {
        { "RSA", "RSA'" }, { "P-256", "P-256'" }, { "P-384", "P-384'" },
        { "Ed25519", "Ed25519'" },
    };

    (void) state;

    for (kind = kinds; kind < kinds + KINDS; kind++) {
        for (i = 0; i < UNIT_COUNT(forgers); i++) {
            if (strcmp(forgers[i][0], sign_algs[kind->alg].type) != 0) {
                continue;
            }

            forger = keys_get(forgers[i][1]);
            jwk = keys_text(keys_jwk(forgers[i][1], 0));

            header = unit_format("{\"alg\":\"%s\"" KINDS_REST ",\"jwk\":%.*s,"
                "\"jku\":\"http://127.0.0.1:1/\",\"x5u\":\"file:///\","
                "\"x5c\":[\"AAAA\"]}", kind->name, UNIT_ARG(jwk));
            kind_refuses(kind, sign_segments(kind->alg, forger,
                mint_base64url(header), mint_base64url(S(JWS_PAYLOAD))),
                AGW_BAD_SIGNATURE, "the forger's key within");

            /* not even enough to be refused for it */

            kind_accepts(kind, kind_token_of(kind, header), "jwk");

            header = unit_format("{\"alg\":\"%s\",\"typ\":\"JWT\","
                "\"jwk\":%.*s}", kind->name, UNIT_ARG(jwk));
            kind_refuses_by(kind, kind->two, sign_segments(kind->alg, forger,
                mint_base64url(header), mint_base64url(S(JWS_PAYLOAD))),
                AGW_BAD_SIGNATURE, "and no kid");
        }
    }
}


static void
p8_4_kid(void **state)
{
    size_t   i;
    kind_t  *kind;
    static const struct {
        const char    *rest;
        agw_reason_t   wanted;
    } rows[] = {
        { ",\"typ\":\"JWT\",\"kid\":\"\"", AGW_UNKNOWN_KEY },
        { ",\"typ\":\"JWT\",\"kid\":\"K1\"", AGW_UNKNOWN_KEY },
        { ",\"typ\":\"JWT\",\"kid\":\"k1 \"", AGW_UNKNOWN_KEY },
        { ",\"typ\":\"JWT\",\"kid\":\"../k1\"", AGW_UNKNOWN_KEY },
        { ",\"typ\":\"JWT\",\"kid\":\"k1' OR '1'='1\"", AGW_UNKNOWN_KEY },
        { ",\"typ\":\"JWT\",\"kid\":\"k1\\u0000\"", AGW_MALFORMED_TOKEN },
        { ",\"typ\":\"JWT\",\"kid\":1", AGW_MALFORMED_TOKEN },
        { ",\"typ\":\"JWT\",\"kid\":null", AGW_MALFORMED_TOKEN },
        { ",\"typ\":\"JWT\",\"kid\":[\"k1\"]", AGW_MALFORMED_TOKEN },
    };

    (void) state;

    for (kind = kinds; kind < kinds + KINDS; kind++) {
        for (i = 0; i < UNIT_COUNT(rows); i++) {
            kind_refuses(kind, kind_token(kind, rows[i].rest),
                rows[i].wanted, rows[i].rest);
        }

        kind_refuses(kind, kind_token_of(kind, unit_format("{\"alg\":\"%s\","
            "\"typ\":\"JWT\",\"kid\":\"%.*s\"}", kind->name,
            UNIT_ARG(unit_fill('k', 10240)))), AGW_MALFORMED_TOKEN, "10 KB");

        kind_accepts(kind, kind_token(kind, ",\"typ\":\"JWT\""),
            "no kid, one key");
        assert_int_equal(jws_verify(kind->two, kind_token(kind,
            ",\"typ\":\"JWT\""), S(JWS_PAYLOAD)), AGW_OK);
        assert_ptr_equal(jws_key, agw_keyring_key(kind->two, 0));
        kind_accepts(kind, kind_token(kind,
            ",\"typ\":\"JWT\",\"kid\":\"\\u006b1\""), "spelled otherwise");
        unit_free_all(NULL);
    }
}


static void
p8_5_crit_p8_6_duplicates_p8_17_typ(void **state)
{
    size_t   i;
    kind_t  *kind;
    static const char  *rests[] = {
        KINDS_REST ",\"crit\":[\"exp\"],\"exp\":1", KINDS_REST ",\"crit\":[]",
        KINDS_REST ",\"crit\":[\"b64\"],\"b64\":true",
        KINDS_REST ",\"b64\":false",
        KINDS_REST ",\"alg\":\"none\"", KINDS_REST ",\"kid\":\"k1\"",
        KINDS_REST ",\"x\":{\"a\":1,\"a\":1}", KINDS_REST ",\"typ\":\"JWT\"",
        ",\"kid\":\"k1\",\"typ\":\"text/jwt\"",
        ",\"kid\":\"k1\",\"typ\":\"JOSE\"", ",\"kid\":\"k1\",\"typ\":\"\"",
        ",\"kid\":\"k1\",\"typ\":null", ",\"kid\":\"k1\",\"typ\":[\"JWT\"]",
    };

    (void) state;

    for (kind = kinds; kind < kinds + KINDS; kind++) {
        for (i = 0; i < UNIT_COUNT(rests); i++) {
            kind_refuses(kind, kind_token(kind, rests[i]),
                AGW_MALFORMED_TOKEN, rests[i]);
        }

        kind_accepts(kind, kind_token(kind, ",\"kid\":\"k1\""),
            "no typ");
        unit_free_all(NULL);
    }
}


/* RFC 9068 calls access tokens at+jwt: another issuer's, and ours */

static void
p8_17_typ_of_every_issuer(void **state)
{
    size_t              i;
    kind_t             *kind;
    agw_str_t           token;
    agw_keyring_t      *ring;
    agw_key_source_t    source;
    static const struct {
        const char    *typ;
        agw_reason_t   wanted;
    } rows[] = {
        { "at+jwt", AGW_OK }, { "application/at+jwt", AGW_OK },
        { "JWT", AGW_OK }, { "jwt", AGW_OK }, { "AT+JWT", AGW_OK },
        { "application/JWT", AGW_OK }, { "JOSE", AGW_MALFORMED_TOKEN },
        { "logout+jwt", AGW_MALFORMED_TOKEN }, { "", AGW_MALFORMED_TOKEN },
    };

    (void) state;

    for (kind = kinds; kind < kinds + KINDS; kind++) {
        memset(&source, 0, sizeof(source));
        source.bytes = sign_is_mac(kind->alg) ? mint_secret('s')
                                     : keys_public_pem(sign_key(kind->alg));
        source.alg = unit_format("%s", kind->name);
        source.kid = S("k1");
        source.issuer = S("https://other.example");
        source.verify = 1;

        ring = agw_keyring_create();
        assert_int_equal(agw_key_file_load(ring, &source, NULL, NULL), 0);

        for (i = 0; i < UNIT_COUNT(rows); i++) {
            token = kind_token_of(kind, unit_format("{\"alg\":\"%s\","
                "\"typ\":\"%s\",\"kid\":\"k1\"}", kind->name, rows[i].typ));
            unit_assert(jws_verify(ring, token, UNIT_NONE) == rows[i].wanted,
                "%s: %s", kind->name, rows[i].typ);
            unit_assert(jws_verify(kind->one, token, UNIT_NONE)
                == rows[i].wanted, "%s, ours: %s", kind->name, rows[i].typ);
        }

        agw_keyring_free(ring);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(p8_1_algorithm),
        unit_case(p8_2_public_key_as_a_secret),
        unit_case(p8_3_embedded_keys_are_never_read),
        unit_case(p8_4_kid),
        unit_case(p8_5_crit_p8_6_duplicates_p8_17_typ),
        unit_case(p8_17_typ_of_every_issuer),
    };

    return cmocka_run_group_tests_name("jws keys", tests, kinds_setup,
        kinds_teardown);
}
