
/*
 * A module of somebody else's that takes a location over: before the access
 * phase, with another content handler than the one that the configuration
 * has, or with none, so that nginx serves a file.
 *
 *     other_handler answer | none;
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


typedef struct {
    ngx_uint_t                how;
} ngx_http_other_conf_t;


#define NGX_HTTP_OTHER_ANSWER  1
#define NGX_HTTP_OTHER_NONE    2


static void *ngx_http_other_create_conf(ngx_conf_t *cf);
static char *ngx_http_other_merge_conf(ngx_conf_t *cf, void *parent,
    void *child);
static ngx_int_t ngx_http_other_init(ngx_conf_t *cf);
static ngx_int_t ngx_http_other_take_over(ngx_http_request_t *r);
static ngx_int_t ngx_http_other_answer(ngx_http_request_t *r);


static ngx_conf_enum_t  ngx_http_other_how[] = {
    { ngx_string("answer"), NGX_HTTP_OTHER_ANSWER },
    { ngx_string("none"), NGX_HTTP_OTHER_NONE },
    { ngx_null_string, 0 }
};


static ngx_command_t  ngx_http_other_commands[] = {

    { ngx_string("other_handler"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_other_conf_t, how),
      ngx_http_other_how },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_other_ctx = {
    .postconfiguration = ngx_http_other_init,
    .create_loc_conf = ngx_http_other_create_conf,
    .merge_loc_conf = ngx_http_other_merge_conf
};


ngx_module_t  ngx_http_other_handler_module = {
    NGX_MODULE_V1,
    &ngx_http_other_ctx,
    ngx_http_other_commands,
    NGX_HTTP_MODULE,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    NGX_MODULE_V1_PADDING
};


/* what nginx's configure writes for a dynamic module */

ngx_module_t  *ngx_modules[] = { &ngx_http_other_handler_module, NULL };
char          *ngx_module_names[] = { "ngx_http_other_handler_module", NULL };
char          *ngx_module_order[] = { NULL };


static void *
ngx_http_other_create_conf(ngx_conf_t *cf)
{
    ngx_http_other_conf_t  *conf;

    conf = ngx_palloc(cf->pool, sizeof(ngx_http_other_conf_t));

    if (conf != NULL) {
        conf->how = NGX_CONF_UNSET_UINT;
    }

    return conf;
}


static char *
ngx_http_other_merge_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_other_conf_t  *prev = parent;
    ngx_http_other_conf_t  *conf = child;

    ngx_conf_merge_uint_value(conf->how, prev->how, 0);

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_other_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_PREACCESS_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_other_take_over;

    return NGX_OK;
}


static ngx_int_t
ngx_http_other_take_over(ngx_http_request_t *r)
{
    ngx_http_other_conf_t  *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_http_other_handler_module);

    switch (conf->how) {

    case NGX_HTTP_OTHER_ANSWER:
        r->content_handler = ngx_http_other_answer;
        break;

    case NGX_HTTP_OTHER_NONE:
        r->content_handler = NULL;
        break;
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_other_answer(ngx_http_request_t *r)
{
    ngx_str_t                 type;
    ngx_http_complex_value_t  value;

    ngx_str_set(&type, "text/plain");
    ngx_memzero(&value, sizeof(ngx_http_complex_value_t));
    ngx_str_set(&value.value, "somebody else's\n");

    return ngx_http_send_response(r, NGX_HTTP_OK, &type, &value);
}
