
/*
 * A master that runs as root can read and write anywhere, but its workers
 * cannot.  So what the master checks or creates for them is done in a child
 * process with the user and groups of a worker.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <grp.h>
#include <poll.h>

#include "ngx_http_agw_worker_access.h"


/* the user and group that the workers will run as */

typedef struct {
    const char  *name;
    uid_t        uid;
    gid_t        gid;
} ngx_http_agw_worker_user_t;


static ngx_uint_t ngx_http_agw_worker_user(ngx_cycle_t *cycle,
    ngx_http_agw_worker_user_t *user);
static void ngx_http_agw_worker_child(ngx_cycle_t *cycle, ngx_log_t *log,
    ngx_http_agw_run_as_worker_pt handler, void *data, int fd);
static ngx_int_t ngx_http_agw_become_worker(ngx_cycle_t *cycle,
    ngx_log_t *log);
static ngx_int_t ngx_http_agw_wait_for_child(ngx_pid_t pid, int fd,
    ngx_uint_t seconds, ngx_log_t *log);


const char *
ngx_http_agw_worker_name(ngx_cycle_t *cycle)
{
    size_t                       len;
    u_char                      *name;
    struct passwd               *pwd;
    ngx_http_agw_worker_user_t   user;

    if (!ngx_http_agw_worker_user(cycle, &user)) {
        pwd = getpwuid(user.uid);
        user.name = pwd ? pwd->pw_name : NULL;
    }

    len = user.name ? ngx_strlen(user.name) : NGX_INT64_LEN;

    name = ngx_pnalloc(cycle->pool, len + 1);
    if (name == NULL) {
        return NULL;
    }

    if (user.name != NULL) {
        ngx_cpystrn(name, (u_char *) user.name, len + 1);

    } else {
        *ngx_sprintf(name, "%ud", (uint32_t) user.uid) = '\0';
    }

    return (const char *) name;
}


/*
 * Sets *user, and returns 1 if it differs from the master's: then it is that
 * of the directive "user", which has to precede "http", or nginx's default.
 */

static ngx_uint_t
ngx_http_agw_worker_user(ngx_cycle_t *cycle, ngx_http_agw_worker_user_t *user)
{
    struct group     *grp;
    struct passwd    *pwd;
    ngx_core_conf_t  *ccf;

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    user->name = NULL;
    user->uid = geteuid();
    user->gid = getegid();

    if (user->uid != 0 || ccf->master == 0) {
        return 0;
    }

    if (ccf->username != NULL) {
        user->name = ccf->username;
        user->uid = ccf->user;
        user->gid = ccf->group;
        return 1;
    }

    /* nginx itself refuses a user that does not exist */

    pwd = getpwnam(NGX_USER);
    grp = getgrnam(NGX_GROUP);

    user->name = NGX_USER;
    user->uid = pwd ? pwd->pw_uid : (uid_t) -1;
    user->gid = grp ? grp->gr_gid : (gid_t) -1;

    return 1;
}


ngx_int_t
ngx_http_agw_run_as_worker(ngx_cycle_t *cycle, ngx_log_t *log,
    ngx_http_agw_run_as_worker_pt handler, void *data, ngx_uint_t seconds)
{
    int        fd[2];
    sigset_t   all, saved;
    ngx_int_t  rc;
    ngx_pid_t  pid;

    if (pipe(fd) == -1) {
        ngx_log_error(NGX_LOG_ALERT, log, ngx_errno, "pipe() failed");
        return NGX_ABORT;
    }

    /* otherwise nginx's SIGCHLD handler would reap the child */

    sigfillset(&all);
    (void) sigprocmask(SIG_BLOCK, &all, &saved);

    pid = fork();

    if (pid == 0) {
        (void) close(fd[0]);
        ngx_http_agw_worker_child(cycle, log, handler, data, fd[1]);
    }

    if (pid == -1) {
        ngx_log_error(NGX_LOG_ALERT, log, ngx_errno, "fork() failed");
    }

    (void) close(fd[1]);

    rc = (pid == -1) ? NGX_ABORT
                     : ngx_http_agw_wait_for_child(pid, fd[0], seconds, log);

    (void) close(fd[0]);

    (void) sigprocmask(SIG_SETMASK, &saved, NULL);

    return rc;
}


/* does not return: _exit() skips what the master has registered for exit() */

static void
ngx_http_agw_worker_child(ngx_cycle_t *cycle, ngx_log_t *log,
    ngx_http_agw_run_as_worker_pt handler, void *data, int fd)
{
    signed char  result;

    ngx_pid = ngx_getpid();

    result = (signed char) ngx_http_agw_become_worker(cycle, log);

    if (result == NGX_OK) {
        result = (signed char) handler(data);
    }

    _exit(write(fd, &result, 1) != 1);
}


/* as ngx_worker_process_init(); the rest is inherited from the master */

static ngx_int_t
ngx_http_agw_become_worker(ngx_cycle_t *cycle, ngx_log_t *log)
{
    ngx_http_agw_worker_user_t  user;

    if (!ngx_http_agw_worker_user(cycle, &user)) {
        return NGX_OK;
    }

    if (setgid(user.gid) == -1) {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      "setgid(%d) failed", (int) user.gid);
        return NGX_ERROR;
    }

    if (initgroups(user.name, user.gid) == -1) {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      "initgroups(%s, %d) failed", user.name, (int) user.gid);
    }

    if (setuid(user.uid) == -1) {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      "setuid(%d) failed", (int) user.uid);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_agw_wait_for_child(ngx_pid_t pid, int fd, ngx_uint_t seconds,
    ngx_log_t *log)
{
    int            n, status;
    ngx_uint_t     i;
    signed char    result;
    struct pollfd  pfd;

    pfd.fd = fd;
    pfd.events = POLLIN;

    n = poll(&pfd, 1, (int) seconds * 1000);

    if (n == 1 && read(fd, &result, 1) == 1) {
        (void) waitpid(pid, &status, 0);
        return result;
    }

    if (n != 1) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "auth_gateway: process %P that opens the store is "
                      "killed: no answer within %ui s", pid, seconds);

        (void) kill(pid, SIGKILL);
    }

    /* a child that waits for a disk cannot be killed: nginx reaps it later */

    status = 0;

    for (i = 0; i < 100 && waitpid(pid, &status, WNOHANG) == 0; i++) {
        ngx_msleep(10);
    }

    if (n == 1) {
        ngx_log_error(NGX_LOG_ALERT, log, 0,
                      "auth_gateway: process %P that opens the store exited "
                      "on signal %d", pid, WTERMSIG(status));
    }

    return NGX_ABORT;
}
