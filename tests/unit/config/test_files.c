/* SPDX-License-Identifier: BSD-3-Clause */
/* The files that are made from the schema, and what is printed: each loads, and each is current.
 * BINDERY_UPDATE=1 in the environment writes them anew instead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "config.h"

#define DEFAULT_FILE SOURCE_ROOT "/configs/bindery.yaml"
#define LAB_FILE     SOURCE_ROOT "/configs/examples/lab.yaml"
#define DOCS_FILE    SOURCE_ROOT "/docs/configuration.md"

static char *slurp(const char *file)
{
    char *text = NULL;
    size_t room = 0;
    FILE *in = fopen(file, "re");
    assert_non_null(in);
    ssize_t len = getdelim(&text, &room, '\0', in);
    assert_true(len > 0);
    fclose(in);
    return text;
}

static void assert_current(const char *file, void (*print)(FILE *out))
{
    char *made = NULL;
    size_t len;
    FILE *out = open_memstream(&made, &len);
    print(out);
    fclose(out);
    if (getenv("BINDERY_UPDATE")) {
        FILE *update = fopen(file, "we");
        assert_non_null(update);
        fputs(made, update);
        fclose(update);
    }
    char *stored = slurp(file);
    assert_string_equal(stored, made);
    free(stored);
    free(made);
}

static void test_current(void **state)
{
    assert_current(DEFAULT_FILE, bd_config_print_default);
    assert_current(DOCS_FILE, bd_config_print_docs);
}

static struct bd_config *load(const char *file)
{
    char *errors = NULL;
    size_t len;
    FILE *out = open_memstream(&errors, &len);
    struct bd_config *config = bd_config_load(file, out);
    fclose(out);
    assert_string_equal(errors, "");
    assert_non_null(config);
    free(errors);
    return config;
}

static struct bd_config *load_text(const char *text)
{
    char file[] = "/tmp/bindery-config-XXXXXX";
    int fd = mkstemp(file);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    struct bd_config *config = load(file);
    unlink(file);
    return config;
}

static char *printed(const struct bd_config *config)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    bd_config_print(config, out);
    fclose(out);
    return text;
}

/* Every key set to something that is not its default. */
static const char full[] =
    "arena: {file: /dev/shm/x, name: x, bindings_max: 2000, subscribers_max: 3000,\n"
    "  identities_max: 4000, record_avg_size: 500}\n"
    "dataplane: {workers: 2, lcores: \"0@0,1@(2-3)\", poll: adaptive, hugepages: false,\n"
    "  memory_mb: 100, mbufs: 2000, fragments_max: 100, fragment_timeout_ms: 500}\n"
    "ports:\n"
    "  - {name: a, driver: memif, interface: /run/a.sock, memif_role: server, vlan: 7, mtu: 9000,\n"
    "     mac: \"02:00:00:00:00:01\", rx_descriptors: 64, tx_descriptors: 128,\n"
    "     addresses: [198.18.0.1/24, \"2001:db8::1/64\"]}\n"
    "  - {name: b, driver: pci, pci: \"0000:01:00.0\", addresses: [198.19.0.1/32]}\n"
    "listen: [\"198.18.0.1:5060\", \"[2001:db8::1]:5080\", \"198.19.0.1:5060\"]\n"
    "registrar: {default_domain: B.example, server_header: \"\", verdict_timeout_ms: 100,\n"
    "  retry_after_s: 7, trusted_prefixes: [198.51.100.0/24, \"2001:db8::/32\"]}\n"
    "domains:\n"
    "  - {name: a.example, realm: 'R & One', aliases: [x.example, \"[2001:DB8::1]\"],\n"
    "     auth: open, algorithms: [MD5, SHA-512-256], qop: [auth-int], default_expires: 500,\n"
    "     min_expires: 30, min_expires_mode: 0, max_expires: 0, max_contacts: 0,\n"
    "     max_contacts_policy: replace, max_contacts_code: 403, retry_after_s: 0,\n"
    "     nonce_expire: 60, case_sensitive: true, userhash: true,\n"
    "     add_authinfo_hdr: true, charset: none, trusted_prefixes: []}\n"
    "  - name: b.example\n"
    "auth: {secret: \"sixteen letters!\", secret_previous: \"another sixteen \\\"letters\\\"\",\n"
    "  verifiers: 4}\n"
    "control: {database: /tmp/x.db, stats_socket: /tmp/s, stats_socket_user: /tmp/u,\n"
    "  stats_socket_admin: /tmp/a, metrics: \"[::1]:9460\", log_level: debug}\n";

static void test_full(void **state)
{
    struct bd_config *c = load_text(full);
    assert_string_equal(c->arena_file, "/dev/shm/x");
    assert_int_equal(c->bindings_max, 2000);
    assert_int_equal(c->poll, BD_POLL_ADAPTIVE);
    assert_false(c->huge);
    assert_true(c->ports[0].memif_server);
    assert_false(c->ports[1].memif_server);
    assert_int_equal(c->ports[0].addresses[1].len, 64);
    assert_int_equal(c->listen[1].port, 5080);
    assert_string_equal(c->server_header, "");
    const struct bd_config_domain *a = &c->domains[0], *b = &c->domains[1];
    assert_string_equal(a->realm, "R & One");
    assert_int_equal(a->algorithm_cnt, 2);
    assert_int_equal(a->algorithm[1], 2);
    assert_int_equal(a->qop, 2);
    assert_int_equal(a->max_contacts_code, 403);
    assert_int_equal(a->retry_after_s, 0);
    assert_int_equal(a->trusted_prefix_cnt, 0);
    assert_int_equal(b->retry_after_s, 7); /* the registrar's */
    assert_int_equal(b->trusted_prefix_cnt, 2);
    assert_int_equal(b->nonce_expire_s, 300); /* the default */
    assert_true(b->is_default);
    assert_string_equal(c->secret_previous, "another sixteen \"letters\"");
    bd_config_free(c);
}

static void drop_comments(char *text)
{
    char *to = text;
    for (char *line = text, *next; *line; line = next) {
        next = strchr(line, '\n') + 1;
        if (memchr(line, '#', (size_t)(next - line)))
            continue;
        memmove(to, line, (size_t)(next - line));
        to += next - line;
    }
    *to = '\0';
}

/* What `show config` prints is a configuration, and the same one. */
static void test_print(void **state)
{
    struct bd_config *config = load_text(full);
    char *first = printed(config);
    assert_null(strstr(first, "sixteen"));
    assert_non_null(strstr(first, "  secret: \"***\"\n"));
    char *at = first; /* "***" is too short for a secret */
    while ((at = strstr(at, "secret")))
        *at = '#';
    struct bd_config *again = load_text(first);
    char names[256];
    assert_int_equal(bd_config_needs_restart(config, again, names, sizeof(names)), 0);
    assert_string_equal(names, "");
    char *second = printed(again);
    drop_comments(first);
    assert_string_equal(first, second);
    free(first);
    free(second);
    bd_config_free(again);
    bd_config_free(config);
}

static void test_restart(void **state)
{
    struct bd_config *a = load(LAB_FILE), *b = load(LAB_FILE);
    char names[256];
    assert_int_equal(bd_config_needs_restart(a, b, names, sizeof(names)), 0);
    b->workers = 2;
    b->listen[0].port = 5070;
    b->ports[0].vlan = 9;
    b->log_level = BD_LOG_DEBUG;
    b->domains[0].max_expires_s = 1;
    b->defaults.max_contacts = 1;
    assert_int_equal(bd_config_needs_restart(a, b, names, sizeof(names)), 3);
    assert_string_equal(names, "dataplane.workers, ports[0].vlan, listen");
    char few[8];
    assert_int_equal(bd_config_needs_restart(a, b, few, sizeof(few)), 3);
    assert_string_equal(few, "datapla");
    bd_config_free(a);
    bd_config_free(b);
}

static void test_lab(void **state)
{
    struct bd_config *c = load(LAB_FILE);
    assert_int_equal(c->port_cnt, 1);
    assert_int_equal(c->ports[0].driver, BD_PORT_TAP);
    assert_int_equal(c->poll, BD_POLL_ADAPTIVE);
    assert_int_equal(c->listen[0].port, 5060);
    const struct bd_config_domain *d = &c->domains[0];
    assert_string_equal(d->name, "example.com");
    assert_string_equal(d->aliases[0], "198.18.0.1");
    assert_int_equal(d->auth, 0);
    assert_int_equal(d->algorithm_cnt, 2);
    assert_int_equal(d->qop, 3);
    assert_int_equal(d->default_expires_s, 3600);
    assert_int_equal(d->min_expires_s, 60);
    assert_int_equal(d->min_expires_mode, 1);
    assert_int_equal(d->max_expires_s, 7200);
    assert_int_equal(d->max_contacts, 10);
    assert_int_equal(d->max_contacts_policy, 0);
    assert_int_equal(d->nonce_expire_s, 300);
    bd_config_free(c);
}

static void test_default_loads(void **state)
{
    bd_config_free(load(DEFAULT_FILE));
    assert_int_equal(bd_config_check_main(DEFAULT_FILE), EXIT_SUCCESS);
    assert_int_equal(bd_config_check_main(DOCS_FILE), EXIT_FAILURE);
}

static void test_secret_file(void **state)
{
    char file[] = "/tmp/bindery-secret-XXXXXX", text[2048];
    int fd = mkstemp(file);
    assert_int_equal(write(fd, "0123456789abcdef\r\nmore\n", 23), 23);
    close(fd);
    snprintf(text, sizeof(text),
             "ports: [{name: a, driver: ring, addresses: [198.18.0.1/24]}]\n"
             "listen: [\"198.18.0.1:5060\"]\n"
             "domains: [{name: a.example}]\n"
             "auth: {secret_file: %s}\n",
             file);
    struct bd_config *c = load_text(text);
    assert_string_equal(c->secret, "0123456789abcdef");
    assert_null(c->secret_previous);
    bd_config_free(c);
    unlink(file);
}

/* The schema's largest: a thousand domains with all their aliases. */
static void test_large(void **state)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    fputs("ports: [{name: a, driver: ring, addresses: [198.18.0.1/24]}]\n"
          "listen: [\"198.18.0.1:5060\"]\ndomains:\n",
          out);
    for (unsigned d = 0; d < BD_DOMAINS_MAX; d++) {
        fprintf(out, "  - name: d%u.example\n    aliases: [a%u.example", d, d);
        for (unsigned i = 1; i < BD_ALIASES_PER_DOMAIN_MAX; i++)
            fprintf(out, ", a%u.d%u.example", i, d);
        fputs("]\n", out);
    }
    fclose(out);
    struct bd_config *c = load_text(text);
    assert_int_equal(c->domain_cnt, BD_DOMAINS_MAX);
    assert_int_equal(c->domains[1000].alias_cnt, BD_ALIASES_PER_DOMAIN_MAX);
    bd_config_free(c);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_current),     cmocka_unit_test(test_full),
        cmocka_unit_test(test_print),       cmocka_unit_test(test_restart),
        cmocka_unit_test(test_lab),         cmocka_unit_test(test_default_loads),
        cmocka_unit_test(test_secret_file), cmocka_unit_test(test_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
