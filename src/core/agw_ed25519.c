
/*
 * The curve is -x^2 + y^2 = 1 + d x^2 y^2 modulo p = 2^255 - 19, and a key
 * is y with the sign of x.
 */


#include <openssl/bn.h>
#include <openssl/err.h>

#include "agw_ed25519.h"


#define AGW_ED25519_SIZE  32


static int agw_ed25519_check(const BIGNUM *y, const BIGNUM *p,
    const BIGNUM *d, BN_CTX *ctx);
static int agw_ed25519_is_small(const BIGNUM *y2, const BIGNUM *p,
    const BIGNUM *d, BN_CTX *ctx);


static const char  agw_ed25519_p[] =
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed";

static const char  agw_ed25519_d[] =
    "52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3";


int
agw_ed25519_is_sound(EVP_PKEY *pkey)
{
    int             rc;
    size_t          len;
    BIGNUM         *y, *p, *d;
    BN_CTX         *ctx;
    unsigned char   key[AGW_ED25519_SIZE];

    len = sizeof(key);

    if (EVP_PKEY_get_raw_public_key(pkey, key, &len) != 1
        || len != sizeof(key))
    {
        ERR_clear_error();
        return 0;
    }

    key[len - 1] &= 0x7f;            /* the sign of x */

    p = NULL;
    d = NULL;
    y = BN_lebin2bn(key, (int) len, NULL);
    ctx = BN_CTX_new();

    rc = y != NULL && ctx != NULL
         && BN_hex2bn(&p, agw_ed25519_p) != 0
         && BN_hex2bn(&d, agw_ed25519_d) != 0
         && agw_ed25519_check(y, p, d, ctx);

    BN_free(y);
    BN_free(p);
    BN_free(d);
    BN_CTX_free(ctx);
    ERR_clear_error();

    return rc;
}


/* x^2 = (y^2 - 1) / (d y^2 + 1): is there such an x */

static int
agw_ed25519_check(const BIGNUM *y, const BIGNUM *p, const BIGNUM *d,
    BN_CTX *ctx)
{
    int      rc;
    BIGNUM  *y2, *u, *v;

    if (BN_cmp(y, p) >= 0) {
        return 0;
    }

    BN_CTX_start(ctx);

    y2 = BN_CTX_get(ctx);
    u = BN_CTX_get(ctx);
    v = BN_CTX_get(ctx);

    /* a quotient is a square where the product is */

    rc = v != NULL
         && BN_mod_sqr(y2, y, p, ctx) == 1
         && BN_mod_sub(u, y2, BN_value_one(), p, ctx) == 1
         && BN_mod_mul(v, d, y2, p, ctx) == 1
         && BN_mod_add(v, v, BN_value_one(), p, ctx) == 1
         && BN_mod_mul(u, u, v, p, ctx) == 1
         && BN_kronecker(u, p, ctx) == 1
         && !agw_ed25519_is_small(y2, p, d, ctx);

    BN_CTX_end(ctx);

    return rc;
}


/*
 * Of the eight points, those of order 1 and 2 have x = 0, and are no
 * non-zero square above.  Those of order 4 have y = 0.  Those of order 8
 * double to them: their x^2 + y^2 is 0, so with the curve's equation
 * d y^4 + 2 y^2 - 1 is 0 as well.
 */

static int
agw_ed25519_is_small(const BIGNUM *y2, const BIGNUM *p, const BIGNUM *d,
    BN_CTX *ctx)
{
    int      rc;
    BIGNUM  *sum, *twice;

    BN_CTX_start(ctx);

    sum = BN_CTX_get(ctx);
    twice = BN_CTX_get(ctx);

    rc = twice == NULL
         || BN_is_zero(y2)
         || BN_mod_sqr(sum, y2, p, ctx) != 1
         || BN_mod_mul(sum, sum, d, p, ctx) != 1
         || BN_mod_lshift1(twice, y2, p, ctx) != 1
         || BN_mod_add(sum, sum, twice, p, ctx) != 1
         || BN_mod_sub(sum, sum, BN_value_one(), p, ctx) != 1
         || BN_is_zero(sum);

    BN_CTX_end(ctx);

    return rc;
}
