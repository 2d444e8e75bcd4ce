
/*
 * The range of r and s is looked at before anything is converted (RFC 7518,
 * section 3.4; FIPS 186-5, section 6.4.2).
 */


#include <openssl/ecdsa.h>

#include "agw_ecdsa.h"


static int agw_ecdsa_in_range(const unsigned char *number, agw_str_t order);


int
agw_ecdsa_to_der(agw_str_t raw, agw_str_t order, unsigned char *der,
    size_t *len)
{
    int         rc;
    BIGNUM     *r, *s;
    ECDSA_SIG  *sig;

    if (raw.len != 2 * order.len
        || !agw_ecdsa_in_range(raw.data, order)
        || !agw_ecdsa_in_range(raw.data + order.len, order))
    {
        return -1;
    }

    sig = ECDSA_SIG_new();
    r = BN_bin2bn(raw.data, (int) order.len, NULL);
    s = BN_bin2bn(raw.data + order.len, (int) order.len, NULL);

    if (sig == NULL || r == NULL || s == NULL
        || ECDSA_SIG_set0(sig, r, s) != 1)
    {
        BN_free(r);
        BN_free(s);
        ECDSA_SIG_free(sig);
        return -1;
    }

    rc = i2d_ECDSA_SIG(sig, &der);

    ECDSA_SIG_free(sig);

    if (rc <= 0) {
        return -1;
    }

    *len = (size_t) rc;

    return 0;
}


int
agw_ecdsa_from_der(agw_str_t der, size_t size, unsigned char *raw)
{
    int                   rc;
    ECDSA_SIG            *sig;
    const BIGNUM         *r, *s;
    const unsigned char  *p;

    p = der.data;

    sig = d2i_ECDSA_SIG(NULL, &p, (long) der.len);
    if (sig == NULL) {
        return -1;
    }

    ECDSA_SIG_get0(sig, &r, &s);

    rc = BN_bn2binpad(r, raw, (int) size) == (int) size
         && BN_bn2binpad(s, raw + size, (int) size) == (int) size;

    ECDSA_SIG_free(sig);

    return rc ? 0 : -1;
}


/* 1 to order - 1; both are big-endian and of one length */

static int
agw_ecdsa_in_range(const unsigned char *number, agw_str_t order)
{
    size_t         i;
    unsigned char  any;

    any = 0;

    for (i = 0; i < order.len; i++) {
        any |= number[i];
    }

    return any != 0 && memcmp(number, order.data, order.len) < 0;
}
