
/*
 * The table of algorithms: what each is made of, and nothing beside them.
 */


#include "unit.h"

#include "agw_alg.h"


static const struct {
    const char  *name;
    agw_kty_t    kty;
    const char  *digest;
    size_t       digest_size;
    const char  *curve;
    size_t       field_size;
    int          pss;
} rows[] = {
    { "HS256", AGW_KTY_OCT, "SHA256", 32, NULL, 0, 0 },
    { "HS384", AGW_KTY_OCT, "SHA384", 48, NULL, 0, 0 },
    { "HS512", AGW_KTY_OCT, "SHA512", 64, NULL, 0, 0 },
    { "RS256", AGW_KTY_RSA, "SHA256", 32, NULL, 0, 0 },
    { "RS384", AGW_KTY_RSA, "SHA384", 48, NULL, 0, 0 },
    { "RS512", AGW_KTY_RSA, "SHA512", 64, NULL, 0, 0 },
    { "PS256", AGW_KTY_RSA, "SHA256", 32, NULL, 0, 1 },
    { "PS384", AGW_KTY_RSA, "SHA384", 48, NULL, 0, 1 },
    { "PS512", AGW_KTY_RSA, "SHA512", 64, NULL, 0, 1 },
    { "ES256", AGW_KTY_EC, "SHA256", 32, "P-256", 32, 0 },
    { "ES384", AGW_KTY_EC, "SHA384", 48, "P-384", 48, 0 },
    { "EdDSA", AGW_KTY_OKP, NULL, 64, "Ed25519", 32, 0 },
    { "Ed25519", AGW_KTY_OKP, NULL, 64, "Ed25519", 32, 0 },
};


static void
assert_text(const char *got, const char *wanted)
{
    assert_int_equal(got == NULL, wanted == NULL);

    if (wanted != NULL) {
        assert_string_equal(got, wanted);
    }
}


static void
rfc7518_3_1_rows(void **state)
{
    size_t            i;
    const agw_alg_t  *alg;

    (void) state;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        alg = agw_alg_find(unit_format("%s", rows[i].name));

        unit_assert(alg != NULL, "no row: %s", rows[i].name);
        unit_assert_str(alg->name, unit_format("%s", rows[i].name));
        assert_int_equal(alg->kty, rows[i].kty);
        assert_text(alg->digest, rows[i].digest);
        assert_int_equal(alg->digest_size, rows[i].digest_size);
        assert_text(alg->curve, rows[i].curve);
        assert_int_equal(alg->field_size, rows[i].field_size);
        assert_int_equal(alg->pss, rows[i].pss);
        assert_non_null(strstr(AGW_ALG_NAMES, rows[i].name));

        assert_in_range(alg->digest_size, 32, AGW_MAC_MAX);
        assert_in_range(alg->field_size, 0, AGW_FIELD_MAX);
    }
}


static void
p8_1_no_other_name(void **state)
{
    size_t                  i, j;
    agw_str_t               name;
    static const agw_str_t  names[] = {
        agw_string(""), agw_string("none"), agw_string("None"),
        agw_string("nOnE"), agw_string("NONE"), agw_string("ES512"),
        agw_string("ES256K"), agw_string("ES521"), agw_string("ed25519"),
        agw_string("ED25519"), agw_string("Ed25519ph"), agw_string("Ed448"),
        agw_string("EDDSA"), agw_string("eddsa"),
        agw_string("RS1"), agw_string("HS1"), agw_string("RSA1_5"),
        agw_string("RSA-OAEP"), agw_string("A256KW"), agw_string("dir"),
        agw_string("A256GCM"), agw_string("HS256, HS384"),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(names); i++) {
        unit_assert(agw_alg_find(names[i]) == NULL, "%.*s",
            UNIT_ARG(names[i]));
    }

    /* nor one that is a row's but for its case, start, end or a byte */

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        for (j = 0; j < 5; j++) {
            name = unit_format("%s", rows[i].name);
            ((unsigned char *) name.data)[j] ^= 0x20;
            assert_null(agw_alg_find(name));

            name.len = j;
            assert_null(agw_alg_find(name));
        }

        assert_null(agw_alg_find(unit_format("%s ", rows[i].name)));
        assert_null(agw_alg_find(unit_format(" %s", rows[i].name)));
        assert_null(agw_alg_find(unit_cat(
            unit_format("%s", rows[i].name), S("\0"))));
    }
}


/* RFC 9864: two names of one algorithm, and no third */

static void
d4_other_names(void **state)
{
    size_t            i;
    const agw_alg_t  *alg, *other;

    (void) state;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        alg = agw_alg_find(unit_format("%s", rows[i].name));
        other = agw_alg_synonym(alg);

        if (rows[i].kty != AGW_KTY_OKP) {
            unit_assert(other == NULL, "%s", rows[i].name);
            continue;
        }

        assert_non_null(other);
        assert_ptr_not_equal(other, alg);
        assert_ptr_equal(agw_alg_synonym(other), alg);
        unit_assert(!agw_str_eq(other->name, alg->name), "%s",
            rows[i].name);
    }
}


static void
d4_what_a_key_is_for_by_itself(void **state)
{
    (void) state;

    unit_assert_str(agw_alg_default(AGW_KTY_OCT, NULL)->name, S("HS256"));
    unit_assert_str(agw_alg_default(AGW_KTY_RSA, NULL)->name, S("RS256"));
    unit_assert_str(agw_alg_default(AGW_KTY_EC, "P-256")->name, S("ES256"));
    unit_assert_str(agw_alg_default(AGW_KTY_EC, "P-384")->name, S("ES384"));
    unit_assert_str(agw_alg_default(AGW_KTY_OKP, "Ed25519")->name,
        S("EdDSA"));

    assert_null(agw_alg_default(AGW_KTY_EC, NULL));
    assert_null(agw_alg_default(AGW_KTY_EC, "P-521"));
    assert_null(agw_alg_default(AGW_KTY_EC, "secp256k1"));
    assert_null(agw_alg_default(AGW_KTY_EC, "Ed25519"));
    assert_null(agw_alg_default(AGW_KTY_OKP, NULL));
    assert_null(agw_alg_default(AGW_KTY_OKP, "Ed448"));
    assert_null(agw_alg_default(AGW_KTY_OKP, "X25519"));
    assert_null(agw_alg_default(AGW_KTY_OKP, "P-256"));
    assert_null(agw_alg_default(AGW_KTY_RSA, "P-256"));
    assert_null(agw_alg_default(AGW_KTY_OCT, "P-256"));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(rfc7518_3_1_rows),
        unit_case(p8_1_no_other_name),
        unit_case(d4_other_names),
        unit_case(d4_what_a_key_is_for_by_itself),
    };

    return cmocka_run_group_tests_name("alg", tests, NULL, NULL);
}
