
/*
 * The range of r and s is looked at before anything is converted (RFC 7518,
 * section 3.4; FIPS 186-5, section 6.4.2).
 */


#include <openssl/ecdsa.h>

#include "agw_ecdsa.h"


/* universal tags (X.690, section 8); every length here fits into one byte */

#define AGW_DER_INTEGER    0x02
#define AGW_DER_SEQUENCE   0x30


static unsigned char *agw_ecdsa_integer(unsigned char *p,
    const unsigned char *number, size_t size);
static int agw_ecdsa_in_range(const unsigned char *number, agw_str_t order);


int
agw_ecdsa_to_der(agw_str_t raw, agw_str_t order, unsigned char *der,
    size_t *len)
{
    unsigned char  *p;

    if (raw.len != 2 * order.len
        || !agw_ecdsa_in_range(raw.data, order)
        || !agw_ecdsa_in_range(raw.data + order.len, order))
    {
        return -1;
    }

    p = agw_ecdsa_integer(der + 2, raw.data, order.len);
    p = agw_ecdsa_integer(p, raw.data + order.len, order.len);

    der[0] = AGW_DER_SEQUENCE;
    der[1] = (unsigned char) (p - der - 2);

    *len = (size_t) (p - der);

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


/*
 * An INTEGER that is not zero, in as few bytes as it takes, the first of
 * which has no sign bit (X.690, section 8.3).  Returns its end.
 */

static unsigned char *
agw_ecdsa_integer(unsigned char *p, const unsigned char *number, size_t size)
{
    size_t  sign;

    while (*number == 0) {
        number++;
        size--;
    }

    sign = *number >> 7;

    *p++ = AGW_DER_INTEGER;
    *p++ = (unsigned char) (sign + size);

    if (sign) {
        *p++ = 0;
    }

    memcpy(p, number, size);

    return p + size;
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
