
/*
 * A verified token is wiped as it leaves memory: by being evicted, with the
 * cache, or when the last reader lets go of it.
 */


#include <malloc.h>
#include <stdlib.h>

static void spied_free(void *p);

/* this takes the place of the one in the library */

#define free spied_free
#include "../../src/core/agw_token_cache.c"
#undef free

#include "unit.h"


/* so many bytes of one of these in a row are one that was left */

#define RUN  12


static const agw_str_t  secrets[] = {
    agw_string("header.payload.the-signature-of-this-token"),
    agw_string("partner-of-this-token"),
    agw_string("business-of-this-token"),
    agw_string("business_access and more"),
    agw_string("the-name-of-this-token")
};

static const char  trust;
static size_t      freed, left;


static void
spied_free(void *p)
{
    size_t  i, n, at, size;

    freed++;
    size = malloc_usable_size(p);

    for (n = 0; n < UNIT_COUNT(secrets); n++) {
        for (at = 0; at + RUN <= secrets[n].len; at += RUN) {
            for (i = 0; i + RUN <= size; i++) {
                left += memcmp((char *) p + i, secrets[n].data + at, RUN)
                        == 0;
            }
        }
    }

    free(p);
}


static agw_verified_t *
verified_of(agw_str_t token)
{
    agw_claims_t     claims;
    agw_verified_t  *verified;

    memset(&claims, 0, sizeof(claims));

    claims.kind = AGW_KIND_BUSINESS;
    claims.partner_id = secrets[1];
    claims.business_id = secrets[2];
    claims.scope = secrets[3];
    claims.jti = secrets[4];

    verified = agw_verified_create(&trust, NULL, token, &claims);
    assert_non_null(verified);

    freed = 0;
    left = 0;

    return verified;
}


/* the spy sees what is not wiped */

static void
what_is_left_is_seen(void **state)
{
    (void) state;

    spied_free(verified_of(secrets[0]));

    assert_int_equal(freed, 1);
    assert_true(left >= UNIT_COUNT(secrets));
}


static void
d3_one_that_was_never_kept(void **state)
{
    agw_verified_t  *verified;

    (void) state;

    verified = verified_of(secrets[0]);
    verified->holds++;

    agw_verified_release(verified);
    assert_int_equal(freed, 0);
    unit_assert_str(verified->token, secrets[0]);

    agw_verified_release(verified);
    assert_int_equal(freed, 1);
    assert_int_equal(left, 0);
}


static void
d3_one_that_is_evicted(void **state)
{
    agw_verified_t     *verified;
    agw_token_cache_t  *cache;

    (void) state;

    cache = agw_token_cache_create(1);
    verified = verified_of(secrets[0]);
    assert_int_equal(agw_token_cache_add(cache, verified), 1);
    agw_verified_release(verified);
    assert_int_equal(freed, 0);

    verified = verified_of(S("header.payload.another-one-with-a-signature"));
    assert_int_equal(agw_token_cache_add(cache, verified), 1);
    assert_int_equal(freed, 1);
    assert_int_equal(left, 0);

    agw_verified_release(verified);
    agw_token_cache_free(cache);
}


static void
d3_with_the_cache(void **state)
{
    agw_verified_t     *verified;
    agw_token_cache_t  *cache;

    (void) state;

    cache = agw_token_cache_create(8);
    verified = verified_of(secrets[0]);
    assert_int_equal(agw_token_cache_add(cache, verified), 1);
    agw_verified_release(verified);

    agw_token_cache_free(cache);
    assert_int_equal(freed, 3);
    assert_int_equal(left, 0);
}


/* evicted while somebody reads it */

static void
d3_by_its_last_reader(void **state)
{
    agw_verified_t     *verified;
    agw_token_cache_t  *cache;

    (void) state;

    cache = agw_token_cache_create(1);
    verified = verified_of(secrets[0]);
    assert_int_equal(agw_token_cache_add(cache, verified), 1);
    agw_token_cache_free(cache);
    unit_assert_str(verified->token, secrets[0]);

    freed = 0;
    agw_verified_release(verified);
    assert_int_equal(freed, 1);
    assert_int_equal(left, 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(what_is_left_is_seen),
        unit_case(d3_one_that_was_never_kept),
        unit_case(d3_one_that_is_evicted),
        unit_case(d3_with_the_cache),
        unit_case(d3_by_its_last_reader)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
