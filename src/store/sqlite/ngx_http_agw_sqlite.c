
/*
 * The SQLite engine: one file has the directory and the revocations.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <sqlite3.h>

#include "ngx_http_agw_sqlite_admin.h"
#include "ngx_http_agw_sqlite_check.h"
#include "ngx_http_agw_sqlite_db.h"
#include "ngx_http_agw_sqlite_directory.h"
#include "ngx_http_agw_sqlite_revocations.h"
#include "ngx_http_agw_sqlite_writer.h"
#include "ngx_http_agw_store_engine.h"
#include "ngx_http_agw_worker_access.h"


#define NGX_HTTP_AGW_SQLITE_MIGRATION  60      /* seconds for a migration */


/* for the child process that creates a store */

typedef struct {
    ngx_http_agw_sqlite_t  *sqlite;
    ngx_log_t              *log;
} ngx_http_agw_sqlite_make_t;


static void *ngx_http_agw_sqlite_create(ngx_conf_t *cf, ngx_str_t *words,
    ngx_uint_t n, ngx_str_t *name);

static void ngx_http_agw_sqlite_make(void *state,
    const ngx_http_agw_store_limits_t *limits, ngx_cycle_t *cycle);
static ngx_int_t ngx_http_agw_sqlite_make_as_worker(void *data);
static void ngx_http_agw_sqlite_open(void *state,
    const ngx_http_agw_store_limits_t *limits,
    ngx_http_agw_store_shared_t *shared, ngx_cycle_t *cycle);
static void ngx_http_agw_sqlite_close(void *state);


const ngx_http_agw_store_engine_t  ngx_http_agw_sqlite_engine = {
    ngx_string("sqlite:"),
    ngx_string("\"sqlite:<path>\""),
    "sqlite",
    "sqlite",
    sqlite3_libversion,
    ngx_http_agw_sqlite_create,
    NULL,
    ngx_http_agw_sqlite_make,
    ngx_http_agw_sqlite_open,
    ngx_http_agw_sqlite_close,
    &ngx_http_agw_sqlite_directory,
    &ngx_http_agw_sqlite_revocations,
    &ngx_http_agw_sqlite_admin
};


static void *
ngx_http_agw_sqlite_create(ngx_conf_t *cf, ngx_str_t *words, ngx_uint_t n,
    ngx_str_t *name)
{
    size_t                  len;
    ngx_str_t               path;
    ngx_http_agw_sqlite_t  *sqlite;

    if (n != 1) {

        /* what follows "=" may be a password, and is not logged */

        for (len = 0; len < words[1].len; len++) {
            if (words[1].data[len] == '=') {
                break;
            }
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%*s\" in "
                           "\"auth_gateway_store\", %V takes none",
                           len, words[1].data,
                           &ngx_http_agw_sqlite_engine.syntax);
        return NULL;
    }

    path = words[0];
    path.data += ngx_http_agw_sqlite_engine.scheme.len;
    path.len -= ngx_http_agw_sqlite_engine.scheme.len;

    if (path.len > 1 && path.data[0] == '/' && path.data[1] == '/') {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"sqlite://\" in \"auth_gateway_store\" is no "
                           "path, it must be %V",
                           &ngx_http_agw_sqlite_engine.syntax);
        return NULL;
    }

    if (path.len == 0 || path.data[path.len - 1] == '/'
        || path.data[0] == ':')
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\" in \"auth_gateway_store\", "
                           "it must be %V with the path of a file",
                           &words[0], &ngx_http_agw_sqlite_engine.syntax);
        return NULL;
    }

    if (ngx_conf_full_name(cf->cycle, &path, 0) != NGX_OK) {
        return NULL;
    }

    sqlite = ngx_pcalloc(cf->pool, sizeof(ngx_http_agw_sqlite_t));
    if (sqlite == NULL) {
        return NULL;
    }

    sqlite->path = (char *) path.data;      /* ngx_conf_full_name() ends it */

    /* nginx -s reads the configuration only to find the pid file */

    if (ngx_process != NGX_PROCESS_SIGNALLER
        && ngx_http_agw_sqlite_check_store(cf, sqlite) != NGX_OK)
    {
        return NULL;
    }

    return sqlite;
}


/*
 * Workers could not open a file that root has created, so a child process with
 * their rights creates it.  If that fails, the workers try again.
 */

static void
ngx_http_agw_sqlite_make(void *state,
    const ngx_http_agw_store_limits_t *limits, ngx_cycle_t *cycle)
{
    ngx_int_t                    rc;
    ngx_http_agw_sqlite_t       *sqlite = state;
    ngx_http_agw_sqlite_make_t   make;

    make.sqlite = sqlite;
    make.log = cycle->log;

    sqlite->limits = limits;

    rc = ngx_http_agw_run_as_worker(cycle, cycle->log,
                                    ngx_http_agw_sqlite_make_as_worker, &make,
                                    NGX_HTTP_AGW_SQLITE_MIGRATION);

    if (rc == NGX_BUSY) {
        ngx_log_error(NGX_LOG_WARN, cycle->log, 0,
                      "auth_gateway: store \"%s\" is locked by another "
                      "process; the workers will open it", sqlite->path);
    }
}


static ngx_int_t
ngx_http_agw_sqlite_make_as_worker(void *data)
{
    int                          rc;
    ngx_http_agw_sqlite_make_t  *make = data;

    rc = ngx_http_agw_sqlite_connect_first(make->sqlite, make->log);

    ngx_http_agw_sqlite_disconnect(make->sqlite);

    return rc == SQLITE_OK ? NGX_OK : rc == SQLITE_BUSY ? NGX_BUSY : NGX_ERROR;
}


static void
ngx_http_agw_sqlite_open(void *state,
    const ngx_http_agw_store_limits_t *limits,
    ngx_http_agw_store_shared_t *shared, ngx_cycle_t *cycle)
{
    ngx_http_agw_sqlite_t  *sqlite = state;

    sqlite->limits = limits;
    sqlite->writer = ngx_http_agw_sqlite_writer_create(sqlite->path, limits,
                                                       0, cycle);
    sqlite->reader = ngx_http_agw_sqlite_writer_create(sqlite->path, limits,
                                                       1, cycle);
    sqlite->moved = ngx_http_agw_sqlite_writer_rest;

    if (ngx_http_agw_sqlite_connect_first(sqlite, cycle->log) == SQLITE_BUSY) {
        ngx_log_error(NGX_LOG_ERR, cycle->log, 0,
                      "auth_gateway: store \"%s\" is locked by another "
                      "process", sqlite->path);
    }
}


static void
ngx_http_agw_sqlite_close(void *state)
{
    ngx_http_agw_sqlite_t  *sqlite = state;

    ngx_http_agw_sqlite_disconnect(sqlite);
    ngx_http_agw_sqlite_writer_close(sqlite->writer);
    ngx_http_agw_sqlite_writer_close(sqlite->reader);
}
