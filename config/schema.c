/* SPDX-License-Identifier: BSD-3-Clause */
/* The table: which sections there are. Their rows are in schema_appliance.c, schema_registrar.c,
 * schema_limits.c and schema_control.c. */
#include "rows.h"

const struct bd_choice bd_truth_words[3] = {{"true", true}, {"false", false}, {NULL, 0}};

#define ITEMS(type, array, count, limit)                                                           \
    .item_sz = sizeof(type), .items_off = offsetof(struct bd_config, array),                       \
    .item_cnt_off = offsetof(struct bd_config, count), .item_max = limit

const struct bd_section bd_sections[] = {
    {"arena", BD_SHAPE_MAP, ROWS(bd_arena_groups),
     .help = "Shared memory that holds bindings and subscribers and outlives both processes."},
    {"dataplane", BD_SHAPE_MAP, ROWS(bd_dataplane_groups), .help = "Workers and packet memory."},
    {"ports", BD_SHAPE_MAPS, ROWS(bd_port_groups),
     ITEMS(struct bd_config_port, ports, port_cnt, BD_PORTS_MAX),
     .help = "Network ports, each used by DPDK alone."},
    {"listen", BD_SHAPE_ROW, ROWS(bd_listen_groups), .help = "Where SIP is served."},
    {"registrar", BD_SHAPE_MAP, ROWS(bd_registrar_groups),
     .help = "The registrar, and what domains that do not say otherwise do."},
    {"domains", BD_SHAPE_MAPS, ROWS(bd_domain_groups),
     ITEMS(struct bd_config_domain, domains, domain_cnt, BD_DOMAINS_MAX),
     .help = "Domains that are served. A key that is left out has its value of `registrar`."},
    {"profiles", BD_SHAPE_MAPS, ROWS(bd_profile_groups),
     ITEMS(struct bd_config_profile, profiles, profile_cnt, BD_PROFILES_MAX), .optional = true,
     .help = "What differs for some subscribers. May be left out."},
    {"screening", BD_SHAPE_MAP, ROWS(bd_screening_groups),
     .help = "Patterns that requests are searched for."},
    {"limits", BD_SHAPE_MAP, ROWS(bd_limit_groups),
     .help = "Who is heard, how often, and who is shut out for how long."},
    {"auth", BD_SHAPE_MAP, ROWS(bd_auth_groups), .help = "Nonces and verification."},
    {"journal", BD_SHAPE_MAP, ROWS(bd_journal_groups), .help = "Bindings on disk."},
    {"control", BD_SHAPE_MAP, ROWS(bd_control_groups), .help = "The control process."},
    {"process", BD_SHAPE_MAP, ROWS(bd_process_groups),
     .help = "What both processes may do once they have started."},
};
const unsigned bd_section_cnt = sizeof(bd_sections) / sizeof(bd_sections[0]);

void bd_rows_visit(const struct bd_section *section, void *item, bd_row_visit *visit, void *arg)
{
    for (unsigned g = 0; g < section->group_cnt; g++) {
        const struct bd_group *group = &section->groups[g];
        for (unsigned i = 0; i < group->row_cnt; i++)
            visit(group, &group->rows[i], item ? (char *)item + group->base : NULL, arg);
    }
}
