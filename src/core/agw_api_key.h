
/*
 * The form of the API keys that administration makes: programs that look for
 * secrets can tell one, without asking anybody.
 */


#ifndef AGW_API_KEY_H_INCLUDED_
#define AGW_API_KEY_H_INCLUDED_


#include "agw.h"


/*
 * "agw_", 160 random bits in base62 (27 digits, 0-9 A-Z a-z, the highest
 * first), and the CRC-32 of all that (as in IEEE 802.3) in base62 (6 digits).
 */

#define AGW_API_KEY_SIZE     37
#define AGW_API_KEY_RANDOM   20              /* bytes */

/* a key_id: digits and lower-case letters */

#define AGW_KEY_ID_RANDOM    10              /* bytes, for 16 characters */


/* writes AGW_API_KEY_SIZE bytes */

void agw_api_key_write(const unsigned char random[AGW_API_KEY_RANDOM],
    unsigned char *out);


/* whether it has that form, and its checksum is right */

int agw_api_key_is(agw_str_t text);


/* writes AGW_KEY_ID_SIZE characters of [a-z2-7] */

void agw_api_key_id_write(const unsigned char random[AGW_KEY_ID_RANDOM],
    unsigned char *out);


/* CRC-32 (ISO-HDLC): that of "123456789" is 0xcbf43926 */

uint32_t agw_crc32(agw_str_t text);


#endif /* AGW_API_KEY_H_INCLUDED_ */
