
/*
 * A key is y, little-endian, with the sign of x in its top bit.  The eight
 * points of small order have five values of y: (x, y) and (-x, y) share one.
 */


#include <string.h>

#include <openssl/err.h>

#include "agw_ed25519.h"


#define AGW_ED25519_SIZE  32


static int agw_ed25519_is_reduced(const unsigned char *y);


static const unsigned char  agw_ed25519_small[][AGW_ED25519_SIZE] = {

    /* 0, of order 4; 1, the identity; p - 1, of order 2 */

    { 0 },
    { 1 },
    { 0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f },

    /* of order 8 */

    { 0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0,
      0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
      0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39,
      0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05 },
    { 0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f,
      0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
      0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6,
      0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a }
};


int
agw_ed25519_is_sound(EVP_PKEY *pkey)
{
    size_t         i, len;
    unsigned char  y[AGW_ED25519_SIZE];

    len = sizeof(y);

    if (EVP_PKEY_get_raw_public_key(pkey, y, &len) != 1 || len != sizeof(y)) {
        ERR_clear_error();
        return 0;
    }

    y[AGW_ED25519_SIZE - 1] &= 0x7f;

    for (i = 0; i < sizeof(agw_ed25519_small) / AGW_ED25519_SIZE; i++) {
        if (memcmp(y, agw_ed25519_small[i], AGW_ED25519_SIZE) == 0) {
            return 0;
        }
    }

    return agw_ed25519_is_reduced(y);
}


/* whether y is below p, 2^255 - 19 */

static int
agw_ed25519_is_reduced(const unsigned char *y)
{
    size_t  i;

    if (y[AGW_ED25519_SIZE - 1] != 0x7f || y[0] < 0xed) {
        return 1;
    }

    for (i = 1; i < AGW_ED25519_SIZE - 1; i++) {
        if (y[i] != 0xff) {
            return 1;
        }
    }

    return 0;
}
