
#include "agw_grammar.h"
#include "agw_url.h"


int
agw_url_split(agw_str_t url, agw_str_t *origin, agw_str_t *path)
{
    size_t                  i, authority;
    unsigned char           c;
    static const agw_str_t  https = agw_string("https://");

    if (!agw_str_begins(url, https)) {
        return -1;
    }

    authority = 0;

    for (i = https.len; i < url.len; i++) {
        c = url.data[i];

        if (c <= 0x20 || c >= 0x7f || c == '?' || c == '#' || c == '@'
            || c == '"' || c == '\\' || c == '<' || c == '>')
        {
            return -1;
        }

        if (c == '/' && authority == 0) {
            authority = i;
        }
    }

    if (authority == 0) {
        authority = url.len;
    }

    origin->data = url.data;
    origin->len = authority;

    path->data = url.data + authority;
    path->len = url.len - authority;

    return authority > https.len ? 0 : -1;
}


int
agw_url_resource(agw_str_t resource, agw_str_t origin, agw_str_t *path)
{
    size_t         i;
    agw_str_t      head;
    unsigned char  c;

    if (origin.len == 0 || resource.len <= origin.len
        || resource.data[origin.len] != '/')
    {
        return -1;
    }

    head = resource;
    head.len = origin.len;

    if (!agw_same_nocase(head, origin)) {
        return -1;
    }

    for (i = origin.len; i < resource.len; i++) {
        c = resource.data[i];

        if (c <= 0x20 || c >= 0x7f || c == '?' || c == '#') {
            return -1;
        }
    }

    path->data = resource.data + origin.len;
    path->len = resource.len - origin.len;

    return 0;
}
