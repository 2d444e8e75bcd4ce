
/*
 * A master that is root can read and write anywhere; its workers cannot.  The
 * mistake is found while the configuration is read, not at the first token
 * request.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <grp.h>

#include "ngx_http_agw_workers.h"


#define NGX_HTTP_AGW_GROUPS  64


/* whom the workers will run as */

typedef struct {
    const char  *name;
    uid_t        uid;
    gid_t        groups[NGX_HTTP_AGW_GROUPS];
    int          ngroups;
} ngx_http_agw_worker_user_t;


static void ngx_http_agw_worker_user(ngx_conf_t *cf,
    ngx_http_agw_worker_user_t *user);
static ngx_int_t ngx_http_agw_check_directory(ngx_conf_t *cf,
    const ngx_http_agw_worker_user_t *user, char *directory);
static ngx_int_t ngx_http_agw_check_file(ngx_conf_t *cf,
    const ngx_http_agw_worker_user_t *user, ngx_str_t *path,
    const char *suffix);
static ngx_int_t ngx_http_agw_worker_may(
    const ngx_http_agw_worker_user_t *user, const char *path, int mode);


ngx_int_t
ngx_http_agw_workers_write(ngx_conf_t *cf, ngx_str_t *path)
{
    char                        *directory, *slash, *real;
    ngx_int_t                    rc;
    ngx_uint_t                   i;
    ngx_file_info_t              fi;
    ngx_http_agw_worker_user_t   user;
    static const char           *suffixes[] = { "", "-wal", "-shm" };

    directory = ngx_pnalloc(cf->pool, path->len + 1);
    if (directory == NULL) {
        return NGX_ERROR;
    }

    ngx_cpystrn((u_char *) directory, path->data, path->len + 1);

    slash = strrchr(directory, '/');
    slash[slash == directory] = '\0';

    /* through links: a worker has to pass what they lead through */

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
                           "cannot be used, accepted is a directory that "
                           "the workers can write", directory);
        return NGX_ERROR;
    }

    ngx_http_agw_worker_user(cf, &user);

    rc = ngx_http_agw_check_directory(cf, &user, real);

    for (i = 0; rc == NGX_OK && i < 3; i++) {
        rc = ngx_http_agw_check_file(cf, &user, path, suffixes[i]);
    }

    free(real);

    return rc;
}


/*
 * `user` stands before `http` in any sane file; where the master is not
 * root, the workers are as the master is.
 */

static void
ngx_http_agw_worker_user(ngx_conf_t *cf, ngx_http_agw_worker_user_t *user)
{
    gid_t             gid;
    ngx_core_conf_t  *ccf;
    struct passwd    *pwd;

    ccf = (ngx_core_conf_t *) ngx_get_conf(cf->cycle->conf_ctx,
                                           ngx_core_module);

    user->name = ccf->username ? ccf->username : NGX_USER;
    user->uid = geteuid();
    user->ngroups = 0;

    if (user->uid != 0) {
        return;
    }

    pwd = getpwnam(user->name);

    /* nginx itself refuses a user that there is not */

    user->uid = pwd ? pwd->pw_uid : ccf->user;
    gid = (ccf->username || pwd == NULL) ? ccf->group : pwd->pw_gid;

    user->ngroups = NGX_HTTP_AGW_GROUPS;

    if (getgrouplist(user->name, gid, user->groups, &user->ngroups) == -1) {
        user->groups[0] = gid;
        user->ngroups = 1;
    }
}


/* to be searched from the root on, and written at its end; changes the text */

static ngx_int_t
ngx_http_agw_check_directory(ngx_conf_t *cf,
    const ngx_http_agw_worker_user_t *user, char *directory)
{
    char  *slash, saved;

    for (slash = directory; slash != NULL; slash = strchr(slash + 1, '/')) {
        saved = slash[1];
        slash[1] = '\0';

        if (!ngx_http_agw_worker_may(user, directory, X_OK)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "the directory \"%s\" above "
                               "\"auth_gateway_store\" cannot be searched "
                               "by the worker user \"%s\", accepted is a "
                               "directory that the workers can write",
                               directory, user->name);
            return NGX_ERROR;
        }

        slash[1] = saved;
    }

    if (!ngx_http_agw_worker_may(user, directory, W_OK|X_OK)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the directory \"%s\" of \"auth_gateway_store\" "
                           "cannot be written by the worker user \"%s\", "
                           "accepted is a directory that the workers can "
                           "write", directory, user->name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* a file that is not there yet is one that they will make */

static ngx_int_t
ngx_http_agw_check_file(ngx_conf_t *cf,
    const ngx_http_agw_worker_user_t *user, ngx_str_t *path,
    const char *suffix)
{
    char             *name;
    ngx_file_info_t   fi;

    name = ngx_pnalloc(cf->pool, path->len + ngx_strlen(suffix) + 1);
    if (name == NULL) {
        return NGX_ERROR;
    }

    *ngx_sprintf((u_char *) name, "%V%s", path, suffix) = '\0';

    if (ngx_file_info(name, &fi) == NGX_FILE_ERROR) {
        return NGX_OK;
    }

    if (!ngx_is_file(&fi) || !ngx_http_agw_worker_may(user, name, R_OK|W_OK)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%s\" of \"auth_gateway_store\" cannot be read "
                           "and written by the worker user \"%s\", accepted "
                           "is a file that the workers can read and write, "
                           "or none yet", name, user->name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* mode is of access(2); -1 from stat() is a no */

static ngx_int_t
ngx_http_agw_worker_may(const ngx_http_agw_worker_user_t *user,
    const char *path, int mode)
{
    int              i, shift;
    ngx_file_info_t  fi;

    if (geteuid() != 0) {
        return faccessat(AT_FDCWD, path, mode, AT_EACCESS) == 0;
    }

    if (ngx_file_info(path, &fi) == NGX_FILE_ERROR) {
        return 0;
    }

    if (user->uid == 0) {
        return 1;
    }

    shift = 0;

    for (i = 0; i < user->ngroups; i++) {
        if (fi.st_gid == user->groups[i]) {
            shift = 3;
        }
    }

    if (fi.st_uid == user->uid) {
        shift = 6;
    }

    /* R_OK, W_OK and X_OK are the bits of each class in st_mode */

    return ((fi.st_mode >> shift) & mode) == (mode_t) mode;
}
