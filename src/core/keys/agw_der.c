
/*
 * Written by hand, because keys are wiped from memory: OpenSSL's decoders free
 * copies of a private key that they do not wipe.  What is read here goes into
 * numbers that are wiped.
 */


#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>

#include "agw_der.h"
#include "agw_pkey.h"
#include "agw_pkey_build.h"


#define AGW_UNIVERSAL      V_ASN1_UNIVERSAL
#define AGW_CONTEXT        V_ASN1_CONTEXT_SPECIFIC


static int agw_der_take(agw_str_t *der, int xclass, int tag,
    agw_str_t *contents);
static int agw_der_take_version(agw_str_t *der, unsigned char max);
static const char *agw_der_curve(agw_str_t der);
static EVP_PKEY *agw_der_ec_on(agw_str_t der, const char *curve,
    const char **error);
static EVP_PKEY *agw_der_ed25519(agw_str_t der, const char **error);


static const char  agw_der_broken[] =
    "the key cannot be read as one of its kind";


EVP_PKEY *
agw_der_pkcs8(agw_str_t der, const char **error)
{
    agw_str_t               whole, info, id, oid, key;
    static const agw_str_t  rsa =
                            agw_string("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01");
    static const agw_str_t  ec = agw_string("\x2a\x86\x48\xce\x3d\x02\x01");
    static const agw_str_t  ed25519 = agw_string("\x2b\x65\x70");

    whole = der;
    *error = agw_der_broken;

    if (agw_der_take(&whole, AGW_UNIVERSAL, V_ASN1_SEQUENCE, &info) != 0
        || whole.len != 0
        || agw_der_take_version(&info, 1) != 0
        || agw_der_take(&info, AGW_UNIVERSAL, V_ASN1_SEQUENCE, &id) != 0
        || agw_der_take(&id, AGW_UNIVERSAL, V_ASN1_OBJECT, &oid) != 0
        || agw_der_take(&info, AGW_UNIVERSAL, V_ASN1_OCTET_STRING, &key) != 0)
    {
        return NULL;
    }

    if (agw_str_eq(oid, rsa)) {
        return agw_der_rsa(key, error);
    }

    if (agw_str_eq(oid, ec)) {
        return agw_der_ec_on(key, agw_der_curve(id), error);
    }

    if (agw_str_eq(oid, ed25519)) {
        return agw_der_ed25519(key, error);
    }

    *error = AGW_PKEY_OTHER_TYPE;

    return NULL;
}


EVP_PKEY *
agw_der_rsa(agw_str_t der, const char **error)
{
    size_t      i;
    BIGNUM     *number[AGW_RSA_NUMBERS];
    EVP_PKEY   *pkey;
    agw_str_t   whole, key, bytes;

    whole = der;
    *error = agw_der_broken;

    if (agw_der_take(&whole, AGW_UNIVERSAL, V_ASN1_SEQUENCE, &key) != 0
        || whole.len != 0
        || agw_der_take_version(&key, 0) != 0)
    {
        return NULL;
    }

    pkey = NULL;

    memset(number, 0, sizeof(number));

    for (i = 0; i < AGW_RSA_NUMBERS; i++) {
        if (agw_der_take(&key, AGW_UNIVERSAL, V_ASN1_INTEGER, &bytes) != 0
            || bytes.len == 0 || (bytes.data[0] & 0x80))
        {
            goto done;
        }

        number[i] = agw_secret_number(bytes);

        if (number[i] == NULL) {
            goto done;
        }
    }

    if (key.len == 0) {
        pkey = agw_pkey_build_rsa(number, AGW_RSA_NUMBERS);
    }

done:

    for (i = 0; i < AGW_RSA_NUMBERS; i++) {
        BN_clear_free(number[i]);
    }

    ERR_clear_error();

    return pkey;
}


EVP_PKEY *
agw_der_ec(agw_str_t der, const char **error)
{
    return agw_der_ec_on(der, NULL, error);
}


/*
 * The curve is named inside the key, around it, or in both places; the public
 * key may be missing.
 */

static EVP_PKEY *
agw_der_ec_on(agw_str_t der, const char *curve, const char **error)
{
    BIGNUM      *d;
    EVP_PKEY    *pkey;
    agw_str_t    whole, key, secret, inner, point, bits;
    const char  *own;

    whole = der;
    *error = agw_der_broken;

    if (agw_der_take(&whole, AGW_UNIVERSAL, V_ASN1_SEQUENCE, &key) != 0
        || whole.len != 0
        || key.len < 3 || memcmp(key.data, "\x02\x01\x01", 3) != 0)
    {
        return NULL;
    }

    key.data += 3;
    key.len -= 3;

    if (agw_der_take(&key, AGW_UNIVERSAL, V_ASN1_OCTET_STRING, &secret)) {
        return NULL;
    }

    if (agw_der_take(&key, AGW_CONTEXT, 0, &inner) == 0) {
        own = agw_der_curve(inner);

        if (own == NULL || (curve != NULL && strcmp(own, curve) != 0)) {
            *error = AGW_PKEY_OTHER_TYPE;
            return NULL;
        }

        curve = own;
    }

    if (curve == NULL) {
        *error = AGW_PKEY_OTHER_TYPE;
        return NULL;
    }

    if (secret.len == 0 || secret.len > AGW_FIELD_MAX) {
        return NULL;
    }

    memset(&point, 0, sizeof(agw_str_t));

    if (agw_der_take(&key, AGW_CONTEXT, 1, &inner) == 0) {

        /* no bit of the last byte is unused */

        if (agw_der_take(&inner, AGW_UNIVERSAL, V_ASN1_BIT_STRING, &bits) != 0
            || bits.len < 2 || bits.data[0] != 0)
        {
            return NULL;
        }

        point.data = bits.data + 1;
        point.len = bits.len - 1;
    }

    d = agw_secret_number(secret);
    pkey = d ? agw_pkey_build_ec(curve, point, d) : NULL;

    BN_clear_free(d);
    ERR_clear_error();

    return pkey;
}


/* RFC 8410, section 7: an OCTET STRING in the OCTET STRING */

static EVP_PKEY *
agw_der_ed25519(agw_str_t der, const char **error)
{
    EVP_PKEY   *pkey;
    agw_str_t   seed, none;

    memset(&none, 0, sizeof(agw_str_t));

    *error = agw_der_broken;

    if (agw_der_take(&der, AGW_UNIVERSAL, V_ASN1_OCTET_STRING, &seed) != 0
        || der.len != 0)
    {
        return NULL;
    }

    pkey = agw_pkey_build_ed25519(none, seed);

    ERR_clear_error();

    return pkey;
}


/*
 * ECPKParameters (RFC 3279, section 2.3.5): a name, or all the numbers of a
 * curve, which OpenSSL compares with those it knows.  NULL for another.
 */

static const char *
agw_der_curve(agw_str_t der)
{
    int                   nid;
    EC_GROUP             *group;
    const unsigned char  *p;

    p = der.data;
    group = der.len ? d2i_ECPKParameters(NULL, &p, (long) der.len) : NULL;
    nid = group ? EC_GROUP_get_curve_name(group) : NID_undef;

    EC_GROUP_free(group);
    ERR_clear_error();

    switch (nid) {

    case NID_X9_62_prime256v1:
        return "P-256";

    case NID_secp384r1:
        return "P-384";

    default:
        return NULL;
    }
}


/* an INTEGER of one byte, 0 to max */

static int
agw_der_take_version(agw_str_t *der, unsigned char max)
{
    agw_str_t  version;

    return agw_der_take(der, AGW_UNIVERSAL, V_ASN1_INTEGER, &version) == 0
           && version.len == 1 && version.data[0] <= max ? 0 : -1;
}


/*
 * Takes an element of that class and tag off der: 0, and its contents, or -1
 * if there is none, and der is as it was.
 */

static int
agw_der_take(agw_str_t *der, int xclass, int tag, agw_str_t *contents)
{
    int                   rc, found_tag, found_class;
    long                  len;
    const unsigned char  *p;

    p = der->data;

    if (der->len == 0) {
        return -1;
    }

    rc = ASN1_get_object(&p, &len, &found_tag, &found_class, (long) der->len);

    if ((rc & 0x81) || found_tag != tag || found_class != xclass) {
        ERR_clear_error();
        return -1;
    }

    contents->data = p;
    contents->len = (size_t) len;

    der->len -= (size_t) (p - der->data) + (size_t) len;
    der->data = p + len;

    return 0;
}
