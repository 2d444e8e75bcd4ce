
/*
 * Claims as a server writes them, and the two readers of claims side by
 * side: whatever one says of a payload, the other does.
 */


#ifndef UNIT_READERS_H_INCLUDED_
#define UNIT_READERS_H_INCLUDED_


#include "unit.h"

#include "agw_claims.h"


/* the payload, in a block that ends with it */

static inline agw_str_t
unit_write_claims(const agw_claims_t *c, agw_str_t issuer, agw_str_t audience)
{
    size_t          size;
    agw_str_t       head, text;
    unsigned char  *buf;

    /* quotes and control characters take up to six bytes each */

    size = AGW_CLAIMS_HEAD_SIZE(issuer.len + audience.len);
    buf = unit_alloc(size);
    head.data = buf;

    assert_int_equal(agw_claims_head(unit_copy(issuer), unit_copy(audience),
        buf, size, &head.len), 0);
    assert_true(head.len <= size);

    buf = unit_alloc(head.len + AGW_CLAIMS_SIZE);
    text.data = buf;

    assert_int_equal(agw_claims_write(c, unit_copy(head), buf,
        head.len + AGW_CLAIMS_SIZE, &text.len), 0);
    assert_true(text.len <= head.len + AGW_CLAIMS_SIZE);

    return unit_copy(text);
}


/* reads text both ways, and returns what both said */

static inline agw_reason_t
unit_readers_agree(agw_str_t text)
{
    size_t         i;
    agw_claims_t   one, other;
    agw_reason_t   said;

    memset(&one, 0xa5, sizeof(one));
    memset(&other, 0x5a, sizeof(other));

    said = agw_claims_read(&one, text);

    unit_assert(agw_claims_read_json(&other, text) == said,
        "%s, but not by the other reader: %.*s", agw_reason_info(said)->name,
        UNIT_ARG(text));

    if (said != AGW_OK) {
        assert_null(one.json);
        assert_null(other.json);
        assert_non_null(one.fault);
        assert_string_equal(one.fault, other.fault);
        return said;
    }

    assert_null(one.fault);
    assert_null(other.fault);

    const agw_str_t  pairs[][2] = {
        { one.partner_id, other.partner_id },
        { one.business_id, other.business_id },
        { one.scope, other.scope },
        { one.jti, other.jti },
        { one.iss, other.iss },
        { one.aud, other.aud },
        { one.sub, other.sub },
        { one.client_id, other.client_id },
        { one.x5t, other.x5t },
    };

    for (i = 0; i < UNIT_COUNT(pairs); i++) {
        unit_assert(agw_str_eq(pairs[i][0], pairs[i][1])
            && (pairs[i][0].data == NULL) == (pairs[i][1].data == NULL),
            "string %zu is \"%.*s\" or \"%.*s\": %.*s", i,
            UNIT_ARG(pairs[i][0]), UNIT_ARG(pairs[i][1]), UNIT_ARG(text));
    }

    unit_assert(one.kind == other.kind && one.iat == other.iat
        && one.exp == other.exp && one.nbf == other.nbf
        && one.seq == other.seq, "%.*s", UNIT_ARG(text));

    agw_claims_done(&one);
    agw_claims_done(&other);

    return AGW_OK;
}


#endif /* UNIT_READERS_H_INCLUDED_ */
