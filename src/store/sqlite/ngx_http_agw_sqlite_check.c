
/*
 * Finds, while the configuration is read, a fault that would make every token
 * request fail with 503.  It opens and reads the file as a worker's user,
 * rather than compute what modes, access lists, mounts and SQLite together
 * allow.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_sqlite_check.h"
#include "ngx_http_agw_sqlite_migrate.h"
#include "ngx_http_agw_worker_access.h"


#define NGX_HTTP_AGW_CHECK_PATIENCE  10      /* seconds */
#define NGX_HTTP_AGW_CHECK_LINKS     16
#define NGX_HTTP_AGW_CHECK_HEADER    100     /* bytes */

/* a byte that SQLite, whose locks begin at a gigabyte, never locks */

#define NGX_HTTP_AGW_CHECK_LOCK      (1024 * 1024 * 1024 - 1)


/* a result beside SQLite's, which are not negative; logged */

#define NGX_HTTP_AGW_CHECK_REFUSED   -1


typedef struct {
    ngx_conf_t             *cf;
    ngx_http_agw_sqlite_t  *sqlite;
    const char             *user;            /* of the workers */
    char                   *file;            /* links resolved */
    char                   *directory;
    ngx_uint_t              reloading;       /* nginx runs without a master */
} ngx_http_agw_check_t;


static ngx_int_t ngx_http_agw_check_resolve(ngx_http_agw_check_t *check);
static char *ngx_http_agw_check_real_directory(ngx_conf_t *cf,
    const char *path);
static char *ngx_http_agw_check_join(ngx_conf_t *cf, const char *directory,
    const char *name);
static ngx_int_t ngx_http_agw_check_as_worker(void *data);
static ngx_int_t ngx_http_agw_check_search(ngx_http_agw_check_t *check);
static ngx_int_t ngx_http_agw_check_directory(ngx_http_agw_check_t *check,
    int mode);
static ngx_int_t ngx_http_agw_check_file(ngx_http_agw_check_t *check,
    const char *name, ngx_uint_t *there);
static ngx_int_t ngx_http_agw_check_lock(ngx_http_agw_check_t *check,
    int fd);
static ngx_int_t ngx_http_agw_check_make(ngx_http_agw_check_t *check);
static ngx_int_t ngx_http_agw_check_database(ngx_http_agw_check_t *check,
    ngx_uint_t wal);
static int ngx_http_agw_check_open(ngx_http_agw_check_t *check,
    ngx_uint_t wal);
static int ngx_http_agw_check_found(ngx_http_agw_check_t *check);
static int ngx_http_agw_check_read(ngx_http_agw_sqlite_t *sqlite);


ngx_int_t
ngx_http_agw_sqlite_check_store(ngx_conf_t *cf, ngx_http_agw_sqlite_t *sqlite)
{
    ngx_int_t             rc;
    ngx_http_agw_check_t  check;

    ngx_memzero(&check, sizeof(ngx_http_agw_check_t));

    check.cf = cf;
    check.sqlite = sqlite;

    /* a child of a process that has the store open must not use SQLite */

    check.reloading = (ngx_process == NGX_PROCESS_SINGLE
                       && !ngx_is_init_cycle(cf->cycle->old_cycle));

    check.user = ngx_http_agw_worker_name(cf->cycle);

    if (check.user == NULL || ngx_http_agw_check_resolve(&check) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_http_agw_run_as_worker(cf->cycle, cf->log,
                                    ngx_http_agw_check_as_worker, &check,
                                    NGX_HTTP_AGW_CHECK_PATIENCE);

    if (rc == NGX_BUSY) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"%s\" of \"auth_gateway_store\" is locked by "
                           "another process, and was not checked",
                           sqlite->path);
        return NGX_OK;
    }

    if (rc == NGX_ABORT) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%s\" of \"auth_gateway_store\" could not be "
                           "checked", sqlite->path);
    }

    return rc == NGX_OK ? NGX_OK : NGX_ERROR;
}


/*
 * SQLite follows links, and creates its other files beside their target.  If
 * the target does not exist, a worker will create it.
 */

static ngx_int_t
ngx_http_agw_check_resolve(ngx_http_agw_check_t *check)
{
    char        *path, *directory, link[NGX_MAX_PATH];
    ssize_t      n;
    ngx_uint_t   i;

    path = check->sqlite->path;

    for (i = 0; i < NGX_HTTP_AGW_CHECK_LINKS; i++) {

        directory = ngx_http_agw_check_real_directory(check->cf, path);
        if (directory == NULL) {
            return NGX_ERROR;
        }

        path = ngx_http_agw_check_join(check->cf, directory,
                                       strrchr(path, '/') + 1);
        if (path == NULL) {
            return NGX_ERROR;
        }

        n = readlink(path, link, sizeof(link) - 1);

        if (n == -1) {
            check->file = path;
            check->directory = directory;
            return NGX_OK;
        }

        link[n] = '\0';

        path = ngx_http_agw_check_join(check->cf,
                                       link[0] == '/' ? "" : directory, link);
        if (path == NULL) {
            return NGX_ERROR;
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, check->cf, NGX_ELOOP,
                       "\"%s\" of \"auth_gateway_store\" cannot be used, it "
                       "must be a file that the workers can read and write, "
                       "or none yet", check->sqlite->path);

    return NGX_ERROR;
}


static char *
ngx_http_agw_check_real_directory(ngx_conf_t *cf, const char *path)
{
    char             *directory, *slash, *real;
    ngx_file_info_t   fi;

    directory = ngx_http_agw_check_join(cf, "", path);
    if (directory == NULL) {
        return NULL;
    }

    slash = strrchr(directory, '/');
    slash[slash == directory] = '\0';

    real = realpath(directory, NULL);

    if (real != NULL
        && (ngx_file_info(real, &fi) == NGX_FILE_ERROR || !ngx_is_dir(&fi)))
    {
        free(real);
        real = NULL;
        ngx_set_errno(NGX_ENOTDIR);
    }

    if (real == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "the directory \"%s\" of \"auth_gateway_store\" "
                           "cannot be used, it must be a directory that the "
                           "workers can write", directory);
        return NULL;
    }

    directory = ngx_http_agw_check_join(cf, "", real);

    free(real);

    return directory;
}


/* in cf's pool, terminated; adds a "/" only where one is needed */

static char *
ngx_http_agw_check_join(ngx_conf_t *cf, const char *directory,
    const char *name)
{
    char    *path;
    size_t   len;

    len = ngx_strlen(directory);

    path = ngx_pnalloc(cf->pool, len + ngx_strlen(name) + 2);
    if (path == NULL) {
        return NULL;
    }

    *ngx_sprintf((u_char *) path, "%s%s%s", directory,
                 len == 0 || directory[len - 1] == '/' ? "" : "/", name)
        = '\0';

    return path;
}


static ngx_int_t
ngx_http_agw_check_as_worker(void *data)
{
    ngx_uint_t             i, there[4];
    ngx_http_agw_check_t  *check = data;

    static const char  *suffixes[] = { "", "-wal", "-shm", "-journal" };

    if (ngx_http_agw_check_search(check) != NGX_OK
        || ngx_http_agw_check_directory(check, X_OK) != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < 4; i++) {
        if (ngx_http_agw_check_file(check, suffixes[i], &there[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (ngx_http_agw_check_directory(check, W_OK|X_OK) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!there[0]) {
        return ngx_http_agw_check_make(check);
    }

    return check->reloading ? NGX_OK
                            : ngx_http_agw_check_database(check, there[1]);
}


/* whether the workers can search each directory, from the root on */

static ngx_int_t
ngx_http_agw_check_search(ngx_http_agw_check_t *check)
{
    char  *slash, *directory, saved;

    directory = check->directory;

    for (slash = directory; slash != NULL; slash = strchr(slash + 1, '/')) {
        saved = slash[1];
        slash[1] = '\0';

        if (faccessat(AT_FDCWD, directory, X_OK, AT_EACCESS) == -1) {
            ngx_conf_log_error(NGX_LOG_EMERG, check->cf, ngx_errno,
                               "the directory \"%s\" above "
                               "\"auth_gateway_store\" cannot be searched by "
                               "the worker user \"%s\", it must be a "
                               "directory that the workers can write",
                               directory, check->user);
            return NGX_ERROR;
        }

        slash[1] = saved;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_agw_check_directory(ngx_http_agw_check_t *check, int mode)
{
    if (faccessat(AT_FDCWD, check->directory, mode, AT_EACCESS) == -1) {
        ngx_conf_log_error(NGX_LOG_EMERG, check->cf, ngx_errno,
                           "the directory \"%s\" of \"auth_gateway_store\" "
                           "cannot be written by the worker user \"%s\", it "
                           "must be a directory that the workers can write",
                           check->directory, check->user);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* a file that does not exist will be created by a worker */

static ngx_int_t
ngx_http_agw_check_file(ngx_http_agw_check_t *check, const char *suffix,
    ngx_uint_t *there)
{
    int               fd;
    char             *name;
    ngx_err_t         err;
    ngx_int_t         rc;
    ngx_file_info_t   fi;

    name = ngx_pnalloc(check->cf->pool, ngx_strlen(check->file)
                                        + ngx_strlen(suffix) + 1);
    if (name == NULL) {
        return NGX_ERROR;
    }

    *ngx_sprintf((u_char *) name, "%s%s", check->file, suffix) = '\0';

    *there = (ngx_file_info(name, &fi) != NGX_FILE_ERROR);

    if (!*there && ngx_errno == NGX_ENOENT) {
        return NGX_OK;
    }

    err = 0;

    if (!*there || faccessat(AT_FDCWD, name, R_OK|W_OK, AT_EACCESS) == -1) {
        err = ngx_errno;

    } else if (ngx_is_dir(&fi)) {
        err = NGX_EISDIR;
    }

    if (err || !ngx_is_file(&fi)) {
        ngx_conf_log_error(NGX_LOG_EMERG, check->cf, err,
                           "\"%s\" of \"auth_gateway_store\" cannot be read "
                           "and written by the worker user \"%s\", it must be "
                           "a file that the workers can read and write, or "
                           "none yet", name, check->user);
        return NGX_ERROR;
    }

    /* SQLite treats a file shorter than its header as empty */

    if (suffix[0] == '\0' && fi.st_size > 0
        && fi.st_size < NGX_HTTP_AGW_CHECK_HEADER)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, check->cf, 0,
                           "\"%s\" of \"auth_gateway_store\" cannot be opened "
                           "by the worker user \"%s\": %s, it must be a "
                           "store, an empty file, or none yet", name,
                           check->user, sqlite3_errstr(SQLITE_NOTADB));
        return NGX_ERROR;
    }

    fd = open(name, O_RDWR|O_NONBLOCK);

    rc = ngx_http_agw_check_lock(check, fd);

    (void) close(fd);

    return rc;
}


/* fd is -1 if the file could not be opened */

static ngx_int_t
ngx_http_agw_check_lock(ngx_http_agw_check_t *check, int fd)
{
    struct flock  lock;

    ngx_memzero(&lock, sizeof(struct flock));

    lock.l_type = F_RDLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = NGX_HTTP_AGW_CHECK_LOCK;
    lock.l_len = 1;

    if (fd != -1
        && (fcntl(fd, F_SETLK, &lock) != -1 || ngx_errno == NGX_EAGAIN
            || ngx_errno == NGX_EACCES))
    {
        return NGX_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, check->cf, ngx_errno,
                       "\"%s\" of \"auth_gateway_store\" cannot be opened and "
                       "locked by the worker user \"%s\", it must be on a "
                       "file system that lets them lock files",
                       check->file, check->user);

    return NGX_ERROR;
}


/*
 * If there is no file, an unnamed one tells whether a file can be created, on
 * systems and file systems that support it.
 */

static ngx_int_t
ngx_http_agw_check_make(ngx_http_agw_check_t *check)
{
#ifdef O_TMPFILE

    int        fd;
    ngx_int_t  rc;

    fd = open(check->directory, O_TMPFILE|O_RDWR, 0600);

    if (fd == -1 && (ngx_errno == EOPNOTSUPP || ngx_errno == NGX_EISDIR
                     || ngx_errno == NGX_ENOENT || ngx_errno == NGX_EINVAL))
    {
        return NGX_OK;
    }

    rc = ngx_http_agw_check_lock(check, fd);

    (void) close(fd);

    return rc;

#else

    return NGX_OK;

#endif
}


static ngx_int_t
ngx_http_agw_check_database(ngx_http_agw_check_t *check, ngx_uint_t wal)
{
    int         rc;
    u_char      buf[NGX_HTTP_AGW_SQLITE_ERROR];
    sqlite3    *db;
    ngx_uint_t  left;

    left = NGX_HTTP_AGW_SQLITE_START / NGX_HTTP_AGW_SQLITE_RETRY;

    for ( ;; ) {
        rc = ngx_http_agw_check_open(check, wal);

        if (rc != SQLITE_BUSY || left-- == 0) {
            break;
        }

        ngx_http_agw_sqlite_disconnect(check->sqlite);
        ngx_msleep(NGX_HTTP_AGW_SQLITE_RETRY);
    }

    db = check->sqlite->db;

    if (rc != SQLITE_OK && rc != SQLITE_BUSY
        && rc != NGX_HTTP_AGW_CHECK_REFUSED)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, check->cf,
                           ngx_http_agw_sqlite_errno(db, rc),
                           "\"%s\" of \"auth_gateway_store\" cannot be opened "
                           "by the worker user \"%s\": %s, it must be a "
                           "store, an empty file, or none yet",
                           check->sqlite->path, check->user,
                           ngx_http_agw_sqlite_error(db, rc, buf));
    }

    ngx_http_agw_sqlite_disconnect(check->sqlite);

    return rc == SQLITE_OK ? NGX_OK : rc == SQLITE_BUSY ? NGX_BUSY : NGX_ERROR;
}


/*
 * The last process that closes a database writes the WAL into the file.  If
 * the file was replaced, the WAL may be that of the old file.
 */

static int
ngx_http_agw_check_open(ngx_http_agw_check_t *check, ngx_uint_t wal)
{
    int                     rc;
    ngx_http_agw_sqlite_t  *sqlite;

    sqlite = check->sqlite;

    rc = sqlite3_open_v2(sqlite->path, &sqlite->db,
                         SQLITE_OPEN_READWRITE|SQLITE_OPEN_NOMUTEX, NULL);

    if (rc == SQLITE_OK && wal) {
        rc = sqlite3_db_config(sqlite->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE,
                               1, NULL);
    }

    return rc == SQLITE_OK ? ngx_http_agw_check_found(check) : rc;
}


/* returns SQLITE_OK; NGX_HTTP_AGW_CHECK_REFUSED; or another code */

static int
ngx_http_agw_check_found(ngx_http_agw_check_t *check)
{
    int                           rc;
    u_char                        buf[NGX_HTTP_AGW_SQLITE_WHY];
    const char                   *why;
    ngx_http_agw_sqlite_t        *sqlite;
    ngx_http_agw_sqlite_file_t   found;

    sqlite = check->sqlite;

    rc = ngx_http_agw_sqlite_inspect(sqlite->db, &found);

    if (rc == SQLITE_OK && !(found.version == 0 && found.empty)) {
        rc = ngx_http_agw_sqlite_inspect_schema(sqlite->db, &found);
    }

    if (rc != SQLITE_OK) {
        return rc;
    }

    why = ngx_http_agw_sqlite_why_refused(sqlite->db, &found, buf);

    if (why != NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, check->cf, 0,
                           "\"%s\" of \"auth_gateway_store\" %s",
                           sqlite->path, why);
        return NGX_HTTP_AGW_CHECK_REFUSED;
    }

    /* an older one lacks columns, until it is migrated */

    return found.credentials && found.version != 0
           ? ngx_http_agw_check_read(sqlite) : SQLITE_OK;
}


/* steps each statement once, with values that match no row */

static int
ngx_http_agw_check_read(ngx_http_agw_sqlite_t *sqlite)
{
    int            rc;
    ngx_uint_t     i;
    sqlite3_stmt  *stmts[4];

    rc = ngx_http_agw_sqlite_prepare(sqlite);

    if (rc == SQLITE_OK) {
        rc = sqlite3_bind_int(sqlite->read_rows, 2, 1);      /* LIMIT */
    }

    if (rc != SQLITE_OK) {
        return rc;
    }

    stmts[0] = sqlite->find_api_key;
    stmts[1] = sqlite->find_business;
    stmts[2] = sqlite->read_clock;
    stmts[3] = sqlite->read_rows;

    for (i = 0; i < 4; i++) {
        rc = sqlite3_step(stmts[i]);

        ngx_http_agw_sqlite_release(stmts[i]);

        if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
            return rc;
        }
    }

    return SQLITE_OK;
}
