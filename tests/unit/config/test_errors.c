/* SPDX-License-Identifier: BSD-3-Clause */
/* Bad files, each with the exact lines that an operator reads. A row changes one thing of a file
 * that loads: it replaces `from` (which stands there once) with `to`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "config.h"

static const char good[] = "ports:\n"                             /* 1 */
                           "  - name: p0\n"                       /* 2 */
                           "    driver: tap\n"                    /* 3 */
                           "    interface: tap0\n"                /* 4 */
                           "    addresses: [\"198.18.0.1/24\"]\n" /* 5 */
                           "listen: [\"198.18.0.1:5060\"]\n"      /* 6 */
                           "registrar:\n"                         /* 7 */
                           "  default_domain: example.com\n"      /* 8 */
                           "  max_expires: 7200\n"                /* 9 */
                           "domains:\n"                           /* 10 */
                           "    - name: example.com\n"            /* 11 */
                           "      aliases: [\"198.18.0.1\"]\n"    /* 12 */
                           "      min_expires: 60\n"              /* 13 */
                           "    - name: example.net\n"            /* 14 */
                           "      auth: trusted\n"                /* 15 */
                           "control:\n"                           /* 16 */
                           "  log_level: info\n";                 /* 17 */

struct bad {
    const char *from, *to;
    const char *errors; /* without the file's name; a line each */
};

static const struct bad bad_files[] = {
    /* values */
    {"min_expires: 60", "min_expires: 90000",
     ":13:7 domains[0].min_expires: must be 1..86400 s, got 90000\n"},
    {"min_expires: 60", "min_expires: 0",
     ":13:7 domains[0].min_expires: must be 1..86400 s, got 0\n"},
    {"min_expires: 60", "min_expires: -5",
     ":13:7 domains[0].min_expires: must be 1..86400 s, got -5\n"},
    {"min_expires: 60", "min_expires: 060",
     ":13:7 domains[0].min_expires: must be 1..86400 s, got 060\n"},
    {"min_expires: 60", "min_expires: 60s",
     ":13:7 domains[0].min_expires: must be 1..86400 s, got 60s\n"},
    {"min_expires: 60", "min_expires: 99999999999999999999",
     ":13:7 domains[0].min_expires: must be 1..86400 s, got 99999999999999999999\n"},
    {"min_expires: 60", "min_expires: \"60\"",
     ":13:7 domains[0].min_expires: must be 1..86400 s, got \"60\", remove the quotes\n"},
    {"min_expires: 60",
     "min_expires:", ":13:7 domains[0].min_expires: must be 1..86400 s, got nothing\n"},
    {"min_expires: 60", "min_expires: [60]",
     ":13:7 domains[0].min_expires: must be 1..86400 s, got a list\n"},
    {"min_expires: 60", "case_sensitive: yes",
     ":13:7 domains[0].case_sensitive: must be true or false, got yes\n"},
    {"min_expires: 60", "max_contacts_code: 500",
     ":13:7 domains[0].max_contacts_code: must be 503 or 403, got 500\n"},
    {"auth: trusted", "auth: none",
     ":15:7 domains[1].auth: must be digest, trusted or open, got none\n"},
    {"auth: trusted", "algorithms: [MD5, SHA1, MD5]",
     ":15:25 domains[1].algorithms[1]: must be MD5, SHA-256 or SHA-512-256, got SHA1\n"
     ":15:31 domains[1].algorithms[2]: stands twice in the list; remove one\n"},
    {"auth: trusted", "qop: []", ":15:7 domains[1].qop: must be a list of at least 1\n"},
    {"auth: trusted", "qop: auth", ":15:7 domains[1].qop: must be a list, [a, b], got auth\n"},
    {"auth: trusted", "trusted_prefixes: [198.18.0.1/24]",
     ":15:26 domains[1].trusted_prefixes[0]: must be ADDRESS or ADDRESS/LENGTH with no bits set "
     "beyond LENGTH, got 198.18.0.1/24\n"},
    {"auth: trusted", "realm: 'a\"b'",
     ":15:7 domains[1].realm: must be text without '\"', '\\' and control characters, 1..128 "
     "characters, got \"a\"b\"\n"},
    {"name: example.net", "name: -example.net",
     ":14:7 domains[1].name: must be a host name, an IP address or '*', 1..253 characters, got "
     "-example.net\n"},
    {"log_level: info", "log_level: loud",
     ":17:3 control.log_level: must be error, warning, notice, info or debug, got loud\n"},
    {"log_level: info", "stats_socket: run/x",
     ":17:3 control.stats_socket: must be an absolute path of a socket, 2..107 characters, got "
     "run/x\n"},
    {"log_level: info", "metrics: 127.0.0.1",
     ":17:3 control.metrics: must be ADDRESS:PORT or [IPV6-ADDRESS]:PORT, port 1..65535, got "
     "127.0.0.1\n"},
    {"log_level: info", "log_level: info\nauth:\n  secret: tooshort",
     ":19:3 auth.secret: must be text without control characters, 16..256 characters, got 8 "
     "characters\n"},
    {"log_level: info", "log_level: info\nauth:\n  secret_file: /nonexistent/secret",
     ":19:3 auth.secret_file: cannot be read: No such file or directory\n"},
    {"log_level: info",
     "log_level: info\nauth:\n  secret: sixteen letters!\n  secret_file: /nonexistent/secret",
     ":20:3 auth.secret_file: stands beside auth.secret; remove one\n"},

    /* keys */
    {"min_expires: 60", "min_expire: 60",
     ":13:7 domains[0].min_expire: unknown key, did you mean min_expires?\n"},
    {"min_expires: 60", "log_level: info",
     ":13:7 domains[0].log_level: unknown key, it belongs under control:\n"},
    {"min_expires: 60", "wibble: 1",
     ":13:7 domains[0].wibble: unknown key; docs/configuration.md lists all\n"},
    {"control:", "contol:", ":16:1 contol: unknown key, did you mean control?\n"},
    {"control:\n  log_level", "log_level",
     ":16:1 log_level: unknown key, it belongs under control:\n"},
    {"min_expires: 60", "min_expires: 60\n      min_expires: 61",
     ":14:7 domains[0].min_expires: stands twice, first on line 13; remove one\n"},
    {"log_level: info", "log_level: info\nregistrar: {}",
     ":18:1 registrar: stands twice, first on line 7; remove one\n"},
    {"- name: example.net\n      auth", "- auth",
     ":14:7 domains[1].name: missing, must be a host name, an IP address or '*', 1..253 "
     "characters\n"},
    {"listen: [\"198.18.0.1:5060\"]\n", "",
     ":1:1 listen: missing, must be a list of ADDRESS:PORT or [IPV6-ADDRESS]:PORT, port "
     "1..65535\n"},
    {"listen: [\"198.18.0.1:5060\"]", "listen: \"198.18.0.1:5060\"",
     ":6:1 listen: must be a list, [a, b], got \"198.18.0.1:5060\"\n"},
    {"    - name: example.net", "    - example.net\n    - name: example.net",
     ":14:7 domains[1]: must be a map of keys, as name: ...\n"},
    {"control:\n  log_level: info", "control: info",
     ":16:1 control: must be a map of keys, as database: ...\n"},

    /* between keys */
    {"name: example.net", "name: example.net\n      service_route: [\"sip:a.example.net\"]",
     ":15:23 domains[1].service_route[0]: must be a route as sip:proxy.example.com;lr, got "
     "\"sip:a.example.net\"\n"},
    {"control:\n", "profiles: [{name: a}, {name: a, min_expires: 9, max_expires: 8}]\ncontrol:\n",
     ":16:24 profiles[1].name: a is the name of another profile already\n"
     ":16:33 profiles[1].min_expires: must be at most max_expires, which is 8 s, got 9\n"},
    {"name: example.net", "name: EXAMPLE.com",
     ":14:7 domains[1].name: example.com is served already by domains[0].name on line 11; remove "
     "one\n"},
    {"auth: trusted", "aliases: [a.example, '198.18.0.1', a.example]",
     ":15:28 domains[1].aliases[1]: 198.18.0.1 is served already by domains[0].aliases[0] on line "
     "12; remove one\n"
     ":15:42 domains[1].aliases[2]: stands twice in the list; remove one\n"},
    {"min_expires: 60", "aliases2: []\n      min_expires: 8000",
     ":13:7 domains[0].aliases2: unknown key, did you mean aliases?\n"
     ":14:7 domains[0].min_expires: must be at most max_expires, which is 7200 s, got 8000\n"
     ":14:7 domains[0].min_expires: must be at most default_expires, which is 3600 s, got 8000\n"},
    {"max_expires: 7200", "max_expires: 100",
     ":9:3 registrar.max_expires: must be at least default_expires, which is 3600 s, got 100\n"},
    {"default_domain: example.com", "default_domain: example.org",
     ":8:3 registrar.default_domain: must be the name of one of domains, got example.org\n"},
    {"198.18.0.1:5060", "198.18.0.9:5060",
     ":6:10 listen[0]: must be an address of a port, no ports[].addresses has 198.18.0.9\n"},
    {"198.18.0.1/24", "198.18.0.1",
     ":5:17 ports[0].addresses[0]: must be ADDRESS/LENGTH of one host, as 192.0.2.1/24, got "
     "\"198.18.0.1\"\n"},
    {"interface: tap0", "vlan: 7",
     ":2:5 ports[0].interface: missing, this driver must have an interface\n"},
    {"driver: tap", "driver: pci",
     ":2:5 ports[0].pci: missing, driver pci must have an address as 0000:01:00.0\n"
     ":4:5 ports[0].interface: not for this driver, remove it\n"},
    {"driver: tap", "driver: memif",
     ":4:5 ports[0].interface: must be the absolute path of a socket, got tap0\n"},
    {"interface: tap0", "interface: tap0\n    rx_descriptors: 1000\n    memif_role: server",
     ":5:5 ports[0].rx_descriptors: must be a power of two 64..8192, got 1000\n"
     ":6:5 ports[0].memif_role: not for this driver, remove it\n"},
    {"listen:",
     "  - {name: p0, driver: tap, interface: tap0, addresses: [\"198.18.0.1/16\"]}\nlisten:",
     ":6:6 ports[1].name: another port has the name p0\n"
     ":6:29 ports[1].interface: another port has the interface tap0\n"
     ":6:46 ports[1].addresses: another port has the address 198.18.0.1\n"},
    {"[\"198.18.0.1/24\"]", "[\"198.18.0.1/24\", \"2001:db8::1/64\"]\n    mtu: 1000",
     ":6:5 ports[0].mtu: must be 1280..9000 bytes with an IPv6 address\n"},
    {"log_level: info", "stats_socket_user: /run/bindery/stats.sock",
     ":17:3 control.stats_socket_user: must differ from control.stats_socket, a socket has one "
     "level\n"},

    /* numbers in bulk */
    {"auth: trusted", "bulk: [pbx1, 'p@x +49', \"pbx1 +49 49 +49-48 +1234567890123456\", '']",
     ":15:14 domains[1].bulk[0]: must be the user part of a PBX, at most 64 characters, and its "
     "numbers, as \"pbx1 +49305550000-9999\", got \"pbx1\"\n"
     ":15:20 domains[1].bulk[1]: must be the user part of a PBX, at most 64 characters, and its "
     "numbers, as \"pbx1 +49305550000-9999\", got \"p@x +49\"\n"
     ":15:31 domains[1].bulk[2]: numbers must be +DIGITS, +FROM-TO or +DIGITS*, 15 digits at most, "
     "got 49\n"
     ":15:31 domains[1].bulk[2]: numbers must be +DIGITS, +FROM-TO or +DIGITS*, 15 digits at most, "
     "got +49-48\n"
     ":15:31 domains[1].bulk[2]: numbers must be +DIGITS, +FROM-TO or +DIGITS*, 15 digits at most, "
     "got +1234567890123456\n"
     ":15:71 domains[1].bulk[3]: must be the user part of a PBX, at most 64 characters, and its "
     "numbers, as \"pbx1 +49305550000-9999\", got \"\"\n"},
    {"auth: trusted",
     "bulk:\n        - pbx1 +4930555000-999\n        - [pbx1]\n        - pbx2 +4930556*\n"
     "            +4930555100\n        - pbx3 +49305555*\n        - pbx1 +4930*",
     ":17:11 domains[1].bulk[1]: must be a PBX and its numbers, as \"pbx1 +49305550000-9999\", got "
     "a "
     "list\n"
     ":18:11 domains[1].bulk[2]: +4930555100 overlaps +4930555000-+4930555999 of bulk[0] on line "
     "16; a number belongs to one PBX\n"
     ":20:11 domains[1].bulk[3]: +49305555* overlaps +4930555000-+4930555999 of bulk[0] on line "
     "16; "
     "a number belongs to one PBX\n"
     ":21:11 domains[1].bulk[4]: +4930* overlaps +4930556* of bulk[2] on line 18; a number belongs "
     "to one PBX\n"},
    {"auth: trusted", "bulk: pbx1 +49*",
     ":15:7 domains[1].bulk: must be a list, [a, b], got pbx1 +49*\n"},

    /* YAML */
    {"min_expires: 60", "min_expires: &x 60",
     ":13:20 domains[0].min_expires: YAML anchors (&name) are not taken, write the value out\n"},
    {"min_expires: 60", "min_expires: *x",
     ":13:20 domains[0].min_expires: YAML aliases (*name) are not taken, write the value out\n"},
    {"min_expires: 60", "min_expires: !!int 60",
     ":13:20 domains[0].min_expires: YAML tags (!name) are not taken, remove it\n"},
    {"min_expires: 60", "? [a]\n      : 60", ":13:9 domains[0]: a key must be plain text\n"},
    {"log_level: info\n", "log_level: info\n---\na: 1\n",
     ":18:1 yaml: a second document begins here, one is allowed; remove the '---'\n"},
    {"log_level: info", "\tlog_level: info", ":17:3 yaml: a tab stands here, indent by spaces\n"},
};

static char *changed(const struct bad *bad)
{
    const char *at = strstr(good, bad->from);
    assert_non_null(at);
    assert_null(strstr(at + 1, bad->from));
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    fprintf(out, "%.*s%s%s", (int)(at - good), good, bad->to, at + strlen(bad->from));
    fclose(out);
    return text;
}

/* Loads a text; returns what was written to errors with the file's name cut from each line. */
static struct bd_config *load(const char *text, size_t len, char **errors)
{
    char file[] = "/tmp/bindery-config-XXXXXX";
    int fd = mkstemp(file);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), len);
    close(fd);
    char *raw = NULL;
    size_t raw_len, errors_len;
    FILE *out = open_memstream(&raw, &raw_len);
    struct bd_config *config = bd_config_load(file, out);
    fclose(out);
    unlink(file);
    FILE *cut = open_memstream(errors, &errors_len);
    for (char *line = strtok(raw, "\n"); line; line = strtok(NULL, "\n")) {
        assert_memory_equal(line, file, strlen(file));
        fprintf(cut, "%s\n", line + strlen(file));
    }
    fclose(cut);
    free(raw);
    return config;
}

static void test_good(void **state)
{
    char *errors;
    struct bd_config *config = load(good, strlen(good), &errors);
    assert_string_equal(errors, "");
    assert_non_null(config);
    assert_int_equal(config->domain_cnt, 2);
    assert_int_equal(config->domains[0].max_expires_s, 7200);
    assert_true(config->domains[0].is_default);
    assert_false(config->domains[1].is_default);
    assert_int_equal(config->domains[1].auth, 1);
    assert_string_equal(config->domains[1].realm, "example.net");
    assert_int_equal(config->domains[1].line, 14);
    assert_int_equal(config->ports[0].addresses[0].len, 120);
    bd_config_free(config);
    free(errors);
}

static void test_bad(void **state)
{
    for (size_t i = 0; i < sizeof(bad_files) / sizeof(bad_files[0]); i++) {
        char *text = changed(&bad_files[i]), *errors;
        struct bd_config *config = load(text, strlen(text), &errors);
        assert_string_equal(errors, bad_files[i].errors);
        assert_null(config);
        free(text);
        free(errors);
    }
}

static void test_all_at_once(void **state)
{
    static const char text[] = "ports: []\n"
                               "listen: [\"nowhere\"]\n"
                               "arena: {bindings_max: 1}\n"
                               "domains:\n"
                               "  - name: a.example\n"
                               "    min_expires: 0\n"
                               "    max_contact: 5\n";
    char *errors;
    assert_null(load(text, strlen(text), &errors));
    assert_string_equal(
        errors, ":1:1 ports: must be a list of 1..8 maps, each beginning with '- name: ...'\n"
                ":2:10 listen[0]: must be ADDRESS:PORT or [IPV6-ADDRESS]:PORT, port 1..65535, got "
                "\"nowhere\"\n"
                ":3:9 arena.bindings_max: must be 1024..1000000000 bindings, got 1\n"
                ":6:5 domains[0].min_expires: must be 1..86400 s, got 0\n"
                ":7:5 domains[0].max_contact: unknown key, did you mean max_contacts?\n");
    free(errors);
}

static void test_no_yaml(void **state)
{
    static const struct {
        const char *text;
        size_t len;
        const char *errors;
    } rows[] = {
        {"", 0, ":1:1 yaml: the file is empty; see configs/bindery.yaml\n"},
        {"# nothing\n", 10, ":1:1 yaml: the file is empty; see configs/bindery.yaml\n"},
        {"- a\n", 4, ":1:1 yaml: the file must be a map of sections, as listen: [...]\n"},
        {"a: \"\xff\"\n", 7, ":1:5 yaml: invalid leading UTF-8 octet\n"},
        {"a: [1\n", 6,
         ":2:1 yaml: did not find expected ',' or ']' while parsing a flow sequence\n"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *errors;
        assert_null(load(rows[i].text, rows[i].len, &errors));
        assert_string_equal(errors, rows[i].errors);
        free(errors);
    }
}

static void test_deep(void **state)
{
    char text[4096], *errors;
    memset(text, '[', sizeof(text));
    assert_null(load(text, sizeof(text), &errors));
    assert_non_null(strstr(errors, "nested too deep"));
    free(errors);
}

/* Every prefix, and every byte of the file replaced by each of some that YAML knows: no crash, and
 * either a configuration or an error. */
static void test_mutations(void **state)
{
    static const char bytes[] = "\0\t\n :-[]{}&*!\"'#,\xff";
    char text[sizeof(good)];
    for (size_t i = 0; i < sizeof(good) - 1; i++) {
        for (size_t b = 0; b < sizeof(bytes) - 1; b += 1 + i % 4) {
            memcpy(text, good, sizeof(good));
            text[i] = bytes[b];
            char *errors;
            struct bd_config *config = load(text, b == 0 ? i : sizeof(good) - 1, &errors);
            assert_int_equal(config == NULL, errors[0] != '\0');
            bd_config_free(config);
            free(errors);
        }
    }
}

static void test_unreadable(void **state)
{
    char *errors = NULL;
    size_t len;
    FILE *out = open_memstream(&errors, &len);
    assert_null(bd_config_load("/nonexistent/bindery.yaml", out));
    assert_null(bd_config_load("/", out));
    fclose(out);
    assert_string_equal(errors,
                        "/nonexistent/bindery.yaml: cannot be read: No such file or directory\n"
                        "/: cannot be read: Is a directory\n");
    free(errors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_all_at_once), cmocka_unit_test(test_no_yaml),
        cmocka_unit_test(test_deep),        cmocka_unit_test(test_mutations),
        cmocka_unit_test(test_unreadable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
