
/*
 * The cache of verified tokens: a token is found by all of its bytes and
 * under its own trust alone, the least recently used leaves first, and
 * nobody's entry is taken from under him.
 */


#include "unit.h"

#include "agw_token_cache.h"


#define TOKENS  24


static const char  one, other;       /* two kinds of trust */


static agw_str_t
token_of(unsigned n)
{
    return unit_format("header%03u.payload%03u.%030u%013u", n % 7, n, n,
        n * 2654435761u);
}


static agw_verified_t *
verified_of(const void *trust, agw_str_t token)
{
    agw_claims_t     claims;
    agw_verified_t  *verified;

    memset(&claims, 0, sizeof(claims));

    claims.kind = AGW_KIND_BUSINESS;
    claims.partner_id = S("partner");
    claims.business_id = S("business");
    claims.scope = S("business_access");
    claims.jti = token;
    claims.x5t = S("thumbprint");
    claims.iss = S("issuer");
    claims.iat = 1;
    claims.exp = 2;
    claims.nbf = 3;
    claims.seq = 4;

    verified = agw_verified_create(trust, NULL, token, &claims);
    assert_non_null(verified);

    return verified;
}


static void
add(agw_token_cache_t *cache, const void *trust, agw_str_t token)
{
    int              kept;
    agw_verified_t  *verified;

    verified = verified_of(trust, token);
    kept = agw_token_cache_add(cache, verified);
    assert_int_equal(kept, verified->holds - 1);
    agw_verified_release(verified);
}


static int
has(agw_token_cache_t *cache, const void *trust, agw_str_t token)
{
    agw_verified_t  *found;

    found = agw_token_cache_find(cache, trust, unit_copy(token));

    if (found == NULL) {
        return 0;
    }

    unit_assert_str(found->token, token);
    unit_assert_str(found->claims.jti, token);
    unit_assert_str(found->claims.x5t, S("thumbprint"));
    assert_ptr_equal(found->verified_under, trust);

    agw_verified_release(found);

    return 1;
}


static void
d3_what_an_entry_holds(void **state)
{
    char             buf[] = "header.payload.signature-of-some-length";
    agw_str_t        token;
    agw_verified_t  *verified;

    (void) state;

    token.data = (unsigned char *) buf;
    token.len = sizeof(buf) - 1;

    verified = verified_of(&one, token);

    memset(buf, 'x', sizeof(buf) - 1);

    unit_assert_str(verified->token,
        S("header.payload.signature-of-some-length"));
    unit_assert_str(verified->claims.jti,
        S("header.payload.signature-of-some-length"));
    unit_assert_str(verified->claims.partner_id, S("partner"));
    unit_assert_str(verified->claims.business_id, S("business"));
    unit_assert_str(verified->claims.scope, S("business_access"));
    assert_int_equal(verified->claims.kind, AGW_KIND_BUSINESS);
    assert_int_equal(verified->claims.iat, 1);
    assert_int_equal(verified->claims.exp, 2);
    assert_int_equal(verified->claims.nbf, 3);
    assert_int_equal(verified->claims.seq, 4);
    assert_null(verified->claims.json);
    assert_int_equal(verified->generation, 0);

    agw_verified_release(verified);
    agw_verified_release(NULL);
}


static void
P8_18_found_by_every_byte(void **state)
{
    int                 bit;
    size_t              i;
    agw_str_t           token, near;
    unsigned char      *p;
    agw_token_cache_t  *cache;

    (void) state;

    cache = agw_token_cache_create(8);
    assert_non_null(cache);

    token = token_of(1);
    add(cache, &one, token);

    assert_true(has(cache, &one, token));

    for (i = 0; i < token.len; i++) {
        for (bit = 0; bit < 8; bit++) {
            near = unit_copy(token);
            p = (unsigned char *) near.data;
            p[i] ^= (unsigned char) (1 << bit);

            unit_assert(!has(cache, &one, near), "byte %zu, bit %d", i, bit);
        }
    }

    for (i = 0; i < token.len; i++) {
        near.data = token.data;
        near.len = i;
        unit_assert(!has(cache, &one, near), "the first %zu bytes", i);

        near.data = token.data + i + 1;
        near.len = token.len - i - 1;
        unit_assert(!has(cache, &one, near), "without %zu bytes", i + 1);
    }

    assert_false(has(cache, &one, unit_cat(token, S("A"))));
    assert_false(has(cache, &one, unit_cat(S("A"), token)));
    assert_false(has(cache, &one, UNIT_NONE));
    assert_true(has(cache, &one, token));

    agw_token_cache_free(cache);
}


static void
d3_an_entry_belongs_to_its_trust(void **state)
{
    agw_token_cache_t  *cache;

    (void) state;

    cache = agw_token_cache_create(8);

    add(cache, &one, token_of(1));
    assert_false(has(cache, &other, token_of(1)));

    add(cache, &other, token_of(1));
    assert_true(has(cache, &one, token_of(1)));
    assert_true(has(cache, &other, token_of(1)));

    agw_token_cache_free(cache);
}


/* more kinds of trust than a small cache has buckets, one after another */

static void
d3_whatever_the_bucket(void **state)
{
    size_t              i;
    char                trusts[64];
    agw_token_cache_t  *cache;

    (void) state;

    cache = agw_token_cache_create(1);
    add(cache, &trusts[0], token_of(1));

    for (i = 1; i < sizeof(trusts); i++) {
        unit_assert(!has(cache, &trusts[i], token_of(1)), "trust %zu", i);
    }

    assert_true(has(cache, &trusts[0], token_of(1)));

    agw_token_cache_free(cache);
}


/* which of two is longer is not told by their ends */

static void
d3_a_token_and_its_end_again(void **state)
{
    agw_str_t           token, end;
    agw_token_cache_t  *cache;

    (void) state;

    cache = agw_token_cache_create(1);
    token = token_of(1);

    for (end.len = 1; end.len <= token.len; end.len++) {
        end.data = token.data + token.len - end.len;

        add(cache, &one, token);
        assert_false(has(cache, &one, unit_cat(token, end)));

        add(cache, &one, unit_cat(token, end));
        assert_false(has(cache, &one, token));
    }

    agw_token_cache_free(cache);
}


/* tokens whose hashed end is the same share a bucket, and nothing else */

static void
d3_tokens_in_one_bucket(void **state)
{
    unsigned            i;
    agw_token_cache_t  *cache;

    (void) state;

    cache = agw_token_cache_create(16);

    for (i = 0; i < 20; i++) {
        add(cache, &one, unit_format("%030u-the-same-end", i));
    }

    for (i = 0; i < 20; i++) {
        assert_int_equal(has(cache, &one,
            unit_format("%030u-the-same-end", i)), i >= 4);
    }

    agw_token_cache_free(cache);
}


/* two, of which one is used */

static void
d3_the_least_recently_used_leaves(void **state)
{
    agw_token_cache_t  *cache;

    (void) state;

    cache = agw_token_cache_create(3);

    add(cache, &one, token_of(1));
    add(cache, &one, token_of(2));
    add(cache, &one, token_of(3));

    assert_true(has(cache, &one, token_of(1)));

    add(cache, &one, token_of(4));

    assert_false(has(cache, &one, token_of(2)));
    assert_true(has(cache, &one, token_of(1)));
    assert_true(has(cache, &one, token_of(3)));
    assert_true(has(cache, &one, token_of(4)));

    agw_token_cache_free(cache);

    cache = agw_token_cache_create(1);

    add(cache, &one, token_of(1));
    assert_true(has(cache, &one, token_of(1)));
    add(cache, &one, token_of(2));
    assert_false(has(cache, &one, token_of(1)));
    assert_true(has(cache, &one, token_of(2)));

    agw_token_cache_free(cache);
}


/* beside a list that is searched from end to end */

static void
d3_as_a_plain_list(void **state)
{
    int                 found;
    size_t              entries, count, i, at;
    uint32_t            seed;
    unsigned            n, step;
    unsigned            list[TOKENS];
    agw_token_cache_t  *cache;

    (void) state;

    seed = 1;
    memset(list, 0, sizeof(list));

    for (entries = 1; entries < TOKENS; entries++) {
        cache = agw_token_cache_create(entries);
        assert_non_null(cache);
        count = 0;

        for (step = 0; step < 2000; step++) {
            n = unit_random(&seed) % TOKENS;

            for (at = 0; at < count && list[at] != n; at++) { /* void */ }

            found = has(cache, &one, token_of(n));

            unit_assert(found == (at < count), "%zu entries, step %u",
                entries, step);

            if (!found) {
                add(cache, &one, token_of(n));
                at = count < entries ? count++ : count - 1;
            }

            for (i = at; i > 0; i--) {
                list[i] = list[i - 1];
            }

            list[0] = n;
        }

        agw_token_cache_free(cache);
        (void) unit_free_all(NULL);
    }
}


/* an entry that left, also with its cache, while somebody reads it */

static void
d3_held_until_released(void **state)
{
    unsigned            i;
    agw_verified_t     *held[3];
    agw_token_cache_t  *cache;

    (void) state;

    cache = agw_token_cache_create(1);

    for (i = 0; i < 3; i++) {
        add(cache, &one, token_of(i));
        held[i] = agw_token_cache_find(cache, &one, token_of(i));
        assert_non_null(held[i]);
    }

    assert_ptr_equal(agw_token_cache_find(cache, &one, token_of(2)), held[2]);
    assert_false(has(cache, &one, token_of(0)));

    /* again, beside the one that is still read */

    add(cache, &one, token_of(0));
    assert_true(has(cache, &one, token_of(0)));

    agw_token_cache_free(cache);

    for (i = 0; i < 3; i++) {
        unit_assert_str(held[i]->token, token_of(i));
        unit_assert_str(held[i]->claims.business_id, S("business"));
        agw_verified_release(held[i]);
    }

    unit_assert_str(held[2]->token, token_of(2));
    agw_verified_release(held[2]);
}


static void
d3_off(void **state)
{
    agw_verified_t  *verified;

    (void) state;

    assert_null(agw_token_cache_find(NULL, &one, token_of(1)));

    verified = verified_of(&one, token_of(1));
    assert_int_equal(agw_token_cache_add(NULL, verified), 0);
    agw_verified_release(verified);

    agw_token_cache_free(NULL);
}


/* no signature is as short, and what is too long would take too much */

static void
d3_short_tokens_and_long_ones(void **state)
{
    size_t              len;
    agw_token_cache_t  *cache;

    (void) state;

    cache = agw_token_cache_create(4);

    add(cache, &one, unit_fill('a', AGW_TOKEN_KEPT_MAX));
    assert_true(has(cache, &one, unit_fill('a', AGW_TOKEN_KEPT_MAX)));

    add(cache, &one, unit_fill('a', AGW_TOKEN_KEPT_MAX + 1));
    assert_false(has(cache, &one, unit_fill('a', AGW_TOKEN_KEPT_MAX + 1)));

    for (len = 0; len < 16; len++) {
        add(cache, &one, unit_fill('a', len));
        assert_false(has(cache, &one, unit_fill('a', len)));
    }

    add(cache, &one, unit_fill('a', 16));
    assert_true(has(cache, &one, unit_fill('a', 16)));

    agw_token_cache_free(cache);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(d3_what_an_entry_holds),
        unit_case(P8_18_found_by_every_byte),
        unit_case(d3_an_entry_belongs_to_its_trust),
        unit_case(d3_whatever_the_bucket),
        unit_case(d3_a_token_and_its_end_again),
        unit_case(d3_tokens_in_one_bucket),
        unit_case(d3_the_least_recently_used_leaves),
        unit_case(d3_as_a_plain_list),
        unit_case(d3_held_until_released),
        unit_case(d3_off),
        unit_case(d3_short_tokens_and_long_ones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
