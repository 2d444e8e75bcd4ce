
/*
 * Replies of a server: whatever the pieces they arrive in, the same is said of
 * them, and what is begun is within the limits.
 */


#include <stdlib.h>
#include <string.h>

#include "agw_resp.h"


#define assert_that(condition)                                                \
    do {                                                                      \
        if (!(condition)) {                                                   \
            abort();                                                          \
        }                                                                     \
    } while (0)


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t       i, whole, pieces;
    agw_resp_t   resp, slow;
    const char  *why, *later;

    memset(&resp, 0, sizeof(resp));
    memset(&slow, 0, sizeof(slow));
    whole = 0;
    pieces = 0;
    later = NULL;

    why = agw_resp_scan(&resp, data, size, &whole);

    for (i = 0; i < size && later == NULL; i++) {
        later = agw_resp_scan(&slow, data + i, 1, &pieces);

        assert_that(slow.depth <= AGW_RESP_DEPTH_MAX);
        assert_that(slow.elements <= AGW_RESP_ELEMENTS_MAX);
        assert_that(later || slow.bytes <= AGW_RESP_BYTES_MAX);
        assert_that(later || slow.bytes + slow.length
                             <= AGW_RESP_BYTES_MAX + AGW_RESP_LINE_MAX);
    }

    assert_that(why == later);
    assert_that(whole == pieces);
    assert_that(agw_resp_is_inside(&resp) == agw_resp_is_inside(&slow));

    return 0;
}
