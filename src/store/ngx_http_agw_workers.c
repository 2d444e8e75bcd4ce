
/*
 * A master that is root can write anywhere; its workers cannot.  The mistake
 * is found while the configuration is read, not at the first token request.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <grp.h>

#include "ngx_http_agw_workers.h"


static ngx_int_t ngx_http_agw_workers_may_write(ngx_conf_t *cf,
    ngx_file_info_t *fi, char **user);


ngx_int_t
ngx_http_agw_workers_write(ngx_conf_t *cf, ngx_str_t *path)
{
    char             *user;
    u_char           *directory, *slash;
    ngx_file_info_t   fi;

    directory = ngx_pnalloc(cf->pool, path->len + 1);
    if (directory == NULL) {
        return NGX_ERROR;
    }

    ngx_cpystrn(directory, path->data, path->len + 1);

    slash = (u_char *) strrchr((char *) directory, '/');
    slash[slash == directory] = '\0';

    ngx_set_errno(NGX_ENOTDIR);

    if (ngx_file_info(directory, &fi) == NGX_FILE_ERROR
        || !ngx_is_dir(&fi))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "the directory \"%s\" of \"auth_gateway_store\" "
                           "cannot be used, accepted is a directory that "
                           "the workers can write", directory);
        return NGX_ERROR;
    }

    if (!ngx_http_agw_workers_may_write(cf, &fi, &user)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the directory \"%s\" of \"auth_gateway_store\" "
                           "cannot be written by the worker user \"%s\", "
                           "accepted is a directory that the workers can "
                           "write", directory, user);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * Workers run as `user` (which stands before `http` in any sane file), or,
 * where the master is not root, as the master.
 */

static ngx_int_t
ngx_http_agw_workers_may_write(ngx_conf_t *cf, ngx_file_info_t *fi,
    char **user)
{
    uid_t             uid;
    gid_t             gid, groups[64];
    int               i, ngroups;
    mode_t            need;
    ngx_core_conf_t  *ccf;
    struct passwd    *pwd;

    *user = "";
    ccf = (ngx_core_conf_t *) ngx_get_conf(cf->cycle->conf_ctx,
                                           ngx_core_module);
    uid = geteuid();
    gid = getegid();

    if (uid == 0) {
        *user = ccf->username ? ccf->username : NGX_USER;

        pwd = getpwnam(*user);
        if (pwd == NULL) {
            return 0;
        }

        uid = pwd->pw_uid;
        gid = ccf->username ? ccf->group : pwd->pw_gid;

    } else {
        pwd = getpwuid(uid);
        *user = pwd ? pwd->pw_name : *user;
    }

    if (uid == 0) {
        return 1;
    }

    need = S_IWUSR|S_IXUSR;

    if (fi->st_uid == uid) {
        return (fi->st_mode & need) == need;
    }

    ngroups = sizeof(groups) / sizeof(groups[0]);

    if (getgrouplist(*user, gid, groups, &ngroups) == -1) {
        groups[0] = gid;
        ngroups = 1;
    }

    need = S_IWOTH|S_IXOTH;

    for (i = 0; i < ngroups; i++) {
        if (fi->st_gid == groups[i]) {
            need = S_IWGRP|S_IXGRP;
        }
    }

    return (fi->st_mode & need) == need;
}
