
/*
 * nginx's own functions for this are static, or end the request that they fail
 * for.  What they look in is public.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_http.h>

#include "ngx_http_agw_place.h"


static ngx_http_addr_conf_t *ngx_http_agw_address(ngx_uint_t i,
    ngx_uint_t n);
static ngx_http_core_srv_conf_t *ngx_http_agw_server_of_name(
    ngx_http_request_t *r, const ngx_http_addr_conf_t *conf,
    ngx_str_t *name);
static ngx_int_t ngx_http_agw_find_static(ngx_http_request_t *r,
    const ngx_http_location_tree_node_t *node);


/*
 * The first address with that name; of those with TLS, or without, as it was
 * asked.  A server that is alone on its address answers any name, and nginx
 * keeps only the first of its own: so if none has the name, it is the default
 * server of the first such address.
 */

ngx_http_core_srv_conf_t *
ngx_http_agw_find_server(ngx_http_request_t *r, agw_str_t asked,
    ngx_uint_t https, ngx_uint_t *named)
{
    ngx_str_t                  name;
    ngx_uint_t                 i, n, any;
    ngx_http_addr_conf_t      *conf;
    ngx_http_core_srv_conf_t  *cscf, *first;

    *named = 0;

    name.len = asked.len;
    name.data = ngx_pnalloc(r->pool, name.len);

    if (name.data == NULL) {
        return NULL;
    }

    ngx_strlow(name.data, (u_char *) asked.data, name.len);

    first = NULL;

    for (any = 0; any < 2; any++) {
        for (i = 0; i < ngx_cycle->listening.nelts; i++) {
            n = 0;

            while ((conf = ngx_http_agw_address(i, n++)) != NULL) {

                if (conf->ssl != (any ? !https : https)) {
                    continue;
                }

                cscf = ngx_http_agw_server_of_name(r, conf, &name);

                if (cscf != NULL) {
                    *named = 1;
                    return cscf;
                }

                first = first ? first : conf->default_server;
            }
        }
    }

    return first;
}


/* the n-th address of the i-th port of http; NULL: there is none */

static ngx_http_addr_conf_t *
ngx_http_agw_address(ngx_uint_t i, ngx_uint_t n)
{
    ngx_listening_t      *ls;
    ngx_http_port_t      *port;
    ngx_http_in_addr_t   *addr;
#if (NGX_HAVE_INET6)
    ngx_http_in6_addr_t  *addr6;
#endif

    ls = ngx_cycle->listening.elts;
    ls += i;

    if (ls->handler != ngx_http_init_connection) {
        return NULL;
    }

    port = ls->servers;

    if (n >= port->naddrs) {
        return NULL;
    }

#if (NGX_HAVE_INET6)
    if (ls->sockaddr->sa_family == AF_INET6) {
        addr6 = port->addrs;
        return &addr6[n].conf;
    }
#endif

    addr = port->addrs;
    return &addr[n].conf;
}


static ngx_http_core_srv_conf_t *
ngx_http_agw_server_of_name(ngx_http_request_t *r,
    const ngx_http_addr_conf_t *conf, ngx_str_t *name)
{
    ngx_http_core_srv_conf_t  *cscf;
    ngx_http_virtual_names_t  *names;
#if (NGX_PCRE)
    ngx_uint_t                 i;
#endif

    names = conf->virtual_names;

    if (names != NULL) {
        cscf = ngx_hash_find_combined(&names->names,
                                      ngx_hash_key(name->data, name->len),
                                      name->data, name->len);
        if (cscf != NULL) {
            return cscf;
        }

#if (NGX_PCRE)
        for (i = 0; i < names->nregex; i++) {
            if (ngx_http_regex_exec(r, names->regex[i].regex, name)
                == NGX_OK)
            {
                return names->regex[i].server;
            }
        }
#endif
    }

    cscf = conf->default_server;

    return cscf->server_name.len == name->len
           && ngx_strncmp(cscf->server_name.data, name->data, name->len) == 0
           ? cscf : NULL;
}


ngx_http_core_srv_conf_t *
ngx_http_agw_find_guarded_server(ngx_http_request_t *r)
{
    ngx_uint_t                  i;
    ngx_http_core_srv_conf_t  **servers;
    ngx_http_agw_srv_conf_t    *sscf;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_core_module);
    servers = cmcf->servers.elts;

    for (i = 0; i < cmcf->servers.nelts; i++) {
        sscf = servers[i]->ctx->srv_conf[
                                 ngx_http_auth_gateway_module.ctx_index];
        if (sscf->guarded) {
            return servers[i];
        }
    }

    return NULL;
}


ngx_int_t
ngx_http_agw_find_location(ngx_http_request_t *r, ngx_uint_t *found)
{
    ngx_int_t                  rc;
#if (NGX_PCRE)
    ngx_int_t                  n;
    ngx_uint_t                 noregex;
    ngx_http_core_loc_conf_t  *clcf, **regex;
#endif
    ngx_http_core_loc_conf_t  *outer;

    outer = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    rc = ngx_http_agw_find_static(r, outer->static_locations);

#if (NGX_PCRE)
    noregex = 0;
#endif

    if (rc == NGX_AGAIN) {
        *found = 1;

#if (NGX_PCRE)
        clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
        noregex = clcf->noregex;
#endif

        rc = ngx_http_agw_find_location(r, found);
    }

    if (rc == NGX_OK || rc == NGX_DONE || rc == NGX_ERROR) {
        *found = 1;
        return rc;
    }

#if (NGX_PCRE)
    for (regex = noregex ? NULL : outer->regex_locations;
         regex != NULL && *regex != NULL;
         regex++)
    {
        n = ngx_http_regex_exec(r, (*regex)->regex, &r->uri);

        if (n == NGX_OK) {
            *found = 1;
            r->loc_conf = (*regex)->loc_conf;

            rc = ngx_http_agw_find_location(r, found);

            return rc == NGX_ERROR || rc == NGX_DONE ? rc : NGX_OK;
        }

        if (n == NGX_ERROR) {
            return NGX_ERROR;
        }
    }
#endif

    return rc;
}


/* one tree: below a node, names lack what its own has */

static ngx_int_t
ngx_http_agw_find_static(ngx_http_request_t *r,
    const ngx_http_location_tree_node_t *node)
{
    u_char     *path;
    size_t      left, n;
    ngx_int_t   rc, order;

    path = r->uri.data;
    left = r->uri.len;
    rc = NGX_DECLINED;

    while (node != NULL) {

        n = ngx_min(left, (size_t) node->len);
        order = ngx_filename_cmp(path, (u_char *) node->name, n);

        if (order != 0) {
            node = order < 0 ? node->left : node->right;

        } else if (left > node->len) {

            if (node->inclusive == NULL) {
                node = node->right;
                continue;
            }

            r->loc_conf = node->inclusive->loc_conf;
            rc = NGX_AGAIN;

            path += n;
            left -= n;
            node = node->tree;

        } else if (left == node->len) {

            if (node->exact != NULL) {
                r->loc_conf = node->exact->loc_conf;
                return NGX_OK;
            }

            r->loc_conf = node->inclusive->loc_conf;
            return NGX_AGAIN;

        } else {

            /* nginx answers such a path with a redirect to the same and '/' */

            if (left + 1 == node->len && node->auto_redirect) {
                r->loc_conf = node->exact != NULL
                               ? node->exact->loc_conf
                               : node->inclusive->loc_conf;
                rc = NGX_DONE;
            }

            node = node->left;
        }
    }

    return rc;
}
