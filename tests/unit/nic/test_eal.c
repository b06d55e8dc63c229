/* SPDX-License-Identifier: BSD-3-Clause */
/* The EAL's arguments, and what is asked of interfaces; the EAL itself is not started. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eal.h"
#include "interface.h"

static void maps_workers_to_cpus(void **state)
{
    static const struct {
        unsigned workers, cpu_cnt;
        unsigned cpus[4];
        const char *want;
    } table[] = {{1, 2, {0, 1}, "0@(0,1),1@1"},
                 {2, 2, {0, 1}, "0@(0,1),1@1,2@0"},
                 {3, 2, {0, 1}, "0@(0,1),1@1,2@0,3@1"},
                 {2, 1, {5}, "0@(5),1@5,2@5"},
                 {2, 4, {2, 3, 8, 9}, "0@(2,3,8,9),1@9,2@8"}};
    for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char text[128];
        bd_eal_lcores(table[i].workers, table[i].cpus, table[i].cpu_cnt, text, sizeof(text));
        assert_string_equal(text, table[i].want);
    }
}

static const struct bd_eal_memory anywhere = {48, NULL}, small = {48, "/dev/hugepages"};

static bool has(const struct bd_eal_args *args, const char *text)
{
    for (int i = 0; i < args->argc; i++) {
        if (strcmp(args->argv[i], text) == 0)
            return true;
    }
    return false;
}

static void never_probes_the_hosts_nic(void **state)
{
    struct bd_config_port port = {.driver = BD_PORT_TAP};
    struct bd_config config = {.workers = 1, .memory_mb = 64, .ports = &port, .port_cnt = 1};
    char vdev[BD_PORTS_MAX][BD_EAL_VDEV_MAX] = {"net_tap0,iface=x"};
    unsigned cpu = 0;
    struct bd_eal_args args;
    bd_eal_args_make(&config, &cpu, 1, vdev, &anywhere, &args);
    assert_true(has(&args, "--no-pci"));
    assert_true(has(&args, "--vdev=net_tap0,iface=x"));
    assert_true(has(&args, "--no-huge"));
    assert_true(has(&args, "--no-telemetry"));
    assert_null(args.argv[args.argc]);
    port = (struct bd_config_port){.driver = BD_PORT_PCI, .pci = "0000:01:00.0"};
    config.huge = true;
    bd_eal_args_make(&config, &cpu, 1, vdev, &anywhere, &args);
    assert_false(has(&args, "--no-pci"));
    assert_false(has(&args, "--no-huge"));
    assert_true(has(&args, "--in-memory"));
    assert_true(has(&args, "-a"));
    assert_true(has(&args, "0000:01:00.0"));
}

static void takes_memory_from_the_mount_named(void **state)
{
    struct bd_config config = {.workers = 1, .memory_mb = 64, .huge = true};
    char vdev[BD_PORTS_MAX][BD_EAL_VDEV_MAX] = {""};
    unsigned cpu = 0;
    struct bd_eal_args args;
    bd_eal_args_make(&config, &cpu, 1, vdev, &small, &args);
    assert_true(has(&args, "--huge-dir=/dev/hugepages"));
    assert_true(has(&args, "--huge-unlink"));
    assert_true(has(&args, "--no-shconf"));
    assert_false(has(&args, "--in-memory"));
    assert_true(has(&args, "48"));
    config.huge = false;
    bd_eal_args_make(&config, &cpu, 1, vdev, &small, &args);
    assert_true(has(&args, "--no-huge"));
    assert_true(has(&args, "64")); /* all that is configured */
    assert_false(has(&args, "--huge-dir=/dev/hugepages"));
}

static void holds_all_ports_and_workers(void **state)
{
    struct bd_config_port ports[BD_PORTS_MAX];
    struct bd_config config = {
        .workers = BD_WORKERS_MAX, .memory_mb = 64, .ports = ports, .port_cnt = BD_PORTS_MAX};
    static char vdev[BD_PORTS_MAX][BD_EAL_VDEV_MAX];
    for (unsigned i = 0; i < BD_PORTS_MAX; i++) {
        ports[i] = (struct bd_config_port){.driver = BD_PORT_TAP};
        memset(vdev[i], 'x', BD_EAL_VDEV_MAX - 1);
    }
    static unsigned cpus[BD_EAL_CPUS_MAX];
    for (unsigned i = 0; i < BD_EAL_CPUS_MAX; i++)
        cpus[i] = i;
    struct bd_eal_args args;
    bd_eal_args_make(&config, cpus, BD_EAL_CPUS_MAX, vdev, &anywhere, &args);
    assert_true(has(&args, "--iova-mode=va")); /* the last one */
    assert_memory_equal(args.argv[1], "--lcores=0@(0,1,2,", 17);
    assert_non_null(strstr(args.argv[1], ",32@992"));
}

static void reads_macs(void **state)
{
    uint8_t mac[6];
    assert_true(bd_mac_parse("02:00:00:00:aB:01", mac));
    assert_memory_equal(mac, ((const uint8_t[6]){2, 0, 0, 0, 0xab, 1}), 6);
    static const char *const bad[] = {"",
                                      "02:00:00:00:00",
                                      "02:00:00:00:00:0",
                                      "02:00:00:00:00:001",
                                      "02:00:00:00:00:0g",
                                      "02-00-00-00-00-01",
                                      "00:00:00:00:00:00",
                                      "01:00:5e:00:00:01",
                                      " 2:00:00:00:00:01"};
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(bd_mac_parse(bad[i], mac));
}

static void names_what_is_missing(void **state)
{
    struct bd_error error;
    assert_int_equal(bd_interface_try_packet("wan", "no-such-if", 1500, &error), -1);
    assert_non_null(strstr(error.text, "port wan: there is no interface no-such-if"));
    assert_int_equal(bd_interface_try_memif("m", "/no/such/socket", false, &error), -1);
    assert_non_null(strstr(error.text, "start the memif server first"));
    assert_int_equal(bd_interface_try_memif("m", "/no/such/socket", true, &error), 0);
    assert_int_equal(bd_interface_try_memif("m", "/dev/null", true, &error), -1);
    assert_non_null(strstr(error.text, "is no socket"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(maps_workers_to_cpus),
                                       cmocka_unit_test(never_probes_the_hosts_nic),
                                       cmocka_unit_test(takes_memory_from_the_mount_named),
                                       cmocka_unit_test(holds_all_ports_and_workers),
                                       cmocka_unit_test(reads_macs),
                                       cmocka_unit_test(names_what_is_missing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
