
/*
 * What may be used once until a time: a table of fixed size, in memory of the
 * caller's, which is shared by processes that lock it.
 */


#ifndef AGW_ONCE_H_INCLUDED_
#define AGW_ONCE_H_INCLUDED_


#include "agw.h"


/* in a bucket, of those one owner's at most, and buckets */

#define AGW_ONCE_ENTRIES   64
#define AGW_ONCE_SHARE     32
#define AGW_ONCE_BUCKETS   1024

/* bytes of a digest that tell one from another */

#define AGW_ONCE_DIGEST    16


typedef struct {
    unsigned char   digest[AGW_ONCE_DIGEST];
    int64_t         until;           /* 0: free; Unix seconds */
    uint32_t        owner;
} agw_once_entry_t;


/* zeroed memory is an empty table */

typedef struct {
    agw_once_entry_t  entries[AGW_ONCE_BUCKETS][AGW_ONCE_ENTRIES];
} agw_once_t;


typedef enum {
    AGW_ONCE_FIRST = 0,
    AGW_ONCE_AGAIN,
    AGW_ONCE_FULL
} agw_once_result_t;


/*
 * Uses what a digest stands for.  Returns AGW_ONCE_FIRST, and remembers it
 * until that time; AGW_ONCE_AGAIN if it is remembered; or AGW_ONCE_FULL if
 * there is no room, or none for this owner, and nothing is remembered.
 */

agw_once_result_t agw_once_use(agw_once_t *table,
    const unsigned char digest[AGW_ONCE_DIGEST], uint32_t owner,
    int64_t until, int64_t now);


#endif /* AGW_ONCE_H_INCLUDED_ */
