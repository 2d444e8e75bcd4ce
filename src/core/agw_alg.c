
/*
 * One row an algorithm.
 */


#include "agw_alg.h"


static const agw_alg_t  agw_algs[] = {
    { agw_string("HS256"), AGW_KTY_OCT, "SHA256", 32 },
    { agw_string("HS384"), AGW_KTY_OCT, "SHA384", 48 },
    { agw_string("HS512"), AGW_KTY_OCT, "SHA512", 64 },
};


const agw_alg_t *
agw_alg_find(agw_str_t name)
{
    size_t  i;

    for (i = 0; i < sizeof(agw_algs) / sizeof(agw_algs[0]); i++) {
        if (agw_str_eq(agw_algs[i].name, name)) {
            return &agw_algs[i];
        }
    }

    return NULL;
}
