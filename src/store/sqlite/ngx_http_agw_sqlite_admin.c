
/*
 * What reads does not wait for what writes, which may wait for a lock or a
 * disk: each has its thread and its connection.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_sqlite_admin.h"
#include "ngx_http_agw_sqlite_db.h"
#include "ngx_http_agw_sqlite_writer.h"


static void ngx_http_agw_sqlite_admin_run(void *state,
    ngx_http_agw_admin_t *op);
static void ngx_http_agw_sqlite_admin_done(ngx_http_agw_write_t *write,
    ngx_int_t rc);


const ngx_http_agw_admin_engine_t  ngx_http_agw_sqlite_admin = {
    ngx_http_agw_sqlite_admin_run
};


static void
ngx_http_agw_sqlite_admin_run(void *state, ngx_http_agw_admin_t *op)
{
    ngx_uint_t              reads;
    ngx_http_agw_sqlite_t  *sqlite = state;

    op->write.handler = ngx_http_agw_sqlite_admin_done;
    op->write.data = op;
    op->write.admin = op;

    reads = op->what == NGX_HTTP_AGW_ADMIN_GET
            || op->what == NGX_HTTP_AGW_ADMIN_LIST
            || op->what == NGX_HTTP_AGW_ADMIN_EXPORT;

    ngx_http_agw_sqlite_writer_add(reads ? sqlite->reader : sqlite->writer,
                                   &op->write);
}


static void
ngx_http_agw_sqlite_admin_done(ngx_http_agw_write_t *write, ngx_int_t rc)
{
    ngx_http_agw_admin_t  *op = write->data;

    op->handler(op, rc);
}
