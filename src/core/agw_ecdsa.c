
/*
 * The range of r and s is looked at before anything is converted (RFC 7518,
 * section 3.4; FIPS 186-5, section 6.4.2).
 */


#include <openssl/ecdsa.h>

#include "agw_ecdsa.h"


static ECDSA_SIG *agw_ecdsa_sig(agw_str_t raw);
static int agw_ecdsa_in_range(const unsigned char *number, agw_str_t order);


int
agw_ecdsa_to_der(agw_str_t raw, agw_str_t order, unsigned char *der,
    size_t *len)
{
    int         n;
    ECDSA_SIG  *sig;

    if (raw.len != 2 * order.len
        || !agw_ecdsa_in_range(raw.data, order)
        || !agw_ecdsa_in_range(raw.data + order.len, order))
    {
        return -1;
    }

    sig = agw_ecdsa_sig(raw);
    n = sig != NULL ? i2d_ECDSA_SIG(sig, &der) : 0;

    ECDSA_SIG_free(sig);

    if (n <= 0) {
        return -1;
    }

    *len = (size_t) n;

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


/* r and s as OpenSSL holds them, or NULL where memory ran out */

static ECDSA_SIG *
agw_ecdsa_sig(agw_str_t raw)
{
    int         size;
    BIGNUM     *r, *s;
    ECDSA_SIG  *sig;

    size = (int) raw.len / 2;

    r = BN_bin2bn(raw.data, size, NULL);
    s = BN_bin2bn(raw.data + size, size, NULL);
    sig = ECDSA_SIG_new();

    if (r != NULL && s != NULL && sig != NULL
        && ECDSA_SIG_set0(sig, r, s) == 1)
    {
        return sig;
    }

    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(sig);

    return NULL;
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
