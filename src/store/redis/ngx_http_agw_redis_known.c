
#include <ngx_config.h>
#include <ngx_core.h>

#include "agw.h"
#include "ngx_http_agw_redis_known.h"


ngx_uint_t
ngx_http_agw_redis_is_ahead(const ngx_http_agw_redis_worker_t *worker,
    int64_t known, int64_t stamp)
{
    known = ngx_max(known, worker->known);

    if (known == 0) {
        known = worker->first;
    }

    return known != 0 && stamp - known > AGW_STAMP_AHEAD_MAX;
}


void
ngx_http_agw_redis_hear(ngx_http_agw_redis_worker_t *worker, int64_t stamp)
{
    if (worker->known == 0
        && (worker->first == 0
            || ngx_abs(stamp - worker->first) > AGW_STAMP_AHEAD_MAX))
    {
        /* too high, it is told to nobody; too low, it would refuse all */

        worker->first = ngx_max(worker->first, stamp);

    } else if (!ngx_http_agw_redis_is_ahead(worker, 0, stamp)) {
        worker->known = ngx_max(worker->known, stamp);
    }
}
