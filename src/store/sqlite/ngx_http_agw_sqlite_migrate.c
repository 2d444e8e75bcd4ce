
/*
 * A .dump contains all of a store but its user_version.  A file restored from
 * one is recognized by its tables; its triggers are created anew.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_sqlite_migrate.h"
#include "ngx_http_agw_sqlite_schema.h"


static int ngx_http_agw_migrate_check(ngx_http_agw_sqlite_t *sqlite,
    ngx_http_agw_sqlite_file_t *found, ngx_log_t *log);
static ngx_uint_t ngx_http_agw_migrate_is_restored(
    const ngx_http_agw_sqlite_file_t *found);
static int ngx_http_agw_migrate_from(sqlite3 *db,
    const ngx_http_agw_sqlite_file_t *found);
static int ngx_http_agw_migrate_find_missing(sqlite3 *db, const char *sql,
    ngx_http_agw_sqlite_file_t *found);


static const char  ngx_http_agw_sqlite_inspect_sql[] =
    "SELECT user_version, NOT EXISTS (SELECT 1 FROM sqlite_schema),"
    " EXISTS (SELECT 1 FROM sqlite_schema"
    " WHERE type = 'table' AND name = 'clock'),"
    " EXISTS (SELECT 1 FROM sqlite_schema"
    " WHERE type = 'table' AND name = 'revocation_log'),"
    " EXISTS (SELECT 1 FROM pragma_table_info('api_keys')"
    " WHERE name = 'last_used_at'),"
    " EXISTS (SELECT 1 FROM sqlite_schema"
    " WHERE type = 'table' AND name = 'certificates')"
    " FROM pragma_user_version";

/*
 * ?1 is the version.  0 is a file that may be a restored .dump: its tables
 * must be ours to the letter, and missing indexes are created.  Columns of 3
 * came with the clock, those of 4 with the administration, those of 5 with
 * other credentials.
 */

static const char  ngx_http_agw_sqlite_missing_sql[] =
    "WITH level (n) AS (SELECT CASE"
    " WHEN EXISTS (SELECT 1 FROM sqlite_schema"
    " WHERE name = 'certificates') THEN 5"
    " WHEN EXISTS (SELECT 1 FROM pragma_table_info('api_keys')"
    " WHERE name = 'last_used_at') THEN 4"
    " WHEN EXISTS (SELECT 1 FROM sqlite_schema"
    " WHERE type = 'table' AND name = 'clock')"
    " OR EXISTS (SELECT 1 FROM pragma_table_info('revocations')"
    " WHERE name = 'seq') THEN 3"
    " WHEN ?1 > 1 OR EXISTS (SELECT 1 FROM sqlite_schema"
    " WHERE name = 'revocation_log') THEN 2 ELSE 1 END),"

    " want (since, t, c) AS (VALUES"
    " (1, 'partners', 'partner_id'), (1, 'partners', 'status'),"
    " (1, 'partners', 'name'),"
    " (1, 'api_keys', 'partner_id'), (1, 'api_keys', 'key_sha256'),"
    " (1, 'api_keys', 'not_before'), (1, 'api_keys', 'expires_at'),"
    " (1, 'businesses', 'business_id'), (1, 'businesses', 'partner_id'),"
    " (1, 'businesses', 'status'),"
    " (1, 'revocations', 'kind'), (1, 'revocations', 'id'),"
    " (1, 'revocations', 'cutoff'), (1, 'revocations', 'expires_at'),"
    " (2, 'revocation_log', 'seq'), (2, 'revocation_log', 'kind'),"
    " (2, 'revocation_log', 'id'),"
    " (3, 'clock', 'one'), (3, 'clock', 'stamp'), (3, 'clock', 'floor'),"
    " (3, 'clock', 'elapsed'), (3, 'clock', 'horizon'),"
    " (3, 'clock', 'ahead'), (3, 'clock', 'legacy'),"
    " (3, 'revocations', 'seq'), (3, 'revocations', 'time'),"
    " (3, 'revocations', 'elapsed'), (3, 'revocations', 'partner_id'),"
    " (3, 'revocation_log', 'tag'),"
    " (4, 'partners', 'scopes'), (4, 'api_keys', 'key_id'),"
    " (4, 'api_keys', 'name'), (4, 'api_keys', 'created_at'),"
    " (4, 'api_keys', 'last_used_at'),"
    " (5, 'jwks', 'partner_id'), (5, 'jwks', 'kid'), (5, 'jwks', 'jwk'),"
    " (5, 'certificates', 'partner_id'), (5, 'certificates', 'x5t_s256'),"
    " (5, 'certificates', 'not_after'))"

    " SELECT iif(EXISTS (SELECT 1 FROM pragma_table_info(t)),"
    " 'column \"' || t || '.' || c || '\"', 'table \"' || t || '\"')"
    " FROM want, level WHERE since <= n AND NOT EXISTS"
    " (SELECT 1 FROM pragma_table_info(t) i WHERE i.name = c)"

    " UNION ALL SELECT 'STRICT table \"' || t || '\"'"
    " FROM want, level WHERE ?1 = 0 AND since <= n AND NOT EXISTS"
    " (SELECT 1 FROM pragma_table_list(t) l WHERE l.schema = 'main'"
    " AND l.type = 'table' AND l.strict"
    " AND (l.wr OR t IN ('revocation_log', 'clock')))"

    " UNION ALL SELECT 'index \"' || column1 || '\"'"
    " FROM (VALUES ('revocations_by_seq'), ('revocations_for_legacy')),"
    " level WHERE ?1 <> 0 AND n >= 3 AND NOT EXISTS"
    " (SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = column1)"

    " LIMIT 1";

static const char  ngx_http_agw_sqlite_missing_row_sql[] =
    "SELECT 'row in \"clock\"' WHERE ?1 >= 0"
    " AND NOT EXISTS (SELECT 1 FROM clock)";


int
ngx_http_agw_sqlite_inspect(sqlite3 *db, ngx_http_agw_sqlite_file_t *found)
{
    int            rc;
    sqlite3_stmt  *stmt;

    ngx_memzero(found, sizeof(ngx_http_agw_sqlite_file_t));

    rc = sqlite3_prepare_v2(db, ngx_http_agw_sqlite_inspect_sql, -1, &stmt,
                            NULL);
    if (rc != SQLITE_OK) {
        return rc;
    }

    rc = sqlite3_step(stmt);

    if (rc == SQLITE_ROW) {
        found->version = sqlite3_column_int(stmt, 0);
        found->empty = sqlite3_column_int(stmt, 1);
        found->clock = sqlite3_column_int(stmt, 2);
        found->log = sqlite3_column_int(stmt, 3);
        found->admin = sqlite3_column_int(stmt, 4);
        found->credentials = sqlite3_column_int(stmt, 5);
        rc = SQLITE_OK;
    }

    sqlite3_finalize(stmt);

    return rc;
}


int
ngx_http_agw_sqlite_inspect_schema(sqlite3 *db,
    ngx_http_agw_sqlite_file_t *found)
{
    int  rc;

    rc = ngx_http_agw_migrate_find_missing(db, ngx_http_agw_sqlite_missing_sql,
                                           found);

    if (rc == SQLITE_OK && found->clock && found->missing[0] == '\0') {
        rc = ngx_http_agw_migrate_find_missing(db,
                                           ngx_http_agw_sqlite_missing_row_sql,
                                           found);
    }

    return rc;
}


static int
ngx_http_agw_migrate_find_missing(sqlite3 *db, const char *sql,
    ngx_http_agw_sqlite_file_t *found)
{
    int            rc;
    sqlite3_stmt  *stmt;

    rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

    if (rc == SQLITE_OK) {
        rc = sqlite3_bind_int(stmt, 1, found->version);
    }

    if (rc == SQLITE_OK) {
        rc = sqlite3_step(stmt);
    }

    if (rc == SQLITE_ROW) {
        ngx_cpystrn(found->missing, (u_char *) sqlite3_column_text(stmt, 0),
                    NGX_HTTP_AGW_SQLITE_MISSING);
        rc = SQLITE_DONE;
    }

    sqlite3_finalize(stmt);

    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}


const char *
ngx_http_agw_sqlite_why_refused(sqlite3 *db,
    const ngx_http_agw_sqlite_file_t *found, u_char *why)
{
    u_char  *p, *last;

    if (sqlite3_db_readonly(db, "main") == 1) {
        return "is read-only, it must be one that the workers can write";
    }

    last = why + NGX_HTTP_AGW_SQLITE_WHY - 1;

    if (found->version < 0 || found->version > NGX_HTTP_AGW_SQLITE_VERSION) {
        p = ngx_slprintf(why, last,
                         "has user_version %d, it must be %d, or 0 in an "
                         "empty database%s", found->version,
                         NGX_HTTP_AGW_SQLITE_VERSION, found->version < 0
                         ? "" : ": a newer version of the module, or "
                                "another program, made it");

    } else if (found->missing[0] == '\0') {
        return NULL;

    } else if (found->version == 0) {
        p = ngx_slprintf(why, last,
                         "has user_version 0, it must be %d, or 0 in an empty "
                         "database or one that a whole .dump of a store was "
                         "read into: it has no %s",
                         NGX_HTTP_AGW_SQLITE_VERSION, found->missing);

    } else {
        p = ngx_slprintf(why, last,
                         "is not whole, it must be a store that was copied by "
                         ".backup or .dump: it has no %s", found->missing);
    }

    *p = '\0';

    return (const char *) why;
}


/* a current store is only read: another process may be writing it */

int
ngx_http_agw_sqlite_migrate(ngx_http_agw_sqlite_t *sqlite, ngx_log_t *log)
{
    int                           rc;
    sqlite3                      *db;
    ngx_http_agw_sqlite_file_t   found;

    db = sqlite->db;

    rc = ngx_http_agw_migrate_check(sqlite, &found, log);

    if (rc == SQLITE_OK) {
        rc = sqlite3_exec(db, "PRAGMA journal_mode = WAL;"
                              "PRAGMA synchronous = FULL;"
                              "PRAGMA journal_size_limit = "
                              NGX_HTTP_AGW_SQLITE_WAL,
                          NULL, NULL, NULL);
    }

    if (rc != SQLITE_OK || (found.credentials && found.version != 0)) {
        return rc;
    }

    rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

    if (rc == SQLITE_OK) {
        rc = ngx_http_agw_migrate_check(sqlite, &found, log);
    }

    if (rc == SQLITE_OK && (!found.credentials || found.version == 0)) {
        rc = ngx_http_agw_migrate_from(db, &found);
    }

    if (rc == SQLITE_OK) {
        rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    }

    return rc;                       /* closing rolls it back */
}


/*
 * Returns SQLITE_OK if it is a store, or a new file that this worker has
 * not had open before; SQLITE_MISMATCH, logged; or another code.
 */

static int
ngx_http_agw_migrate_check(ngx_http_agw_sqlite_t *sqlite,
    ngx_http_agw_sqlite_file_t *found, ngx_log_t *log)
{
    int          rc;
    u_char       buf[NGX_HTTP_AGW_SQLITE_WHY];
    const char  *why;

    rc = ngx_http_agw_sqlite_inspect(sqlite->db, found);

    /* of a file with a version, statements find what is missing */

    if (rc == SQLITE_OK && ngx_http_agw_migrate_is_restored(found)) {
        rc = ngx_http_agw_sqlite_inspect_schema(sqlite->db, found);
    }

    if (rc != SQLITE_OK) {
        return rc;
    }

    why = ngx_http_agw_sqlite_why_refused(sqlite->db, found, buf);

    if (why == NULL && found->empty && found->version == 0
        && sqlite->opened)
    {
        why = "is empty, and was not before";
    }

    if (why != NULL) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "auth_gateway: store \"%s\" %s", sqlite->path, why);
        return SQLITE_MISMATCH;
    }

    return SQLITE_OK;
}


static ngx_uint_t
ngx_http_agw_migrate_is_restored(const ngx_http_agw_sqlite_file_t *found)
{
    return found->version == 0 && !found->empty;
}


/*
 * Migrates from the version of the file to this one, in a transaction.  A
 * store with a clock has all tables.
 */

static int
ngx_http_agw_migrate_from(sqlite3 *db,
    const ngx_http_agw_sqlite_file_t *found)
{
    int         rc, version;
    ngx_uint_t  i;

    const struct {
        int          before;
        const char  *sql;
    } steps[] = {
        { 6, ngx_http_agw_sqlite_schema_drop },
        { 1, ngx_http_agw_sqlite_schema },
        { 2, ngx_http_agw_sqlite_schema_2 },
        { 3, ngx_http_agw_sqlite_schema_clock },
        { 1, ngx_http_agw_sqlite_schema_new },
        { 4, ngx_http_agw_sqlite_schema_admin },
        { 5, ngx_http_agw_sqlite_schema_credentials },
        { 6, ngx_http_agw_sqlite_schema_triggers }
    };

    rc = SQLITE_OK;
    version = found->version;

    if (found->clock) {
        version = found->credentials ? 5 : found->admin ? 4 : 3;

    } else if (ngx_http_agw_migrate_is_restored(found)) {
        version = found->log ? 2 : 1;
    }

    for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        if (rc == SQLITE_OK && version < steps[i].before) {
            rc = sqlite3_exec(db, steps[i].sql, NULL, NULL, NULL);
        }
    }

    return rc;
}
