# An auth gateway inside nginx.  `make help` says what can be made.
#
# Everything that is generated stays under build/; BUILD=sanitize has a
# directory of its own there.

SHELL         := /bin/bash
.SHELLFLAGS   := -eu -o pipefail -c
.DEFAULT_GOAL := module
.SUFFIXES:
.DELETE_ON_ERROR:

# a variable of ours is not one of nginx's Makefile

MAKEOVERRIDES =


# What may be set: make BUILD=sanitize TESTS="t/rooms.t test_path" test.
# NGINX is run, a file or a name that PATH has, and NGINX_SOURCE is what the
# module is built against: tests are told of the former as AGW_NGINX, for nginx
# itself reads NGINX, and takes it for sockets that it inherits.  Either may be
# in the environment; if it is empty there, it was not given.

BUILD        ?= release
TESTS        ?=
DESTDIR      ?=
PREFIX       ?= /usr/local
FUZZ_SECONDS ?= 20
FUZZ_SEED    ?= 0
FILE         ?=
DOCS         ?=
NGINX        ?=
FUZZ_CC      ?= clang
JOBS         ?= $(or $(shell nproc 2>/dev/null),1)

unexport NGINX

# make takes two words for two files

$(foreach name,NGINX NGINX_SOURCE,$(if $(word 2,$($(name))),\
    $(error $(name) is "$($(name))": it must be a path without spaces)))

ifneq ($(NGINX),)
override NGINX   := $(strip $(if $(findstring /,$(NGINX)),$(abspath $(NGINX)),\
                       $(or $(shell command -v '$(NGINX)'),$(NGINX))))
export AGW_NGINX := $(NGINX)
else
override NGINX   := $(or $(AGW_NGINX),$(shell command -v nginx),/usr/sbin/nginx)
endif

OTHER_SOURCE := $(if $(NGINX_SOURCE),yes)

ifeq ($(origin CC),default)
CC = gcc
endif


# nginx's sources: those of the package nginx-dev, or the same ones where
# t/install.sh --nginx-source unpacks them

ifeq ($(OTHER_SOURCE),)
unexport NGINX_SOURCE
override NGINX_SOURCE := $(patsubst %/configure,%,$(firstword $(wildcard \
               /usr/share/nginx/src/configure \
               $(CURDIR)/build/nginx-dev/$(shell dpkg-query -W \
                   -f '$${Version}' nginx 2>/dev/null | tr : _\
               )/usr/share/nginx/src/configure) \
               /usr/share/nginx/src/configure))
endif


# Debian packages; package/command where any origin of the command will do

DEPS_BUILD := gcc libc6-dev make nginx nginx-dev libssl-dev libjansson-dev \
              libsqlite3-dev libhiredis-dev libcurl4-openssl-dev/curl-config

ifneq ($(OTHER_SOURCE),)
DEPS_BUILD := $(filter-out nginx nginx-dev,$(DEPS_BUILD)) libpcre2-dev \
              zlib1g-dev
endif

DEPS_STATIC := $(sort $(DEPS_BUILD) nginx dpkg-dev/dpkg-source libpcre2-dev \
               zlib1g-dev)
DEPS_RUN   := nginx openssl/openssl curl/curl
DEPS_DEMO  := gcc libc6-dev make libpcre2-dev zlib1g-dev libssl-dev \
              libjansson-dev libsqlite3-dev libhiredis-dev \
              libcurl4-openssl-dev/curl-config $(DEPS_RUN)
DEPS_FLEET := $(DEPS_DEMO) redis-tools/redis-server
DEPS_TEST  := $(DEPS_RUN) sqlite3/sqlite3 libcmocka-dev perl libwww-perl \
              liblwp-protocol-https-perl libio-socket-ssl-perl \
              libcrypt-jwt-perl libjson-perl libprotocol-http2-perl \
              python3 python3-requests \
              nodejs/node valgrind/valgrind libfaketime \
              redis-tools/redis-server apache2-utils/ab prometheus/promtool \
              gdb/gdb mandoc/mandoc groff-base/groff
DEPS_CLIENTS := python3 python3-authlib python3-cryptography python3-jwt \
                python3-requests
DEPS_NODE  := nodejs/node npm/npm
DEPS_BROWSER := chromium/chromium
DEPS_DEB   := build-essential debhelper dpkg-dev/dpkg-buildpackage lintian/lintian
DEPS_LINT  := clang-format/clang-format cppcheck/cppcheck \
              shellcheck/shellcheck perl
DEPS_BENCH := $(DEPS_RUN) sqlite3/sqlite3 wrk/wrk valgrind/valgrind \
              gnuplot-nox/gnuplot util-linux/taskset perl \
              libcrypt-jwt-perl libjson-perl
DEPS_FUZZ  := clang/clang libclang-rt-dev llvm/llvm-symbolizer libssl-dev \
              libjansson-dev


# The two builds.  nginx's own flags have -W -Wall -Werror; what is added here
# is also used by nginx's configure for its probes, which do not bear -Werror.

WARNINGS := -Wall -Wextra -Wmissing-prototypes -Wstrict-prototypes -Wvla

ifeq ($(BUILD),release)

BUILD_DIR := build
CC_OPT    := -O2 -g -fstack-protector-strong -D_FORTIFY_SOURCE=2 -Wformat \
             -Werror=format-security
LD_OPT    := -Wl,-z,relro -Wl,-z,now -Wl,-Bsymbolic-functions

else ifeq ($(BUILD),sanitize)

BUILD_DIR := build/sanitize
SANITIZE  := -fsanitize=address,undefined -fno-sanitize-recover=undefined
CC_OPT    := -O1 -g -fno-omit-frame-pointer $(SANITIZE) \
             -Wno-error=maybe-uninitialized
LD_OPT    := $(SANITIZE)

# A stock nginx has no sanitizer in it, so whoever starts one preloads these.
# Leaks are not looked for there: nginx leaves its pools to exit().  The unit
# tests do look for them.

AGW_PRELOAD   := $(shell for lib in asan ubsan; do \
                     realpath "$$($(CC) -print-file-name=lib$$lib.so)"; \
                 done | paste -s -d :)
ASAN_OPTIONS  := detect_leaks=0:abort_on_error=0
UBSAN_OPTIONS := print_stacktrace=1

export AGW_PRELOAD ASAN_OPTIONS UBSAN_OPTIONS

else
$(error BUILD is "$(BUILD)": release and sanitize are known)
endif


# nginx's configure and Makefile quote no path.

ifneq ($(shell pwd | LC_ALL=C tr -d 'A-Za-z0-9._/+,@\200-\377\n-'),)
$(error nginx cannot be built for a module in "$(CURDIR)": move it to a path \
without spaces and shell characters)
endif


NAME    := ngx_http_auth_gateway_module
MODULE  := $(BUILD_DIR)/$(NAME).so
NGX_DIR := $(BUILD_DIR)/nginx

# An nginx that has the module in it has its name, too, as a string.  It is not
# built once more to be tested, and its objects are beside it, if it is where it
# was linked.

STATIC  := $(shell grep -qzx $(NAME) '$(NGINX)' 2>/dev/null && echo yes)
OBJECTS := $(or $(if $(STATIC),$(patsubst %/ngx_auto_config.h,%,$(wildcard \
               $(dir $(abspath $(NGINX)))ngx_auto_config.h))),$(NGX_DIR))
TESTED  := $(if $(STATIC),,$(MODULE))

SOURCES := $(sort $(wildcard src/*.[ch] src/*/*.[ch] src/*/*/*.[ch]))
HEADERS := $(filter %.h,$(SOURCES))
COMMAND := $(filter src/cli/%,$(SOURCES))
CORE    := $(filter src/core/%.c,$(SOURCES))

# every folder that has sources in it, for -I

FOLDERS := $(sort $(patsubst %/,%,$(dir $(SOURCES))))
IN_CORE := $(addprefix -I,$(filter src/core%,$(FOLDERS)))

export AGW_MODULE  := $(if $(STATIC),$(abspath $(NGINX)),$(CURDIR)/$(MODULE))
export AGW_BUILD   := $(CURDIR)/$(BUILD_DIR)
export AGW_OBJECTS := $(abspath $(OBJECTS))

.PHONY: FORCE
FORCE:


##@ Use

.PHONY: module
module: $(MODULE) command  ## build the module and the command (plain `make`)

.PHONY: install
install: $(MODULE) command  ## copy the module to nginx's, the command to PREFIX
	@dir=$$($(NGINX) -V 2>&1 \
	        | sed -n 's/.*--modules-path=\([^ ]*\).*/\1/p'); \
	dir=$${dir:-/usr/lib/nginx/modules}; \
	install -D -m 644 $(MODULE) "$(DESTDIR)$$dir/$(NAME).so"; \
	echo "installed; in nginx.conf: load_module $$dir/$(NAME).so;"
	@$(if $(HAS_CURL), \
	    install -D -m 755 $(CLI) "$(DESTDIR)$(PREFIX)/bin/auth-gateway"; \
	    install -D -m 644 $(CLI).1 \
	        "$(DESTDIR)$(PREFIX)/share/man/man1/auth-gateway.1"; \
	    install -D -m 644 $(CLI).bash \
	        "$(DESTDIR)$(PREFIX)/$(COMPLETIONS)/auth-gateway"; \
	    echo "installed; $(PREFIX)/bin/auth-gateway and its manual page")

.PHONY: deb
deb:  ## install what is missing, build Debian packages into build/
	@$(call need,$(DEPS_BUILD) $(DEPS_DEB))
	@$(MAKE) --no-print-directory deb-build

.PHONY: run
run:  ## install what is missing, build, start the demo, walk through it
	@NGINX_SOURCE='$(NGINX_SOURCE)' t/install.sh --nginx-source \
	    $(sort $(DEPS_DEMO))
	@$(if $(filter 1,$(DOCS)),$(call need,$(DEPS_NODE)) \
	    || echo "no npm: the demo goes without docs")
	@echo "building the module and the command line"
	@$(MAKE) --no-print-directory module
	@DOCS='$(DOCS)' t/demo/run.sh

.PHONY: run-fleet
run-fleet:  ## install what is missing, build, show three nginx on one Redis
	@NGINX_SOURCE='$(NGINX_SOURCE)' t/install.sh --nginx-source \
	    $(sort $(DEPS_FLEET))
	@echo "building the module and the command line"
	@$(MAKE) --no-print-directory module
	@t/demo/fleet.sh

.PHONY: stop
stop:  ## end the demos
	@t/demo/stop.sh

.PHONY: deps
deps:  ## install what the build, the demo and the tests need (apt-get)
	@$(call need,$(DEPS_BUILD) $(DEPS_RUN) $(DEPS_TEST))


##@ Development

.PHONY: test
test:  ## install what is missing, build, run all tests (or TESTS="t/x.t test_y")
	@$(call need,$(DEPS_BUILD) $(DEPS_RUN) $(DEPS_TEST))
	@$(MAKE) --no-print-directory check

# The longest begin first: at the end one of them would run alone.

FIRST := t/valgrind.t t/fleet_history.t t/revocation_history.t \
         t/revocation_lifetime.t t/revocation_room.t

# Tests of what endpoints answer, which are run once more with a store in Redis.

ON_REDIS := $(patsubst %,t/%.t,partner_token business_token revoke \
                revoke_callers introspect owner reasons layer_errors \
                variables intercept_errors issuers preflight \
                log_invalid_client cache_endpoints params_client_secret \
                bodies_given_up bodies_unread endpoints key_reload admin \
                admin_refused admin_credentials client_auth assertions \
                assertions_ed25519 metrics_admin \
                cli_commands operator_day \
                admin_race admin_import admin_log admin_last_used)

.PHONY: check
check: loads command unit  ## run the same tests, without installing anything
	@prove -j2 $(if $(TESTS),$(PICKED),$(FIRST) \
	    $(filter-out $(FIRST),$(sort $(wildcard t/*.t))) $(UNIT))
	@$(if $(TESTS),,AGW_STORE=redis prove -j2 $(ON_REDIS))

.PHONY: check-planted
check-planted: module  ## faults that are planted into a fleet are found
	@perl t/planted/run.pl build/planted $(PLANTED)

.PHONY: test-clients
test-clients:  ## run clients of Python, Node and Chromium (a large install)
	@$(call need,$(DEPS_BUILD) $(DEPS_CLIENTS) \
	    $(filter-out $(DEPS_NODE),$(DEPS_TEST)))
	@( $(call need,$(DEPS_NODE)) ) || echo "no node or npm to be installed"
	@( $(call need,$(DEPS_BROWSER)) ) || echo "no Chromium to be installed"
	@$(MAKE) --no-print-directory clients-check

.PHONY: check-packages
check-packages:  ## build and try the packages in bare Debians 12 and 13
	@$(call need,debootstrap iproute2/ip $(DEPS_TEST))
	@prove -v t/packages

.PHONY: lint
lint:  ## check form, cppcheck, each header compiled alone, scripts
	@$(call need,$(DEPS_BUILD) $(DEPS_LINT) $(DEPS_TEST))
	@$(MAKE) --no-print-directory lint-check

.PHONY: fuzz
fuzz:  ## run each fuzzer for FUZZ_SECONDS=20 (libFuzzer, ASan, UBSan)
	@$(call need,$(DEPS_FUZZ))
	@$(MAKE) --no-print-directory $(FUZZ_AT_ONCE) fuzz-check

.PHONY: vectors
vectors:  ## verify the test vectors of FILE=, in Wycheproof's format
	@$(call need,$(DEPS_BUILD))
	@$(MAKE) --no-print-directory vectors-check

.PHONY: bench
bench:  ## measure speed and memory (BENCH=quick for a smoke run)
	@$(call need,$(DEPS_BUILD) $(DEPS_BENCH))
	@$(MAKE) --no-print-directory bench-check

.PHONY: clean
clean:  ## end the demo and remove build/
	@if [ -e build ]; then AGW_BUILD='$(CURDIR)/build' t/demo/stop.sh --quiet; fi
	rm -rf build

.PHONY: help
help:  ## print this list
	@awk -F ':.*  ## ' \
	    '/^##@ /   { printf "\n%s\n", substr($$0, 5) } \
	     /^[a-z-]+:.*  ## / { printf "  %-14s %s\n", $$1, $$2 }' Makefile
	@printf '\nBUILD=sanitize builds and tests under ASan and UBSan: %s\n' \
	    'make BUILD=sanitize test'


# installs those of the packages $(1) that are missing

need = t/install.sh $(sort $(1))


# The module, built by nginx's own configure and Makefile.  The plan is what
# the configuration was made of; a new file, flag, nginx or place changes it.

PLAN := $(NGX_DIR)/plan

define plan
mkdir -p $(@D); \
{ printf '%s\n' '$(filter-out $(COMMAND),$(SOURCES))' '$(CC)' '$(CC_OPT)' \
      '$(LD_OPT)' '$(WARNINGS)' '$(1)' '$(CURDIR)'; \
  '$(NGINX)' -V 2>&1 || true; \
  cksum config '$(1)'/conf_flags '$(1)'/src/core/nginx.h 2>&1 || true; \
} > $@.new; \
cmp -s $@.new $@ && rm $@.new || mv $@.new $@
endef

$(PLAN): FORCE
	@$(call plan,$(NGINX_SOURCE))

# nginx's configure, for $(1), a folder of sources, with $(2), the flag that adds
# this module.  It writes beside the sources, so it runs in a folder of links to
# them.  Debian's package has the flags of modules in a file; another nginx says
# itself what it was configured with.  Of that, other modules are left out, and
# for a library what makes an executable one that can be moved, or not;
# _FORTIFY_SOURCE is among our own flags.

define configure
if ! [ -e '$(1)/configure' ] && ! [ -e '$(1)/auto/configure' ]; then \
    echo "no nginx source in $(1): apt-get install nginx-dev" >&2; \
    exit 1; \
fi; \
rm -rf $(@D)/source; mkdir $(@D)/source; \
for file in '$(abspath $(1))'/*; do \
    case $$file in */Makefile | */objs) ;; *) ln -s "$$file" $(@D)/source ;; \
    esac; \
done; \
cd $(@D)/source; \
unset CFLAGS; export ASAN_OPTIONS=detect_leaks=0; \
echo "configuring in $(@D) for nginx $$(sed -n \
    's/#define NGINX_VERSION  *"\(.*\)"/\1/p' src/core/nginx.h)"; \
NGX_CONF_FLAGS=(); cc_opt=; ld_opt=; \
if [ $(2) = --add-dynamic-module ] && [ -f conf_flags ]; then \
    source ./conf_flags; \
else \
    eval "given=($$('$(NGINX)' -V 2>&1 \
                    | sed -n 's/^configure arguments: //p'))"; \
    for flag in "$${given[@]}"; do \
        case $$flag in \
            *=dynamic | --add-* | --builddir=* | --with-cc=*) continue ;; \
            --with-cc-opt=*) cc_opt=$${flag#*=}; continue ;; \
            --with-ld-opt=*) ld_opt=$${flag#*=}; continue ;; \
        esac; \
        if [[ $$flag == --with-*=* && -d '$(abspath $(1))'/$${flag#*=} ]]; then \
            flag=$${flag%%=*}='$(abspath $(1))'/$${flag#*=}; \
        fi; \
        NGX_CONF_FLAGS+=("$$flag"); \
    done; \
    cc_opt=$$(sed -E 's/(^| +)(-Wp,)?-[DU]_FORTIFY_SOURCE(=.)?\>//g' \
                  <<<"$$cc_opt"); \
    if [ $(2) = --add-dynamic-module ]; then \
        cc_opt=$$(sed -E 's/(^| +)-f(no-)?(PIE|pie)\>//g' <<<"$$cc_opt"); \
        ld_opt=$$(sed -E 's/(^| +)-f?(no-)?(PIE|pie)\>//g' <<<"$$ld_opt"); \
    fi; \
fi; \
if [ $${#NGX_CONF_FLAGS[@]} = 0 ]; then \
    NGX_CONF_FLAGS=(--with-compat --with-threads --with-http_ssl_module \
                    --with-http_v2_module); \
fi; \
configure=configure; \
if ! [ -e configure ]; then configure=auto/configure; fi; \
sh ./$$configure "$${NGX_CONF_FLAGS[@]}" --with-cc='$(CC)' \
    --with-cc-opt="$$cc_opt $(CC_OPT) $(3)" --with-ld-opt="$$ld_opt $(LD_OPT)" \
    --builddir='$(CURDIR)/$(@D)' $(2)='$(CURDIR)' \
    >'$(CURDIR)/$(@D)/configure.log' 2>&1 \
|| { tail -n 6 '$(CURDIR)/$(@D)/configure.log' >&2; exit 1; }
endef

$(NGX_DIR)/Makefile: $(PLAN)
	@$(call configure,$(NGINX_SOURCE),--add-dynamic-module,\
	    $(WARNINGS) -Wno-unused-parameter)

$(MODULE): $(NGX_DIR)/Makefile FORCE
	@$(MAKE) --no-print-directory $(JOBS_FLAG) $(if $(V),,-s) \
	    -C $(NGX_DIR)/source -f '$(CURDIR)/$(NGX_DIR)/Makefile' modules
	@cmp -s $(NGX_DIR)/$(NAME).so $@ \
	|| { cp $(NGX_DIR)/$(NAME).so $@.new; mv $@.new $@; echo "built $@"; }

# A module of another nginx than that which is run fails every test: nginx says
# why, once.  If it does not run, nothing is built for it.

.PHONY: loads runs
runs:
	@'$(NGINX)' -v >/dev/null 2>&1 \
	|| { echo 'NGINX=$(NGINX) does not run' >&2; exit 1; }

loads: runs $(TESTED)
	@$(if $(TESTED),mkdir -p $(BUILD_DIR)/loads; \
	printf '%s\n' 'load_module $(CURDIR)/$(MODULE);' 'events {}' \
	    'error_log stderr;' 'pid $(CURDIR)/$(BUILD_DIR)/loads/pid;' \
	    > $(BUILD_DIR)/loads/nginx.conf; \
	LD_PRELOAD='$(AGW_PRELOAD)' '$(NGINX)' -t -q -e stderr \
	    -c '$(CURDIR)/$(BUILD_DIR)/loads/nginx.conf' \
	|| { echo 'NGINX=$(NGINX) does not load the module that was built with' \
	         'NGINX_SOURCE=$(NGINX_SOURCE)' >&2; exit 1; })


# An nginx that has the module in it: of NGINX_SOURCE, or else of Debian's own
# source package of the installed version.  `make test NGINX=... NGINX_SOURCE=...`
# tests it.

STATIC_DIR    := build/static
STATIC_NGINX  := $(STATIC_DIR)/nginx
STATIC_SOURCE := $(if $(OTHER_SOURCE),$(NGINX_SOURCE),$(STATIC_DIR)/debian)

.PHONY: static static-build static-source static-check
static:  ## build an nginx that has the module in it: build/static/nginx
	@$(call need,$(DEPS_STATIC))
	@$(MAKE) --no-print-directory static-source
	@$(MAKE) --no-print-directory static-build

static-source:
	@$(if $(OTHER_SOURCE),,t/nginx_source.sh $(STATIC_SOURCE))

static-build: $(STATIC_DIR)/Makefile
	@$(MAKE) --no-print-directory $(JOBS_FLAG) $(if $(V),,-s) \
	    -C $(STATIC_DIR)/source -f '$(CURDIR)/$(STATIC_DIR)/Makefile' binary
	@echo "built $(STATIC_NGINX): make test NGINX=$(STATIC_NGINX)" \
	    "NGINX_SOURCE=$(STATIC_SOURCE)"

$(STATIC_DIR)/plan: FORCE
	@$(call plan,$(STATIC_SOURCE))

$(STATIC_DIR)/Makefile: $(STATIC_DIR)/plan
	@$(call configure,$(STATIC_SOURCE),--add-module)

# without a -j of the caller's, nginx's part still uses every core

JOBS_FLAG = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(JOBS))


# The command line, a program of its own, and its manual page and completion in
# bash, which it writes out of the same tables as its help.  Of core/ it links
# what it calls.

COMPLETIONS := share/bash-completion/completions

CLI        := $(BUILD_DIR)/auth-gateway
CLI_DIR    := $(BUILD_DIR)/cli
CLI_CFLAGS := -std=gnu11 $(CC_OPT) $(WARNINGS) -Werror -fPIE $(IN_CORE) \
              -Isrc/cli -MMD -MP
CLI_OBJS   := $(patsubst src/%.c,$(CLI_DIR)/%.o,$(filter %.c,$(COMMAND)))
CLI_CORE   := $(CORE:src/%.c=$(CLI_DIR)/%.o)

# asked once, and only where somebody wants to know

HAS_CURL = $(eval HAS_CURL := $$(shell \
               echo 'int main(void) { return (int) curl_global_init(0); }' \
               | $(CC) -include curl/curl.h -o /dev/null -x c - -lcurl \
                   2>/dev/null && echo yes))$(HAS_CURL)

.PHONY: command
command:  ## build the command line (libcurl), its manual page, completion
	@$(if $(HAS_CURL),$(MAKE) -s --no-print-directory $(JOBS_FLAG) $(CLI).1 \
	    $(CLI).bash,\
	    echo "no libcurl: the command auth-gateway is left out" \
	         "(apt-get install libcurl4-openssl-dev)")

$(CLI_DIR)/flags: FORCE
	@mkdir -p $(sort $(dir $(CLI_OBJS) $(CLI_CORE)))
	@echo '$(CC) $(CLI_CFLAGS) $(LD_OPT) $(COMMAND) $(CORE)' > $@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(CLI_DIR)/%.o: src/%.c $(CLI_DIR)/flags
	@$(CC) $(CLI_CFLAGS) -c -o $@ $<

$(CLI_DIR)/core.a: $(CLI_CORE)
	@rm -f $@ && $(AR) rcs $@ $(CLI_CORE)

$(CLI): $(CLI_OBJS) $(CLI_DIR)/core.a
	@$(CC) $(CC_OPT) -pie $(LD_OPT) -o $@ $(CLI_OBJS) $(CLI_DIR)/core.a \
	    -lcurl -ljansson -lcrypto
	@echo "built $@"

$(CLI).1: $(CLI)
	@$< help --mdoc > $@.new
	@mv $@.new $@

$(CLI).bash: $(CLI)
	@$< help --bash > $@.new
	@mv $@.new $@

-include $(wildcard $(CLI_DIR)/*/*.d $(CLI_DIR)/*/*/*.d)


# Unit tests: t/unit/test_*.c, each linked with core/ alone.  The library is
# linked whole and with -z defs first, which fails if core/ needs nginx.
# cmocka and leak detection are told what to do in a wrapper, so that a test
# is run in the same way by hand and by prove.

UNIT_DIR    := $(BUILD_DIR)/unit
UNIT_CFLAGS := -std=gnu11 $(CC_OPT) $(WARNINGS) -Werror $(IN_CORE) -MMD -MP
UNIT_LIBS   := -ljansson -lcrypto
UNIT_SRCS   := $(wildcard t/unit/test_*.c)
UNIT        := $(UNIT_SRCS:t/unit/%.c=$(UNIT_DIR)/%)
UNIT_CORE   := $(CORE:src/core/%.c=$(UNIT_DIR)/core/%.o)

PICKED = $(foreach test,$(TESTS),$(if $(filter test_%,$(notdir $(test))),\
             $(UNIT_DIR)/$(basename $(notdir $(test))),$(test)))

.PHONY: unit
unit: $(UNIT)

$(UNIT_DIR)/flags: FORCE
	@mkdir -p $(sort $(dir $(UNIT_CORE)))
	@echo '$(CC) $(UNIT_CFLAGS) $(LD_OPT) $(CORE)' > $@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(UNIT_DIR)/core/%.o: src/core/%.c $(UNIT_DIR)/flags
	@$(CC) $(UNIT_CFLAGS) -fPIC -c -o $@ $<

$(UNIT_DIR)/libagw.so: $(UNIT_CORE)
	@$(CC) -shared $(LD_OPT) -Wl,-z,defs -o $@ $(UNIT_CORE) $(UNIT_LIBS)

$(UNIT_DIR)/libagw.a: $(UNIT_CORE) $(UNIT_DIR)/libagw.so
	@rm -f $@ && $(AR) rcs $@ $(UNIT_CORE)

$(UNIT_DIR)/%.bin: t/unit/%.c $(UNIT_DIR)/libagw.a $(UNIT_DIR)/flags
	@$(CC) $(UNIT_CFLAGS) $(LD_OPT) -o $@ $< $(UNIT_DIR)/libagw.a \
	    -lcmocka $(UNIT_LIBS)

$(UNIT_DIR)/%: $(UNIT_DIR)/%.bin
	@printf '#!/bin/sh\n%s=TAP %s=%s exec "$$0.bin"\n' \
	    CMOCKA_MESSAGE_OUTPUT ASAN_OPTIONS detect_leaks=1 > $@
	@chmod +x $@

.SECONDARY:

-include $(wildcard $(UNIT_DIR)/*.d $(UNIT_CORE:.o=.d))


# Test vectors, which somebody else publishes: the file is not part of this.

VECTORS := $(BUILD_DIR)/vectors

unit: $(VECTORS)

$(VECTORS): t/vectors/vectors.c $(UNIT_DIR)/libagw.a $(UNIT_DIR)/flags
	@$(CC) $(UNIT_CFLAGS) $(LD_OPT) -MF $(UNIT_DIR)/vectors.d -o $@ $< \
	    $(UNIT_DIR)/libagw.a $(UNIT_LIBS)

.PHONY: vectors-check
vectors-check: $(VECTORS)
	@$(if $(SANITIZE),ASAN_OPTIONS=detect_leaks=1) $< '$(FILE)'


# What tests preload into nginx: plain in either build, for a sanitizer has its
# own ways to the C library, which lead through these.

PRELOADED := $(patsubst t/lib/%.c,$(BUILD_DIR)/lib/%.so,$(wildcard t/lib/*.c))

unit: $(PRELOADED)

$(BUILD_DIR)/lib/%.so: t/lib/%.c $(UNIT_DIR)/flags
	@mkdir -p $(BUILD_DIR)/lib
	@$(CC) -std=gnu11 -O2 -g $(WARNINGS) -Werror -fPIC -shared -o $@ $< -ldl


# Modules of nginx that stand beside ours in a test.

NGX_INCS := $(addprefix -I$(NGINX_SOURCE)/src/,core event event/modules event/quic \
                os/unix http http/modules http/v2 http/v3) -I$(OBJECTS)
BESIDE   := $(patsubst t/lib/nginx/%.c,$(BUILD_DIR)/lib/%.so,\
                $(wildcard t/lib/nginx/*.c))

unit: $(BESIDE)

# of the nginx that they were made for, whichever is the younger

$(BUILD_DIR)/lib/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(WARNINGS) $(NGX_INCS)' > $@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(BUILD_DIR)/lib/ngx_%.so: t/lib/nginx/ngx_%.c $(OBJECTS)/Makefile \
                           $(BUILD_DIR)/lib/flags
	@$(CC) -std=gnu11 -O2 -g $(WARNINGS) -Wno-unused-parameter -Werror -fPIC \
	    -shared $(NGX_INCS) -o $@ $<


# Client tests: t/clients/*.t run libraries of Python, which are Debian's, and
# of Node, which npm puts into build/ as the lock file has them.  Where npm or
# its registry is out of reach, Node's part is skipped, in capitals.  What is
# installed is known by a copy of the lock file; scripts leads to t/clients,
# for Node looks for libraries above the place of a script.

CLIENTS_DIR := build/clients
CLIENTS_NPM := package.json package-lock.json .npmrc

export AGW_CLIENTS := $(CURDIR)/$(CLIENTS_DIR)

.PHONY: clients-check clients-node
clients-check: $(MODULE) clients-node
	@prove -j2 $(or $(TESTS),t/clients)

clients-node:
	@mkdir -p $(CLIENTS_DIR)
	@ln -sfn ../../t/clients $(CLIENTS_DIR)/scripts
	@cd $(CLIENTS_DIR); \
	if cmp -s scripts/package-lock.json installed; then exit 0; fi; \
	rm -f installed npm.log; \
	if ! command -v npm >/dev/null; then \
	    echo "SKIPPED: the clients of Node: there is no npm"; \
	    exit 0; \
	fi; \
	echo "npm ci (log in $(CLIENTS_DIR)/npm.log)"; \
	cp $(CLIENTS_NPM:%=scripts/%) .; \
	if npm ci --ignore-scripts --no-audit --no-fund >npm.log 2>&1; then \
	    cp package-lock.json installed; \
	elif grep -qE 'code (EINTEGRITY|EUSAGE|EJSONPARSE)' npm.log; then \
	    tail -n 20 npm.log >&2; \
	    exit 1; \
	else \
	    tail -n 5 npm.log; \
	    echo "SKIPPED: the clients of Node: npm reaches no registry"; \
	fi


# Fuzzers: t/fuzz/fuzz_*.c, each linked with core/, with t/fuzz/NAME.dict where
# it exists, and the long inputs of t/fuzz/seeds.pl.  An input is up to twice as
# long as a token and a body may be (AGW_TOKEN_MAX, AGW_BODY_MAX), a key file as
# long as it may be; libFuzzer's own limit is 4 KB.  What they find to be worth
# keeping stays in build/.  FUZZ_SEED=0 draws another seed each time.

FUZZ_DIR   := build/fuzz
FUZZ_SRCS  := $(wildcard t/fuzz/*.c)
FUZZERS    := $(FUZZ_SRCS:t/fuzz/%.c=$(FUZZ_DIR)/%)
FUZZ_CORE  := $(CORE:src/core/%.c=$(FUZZ_DIR)/core/%.o)
FUZZ_MAX   := 16384

$(FUZZ_DIR)/fuzz_keys.run: FUZZ_MAX := 65536

FUZZ_CFLAGS := -std=gnu11 -O1 -g -Wall -Wextra -Werror $(IN_CORE) -MMD -MP \
               -fsanitize=address,undefined -fno-sanitize-recover=undefined

# two at a time, as prove runs tests; each prints its lines together

FUZZ_AT_ONCE = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j2) \
               --output-sync=target

$(FUZZ_DIR)/flags: FORCE
	@mkdir -p $(sort $(dir $(FUZZ_CORE)))
	@echo '$(FUZZ_CC) $(FUZZ_CFLAGS) $(CORE)' > $@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(FUZZ_DIR)/core/%.o: src/core/%.c $(FUZZ_DIR)/flags
	@$(FUZZ_CC) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link -c -o $@ $<

$(FUZZ_DIR)/core.a: $(FUZZ_CORE)
	@rm -f $@ && $(AR) rcs $@ $(FUZZ_CORE)

$(FUZZ_DIR)/%: t/fuzz/%.c $(FUZZ_DIR)/core.a
	@$(FUZZ_CC) $(FUZZ_CFLAGS) -fsanitize=fuzzer -o $@ $< $(FUZZ_DIR)/core.a \
	    $(UNIT_LIBS)

-include $(wildcard $(FUZZ_DIR)/*.d $(FUZZ_CORE:.o=.d))

.PHONY: fuzz-check $(FUZZERS:%=%.run)
fuzz-check: $(FUZZERS:%=%.run)

# An input takes milliseconds; a limit of 30 s holds on a busy machine, too.

$(FUZZERS:%=%.run): %.run: %
	@mkdir -p $<.corpus
	@perl t/fuzz/seeds.pl $(<F) $<.seeds
	@echo "$(<F): $(FUZZ_SECONDS) s"
	@dict=t/fuzz/$(<F).dict; \
	if [ -f "$$dict" ]; then dict=-dict=$$dict; else dict=; fi; \
	$< -max_len=$(FUZZ_MAX) -max_total_time=$(FUZZ_SECONDS) -timeout=30 \
	    -seed=$(FUZZ_SEED) -print_funcs=0 -verbosity=0 \
	    -print_final_stats=1 -artifact_prefix=$(FUZZ_DIR)/ $$dict \
	    $<.corpus $<.seeds 2>&1 \
	| sed '/^INFO:/d; /^###### Recommended/,/^###### End/d' \
	|| { echo "$(<F) failed; the input is in $(FUZZ_DIR)/" >&2; exit 1; }


# Speed: bench.txt, .json and .png are in $(BENCH_DIR).

BENCH_DIR := $(BUILD_DIR)/bench

$(BENCH_DIR)/%: t/bench/%.c $(UNIT_DIR)/libagw.a
	@mkdir -p $(BENCH_DIR)
	@$(CC) $(UNIT_CFLAGS) $(LD_OPT) -o $@ $< $(UNIT_DIR)/libagw.a $(UNIT_LIBS)

.PHONY: bench-check bench-verify bench-revocations bench-fleet
bench-check: $(MODULE) $(BENCH_DIR)/mint $(BENCH_DIR)/verify
	@$(if $(SANITIZE),echo "no figures of a sanitizer build" >&2; exit 1)
	@perl t/bench/bench.pl $(BENCH_DIR)

# built with the unit tests, so that a change in core/ does not leave them

unit: $(BENCH_DIR)/mint $(BENCH_DIR)/verify

bench-verify: $(BENCH_DIR)/verify
	@perl t/bench/verify.pl $< $(BENCH_DIR)/out $(BENCH_ARGS)

bench-revocations:
	@$(call need,$(DEPS_BUILD) $(DEPS_BENCH) $(DEPS_TEST))
	@$(MAKE) --no-print-directory module $(PRELOADED)
	@perl t/bench/revocations.pl
	@perl t/bench/revocation_writes.pl

bench-fleet:
	@$(call need,$(DEPS_BUILD) $(DEPS_BENCH) $(DEPS_TEST))
	@$(MAKE) --no-print-directory module
	@perl t/bench/revocations_start.pl
	@perl t/bench/fleet_writes.pl
	@perl t/bench/token_engines.pl


# Debian packages, of a copy of the sources with a debian/ folder.  Their version
# is that of the module, and names the Debian whose nginx they are for, so that
# an upgrade of Debian is one of theirs.

VERSION  := $(shell sed -n 's/^\#define AGW_VERSION *"\(.*\)"/\1/p' \
                src/core/agw.h)
DEBIAN    = $(shell . /etc/os-release && echo "$${ID:0:3}$${VERSION_ID:-}")
DEB_TREE  = build/deb/auth-gateway-$(VERSION)
DEB_FROM := config Makefile README.md conf src

.PHONY: deb-build
deb-build:
	@rm -rf build/deb
	@mkdir -p $(DEB_TREE)
	@cp -rp $(DEB_FROM) $(DEB_TREE)
	@mv $(DEB_TREE)/conf/debian $(DEB_TREE)/debian
	@printf '%s\n' 'auth-gateway ($(VERSION)+$(DEBIAN)) stable; urgency=medium' \
	    '' '  * Built from its sources.' '' \
	    " -- $$(sed -n 's/^Maintainer: //p' conf/debian/control)  $$(date -R \
	        -r src/core/agw.h)" >$(DEB_TREE)/debian/changelog
	@echo "building packages (log in build/deb.log)"
	@cd $(DEB_TREE); unset MAKEFLAGS MAKELEVEL; \
	dpkg-buildpackage -b -us -uc -j$(JOBS) >'$(CURDIR)/build/deb.log' 2>&1 \
	|| { tail -n 20 '$(CURDIR)/build/deb.log' >&2; exit 1; }
	@lintian --allow-root --fail-on error,warning --profile debian \
	    build/deb/*.changes
	@rm -f build/*.deb
	@mv build/deb/*.deb build/
	@rm -rf build/deb
	@ls build/*.deb | sed 's/^/built /'


# Lint

C_FILES   := $(SOURCES) \
             $(wildcard t/unit/*.[ch] t/fuzz/*.[ch] t/vectors/*.[ch] \
                        t/bench/*.[ch] t/lib/*.[ch] t/lib/*/*.[ch])
SH_FILES  := $(wildcard .ci/run t/*/*.sh t/*.sh conf/debian/*.postinst \
                        conf/debian/*.postrm)
PL_FILES  := $(wildcard t/*.t t/*/*.t t/lib/*.pm t/lib/*.pl t/lib/*/*.pm \
                        t/lint/*.pl t/bench/*.pl t/fuzz/*.pl t/planted/*.pl \
                        t/bench/lib/*/*.pm)
JS_FILES  := $(wildcard t/clients/*.mjs t/demo/docs/*.js)
PY_FILES  := $(wildcard t/clients/*.py)

.PHONY: lint-check lint-form lint-cppcheck lint-headers lint-scripts
lint-check: lint-form lint-cppcheck lint-headers lint-scripts

lint-form:
	@echo "form"
	@perl t/lint/form.pl $(C_FILES)

lint-cppcheck:
	@echo "cppcheck"
	@cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr \
	    --enable=warning,performance,portability \
	    --suppress=missingIncludeSystem --suppress=unknownMacro \
	    $(addprefix -I,$(FOLDERS)) $(filter %.c,$(C_FILES))

lint-headers: $(OBJECTS)/Makefile
	@echo "headers"
	@for header in $(filter src/core/%,$(HEADERS)); do \
	    $(CC) -std=gnu11 $(WARNINGS) -Werror -fsyntax-only $(IN_CORE) \
	        -x c "$$header"; \
	done
	@for header in $(filter src/cli/%,$(HEADERS)); do \
	    $(CC) -std=gnu11 $(WARNINGS) -Werror -fsyntax-only $(IN_CORE) \
	        -Isrc/cli -x c "$$header"; \
	done
	@for header in $(filter-out src/core/% src/cli/%,$(HEADERS)); do \
	    $(CC) -std=gnu11 $(WARNINGS) -Wno-unused-parameter -Werror \
	        -fsyntax-only $(addprefix -I,$(FOLDERS)) $(NGX_INCS) \
	        -x c "$$header"; \
	done

lint-scripts:
	@echo "scripts"
	@for file in $(SH_FILES); do bash -n "$$file"; done
	@$(if $(SH_FILES),shellcheck $(SH_FILES))
	@for file in $(JS_FILES); do node --check "$$file"; done
	@python3 -c 'import ast, sys; \
	    [ast.parse(open(file).read(), file) for file in sys.argv[1:]]' \
	    $(PY_FILES)
	@for file in $(PL_FILES); do \
	    perl -It/lib -It/bench/lib -wc "$$file" 2>&1 \
	    | { grep -v ' syntax OK$$' || :; } >&2; \
	done
