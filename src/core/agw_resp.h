
/*
 * The limits of a reply in RESP2, held while its bytes arrive: a length that
 * announces too much is refused before anything of it is kept.  The value is
 * made by hiredis's reader, which gets only what has passed here.
 */


#ifndef AGW_RESP_H_INCLUDED_
#define AGW_RESP_H_INCLUDED_


#include "agw.h"


#define AGW_RESP_BYTES_MAX     (8 * 1024 * 1024)   /* of a reply */
#define AGW_RESP_LINE_MAX      65536               /* of a status, an error */
#define AGW_RESP_ELEMENTS_MAX  262144              /* of a reply, all depths */
#define AGW_RESP_DEPTH_MAX     6                   /* of arrays; hiredis 0.14
                                                      reads 7 */


/* zeroed before the first byte of a connection */

typedef struct {
    size_t    bytes;                 /* of the reply so far */
    size_t    elements;              /* that it announced */
    size_t    left[AGW_RESP_DEPTH_MAX];      /* of each open array */
    unsigned  depth;
    unsigned  state;
    uint8_t   type;
    size_t    length;                /* of the line, or left of the string */
    size_t    number;
    unsigned  minus:1;
    unsigned  broken:1;
} agw_resp_t;


/*
 * Reads n bytes that follow those of earlier calls, and adds the replies that
 * end within them to *replies.  Returns NULL, or what is wrong: then nothing of
 * these bytes may be used, and each further call says the same.
 */

const char *agw_resp_scan(agw_resp_t *resp, const uint8_t *p, size_t n,
    size_t *replies);


/* whether a reply has begun that has not ended */

int agw_resp_is_inside(const agw_resp_t *resp);


#endif /* AGW_RESP_H_INCLUDED_ */
