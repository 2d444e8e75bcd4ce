
/*
 * Client certificates (RFC 8705): the thumbprint that a token is bound to, of a
 * certificate of a connection, or of one that a proxy has written into a
 * header.
 */


#ifndef AGW_CERTIFICATE_H_INCLUDED_
#define AGW_CERTIFICATE_H_INCLUDED_


#include <openssl/x509.h>

#include "agw.h"


/* SHA-256 in base64url */

#define AGW_THUMBPRINT_SIZE    43

/* of a certificate as text, with those that issued it */

#define AGW_CERTIFICATE_MAX    32768


typedef struct {
    unsigned char   thumbprint[AGW_THUMBPRINT_SIZE];     /* x5t#S256 */
    int64_t         not_after;       /* its last second; Unix seconds */
} agw_certificate_t;


/* whether text is a thumbprint: 32 bytes in base64url, strictly */

int agw_is_thumbprint(agw_str_t text);


/*
 * Takes the thumbprint (RFC 8705, section 3.1) and notAfter of a certificate.
 * Returns 0; -1 if OpenSSL fails, or if the date is none; or
 * AGW_CERTIFICATE_NO_MEMORY.  OpenSSL's error queue is empty then.
 */

#define AGW_CERTIFICATE_NO_MEMORY   (-2)

int agw_certificate_take(agw_certificate_t *certificate, const X509 *x509);


/*
 * The same of text: one certificate in PEM, whose lines may end with any white
 * space, as it is or percent-encoded; or in DER as RFC 9440 has it (":",
 * base64, ":").  After a PEM other PEMs may follow: the first is the client's.
 * Returns 0; -1 if it is none of these; or AGW_CERTIFICATE_NO_MEMORY.
 */

int agw_certificate_read(agw_certificate_t *certificate, agw_str_t text);


#endif /* AGW_CERTIFICATE_H_INCLUDED_ */
