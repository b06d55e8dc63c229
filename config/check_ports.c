/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports, their addresses, and who listens on them. */
#include "load.h"

struct port {
    const struct bd_check *check;
    const struct bd_config_port *config;
    struct bd_node *node;
    unsigned i;
};

static void complain(const struct port *port, const char *key, const char *what, const char *detail)
{
    struct bd_node *node = bd_tree_get(port->node, key);
    char map_path[BD_PATH_MAX], path[BD_PATH_MAX];
    bd_path_item(map_path, "ports", port->i);
    bd_path_key(path, map_path, key);
    if (!node)
        node = port->node;
    bd_errors_add(port->check->errors, node->line, node->col, path, what, detail);
}

static bool usable(const struct port *port, const char *key)
{
    const struct bd_node *node = bd_tree_get(port->node, key);
    return !node || !node->bad;
}

static bool wants_interface(enum bd_port_driver driver)
{
    return driver != BD_PORT_PCI && driver != BD_PORT_RING;
}

static void check_interface(const struct port *port)
{
    enum bd_port_driver driver = port->config->driver;
    const char *interface = port->config->interface;
    if (!usable(port, "interface"))
        return;
    if (!interface && wants_interface(driver))
        complain(port, "interface", "missing, this driver must have an interface%s", "");
    if (!interface)
        return;
    if (!wants_interface(driver))
        complain(port, "interface", "not for this driver, remove it%s", "");
    else if (driver == BD_PORT_MEMIF && interface[0] != '/')
        complain(port, "interface", "must be the absolute path of a socket, got %s", interface);
    else if (driver != BD_PORT_MEMIF && !bd_form_is_interface_name(bd_str_from(interface)))
        complain(port, "interface", "must be an interface name of 1..15 characters, got %s",
                 interface);
}

static void check_driver(const struct port *port)
{
    if (!bd_tree_get(port->node, "driver") || !usable(port, "driver"))
        return;
    enum bd_port_driver driver = port->config->driver;
    check_interface(port);
    if (driver == BD_PORT_PCI && !port->config->pci && usable(port, "pci"))
        complain(port, "pci", "missing, driver pci must have an address as %s", "0000:01:00.0");
    if (driver != BD_PORT_PCI && port->config->pci)
        complain(port, "pci", "not for this driver, remove it%s", "");
    if (driver != BD_PORT_MEMIF && bd_tree_get(port->node, "memif_role"))
        complain(port, "memif_role", "not for this driver, remove it%s", "");
}

/* RFC 8200 5: every IPv6 link carries 1280 bytes. */
static void check_mtu(const struct port *port)
{
    for (unsigned i = 0; i < port->config->address_cnt && usable(port, "mtu"); i++) {
        if (!bd_ip_is_v4(&port->config->addresses[i].ip) && port->config->mtu < 1280) {
            complain(port, "mtu", "must be 1280..9000 bytes with an IPv6 address%s", "");
            return;
        }
    }
}

static bool same_text(const char *a, const char *b)
{
    return a && b && strcasecmp(a, b) == 0;
}

/* Against the ports before it. */
static void check_twins(const struct port *port, const struct bd_config_port *other)
{
    const struct bd_config_port *config = port->config;
    if (same_text(config->name, other->name))
        complain(port, "name", "another port has the name %s", config->name);
    if (same_text(config->interface, other->interface))
        complain(port, "interface", "another port has the interface %s", config->interface);
    if (same_text(config->pci, other->pci))
        complain(port, "pci", "another port has the address %s", config->pci);
    for (unsigned i = 0; i < config->address_cnt; i++) {
        for (unsigned j = 0; j < other->address_cnt; j++) {
            if (!bd_ip_eq(&config->addresses[i].ip, &other->addresses[j].ip))
                continue;
            char text[BD_IP_TEXT_MAX];
            bd_ip_format(&config->addresses[i].ip, text);
            complain(port, "addresses", "another port has the address %s", text);
        }
    }
}

static bool owned(const struct bd_config *config, const struct bd_ip *ip)
{
    for (unsigned p = 0; p < config->port_cnt; p++) {
        for (unsigned i = 0; i < config->ports[p].address_cnt; i++) {
            if (bd_ip_eq(&config->ports[p].addresses[i].ip, ip))
                return true;
        }
    }
    return false;
}

/* Whether every own address was read: else who owns an address cannot be told. */
static bool addresses_known(const struct bd_node *ports)
{
    if (!ports || ports->bad || ports->kind != BD_NODE_LIST)
        return false;
    for (const struct bd_node *port = ports->first; port; port = port->next) {
        const struct bd_node *list = bd_tree_get(port, "addresses");
        if (!list || list->bad || list->kind != BD_NODE_LIST)
            return false;
        for (const struct bd_node *item = list->first; item; item = item->next) {
            if (item->bad)
                return false;
        }
    }
    return true;
}

static void check_listen(const struct bd_check *check)
{
    const struct bd_node *list = bd_tree_get(check->root, "listen");
    if (!addresses_known(bd_tree_get(check->root, "ports")))
        return;
    for (unsigned i = 0; i < check->config->listen_cnt; i++) {
        unsigned index;
        struct bd_node *node = bd_tree_good_at(list, i, &index);
        const struct bd_endpoint *endpoint = &check->config->listen[i];
        if (!node || owned(check->config, &endpoint->ip))
            continue;
        char path[BD_PATH_MAX], text[BD_IP_TEXT_MAX];
        bd_path_item(path, "listen", index);
        bd_ip_format(&endpoint->ip, text);
        bd_errors_add(check->errors, node->line, node->col, path,
                      "must be an address of a port, no ports[].addresses has %s", text);
    }
}

void bd_check_ports(const struct bd_check *check)
{
    const struct bd_node *list = bd_tree_get(check->root, "ports");
    for (unsigned i = 0; i < check->config->port_cnt; i++) {
        struct port port = {check, &check->config->ports[i], bd_tree_at(list, i), i};
        if (port.node->bad)
            continue;
        check_driver(&port);
        check_mtu(&port);
        for (unsigned j = 0; j < i; j++)
            check_twins(&port, &check->config->ports[j]);
    }
    check_listen(check);
}
