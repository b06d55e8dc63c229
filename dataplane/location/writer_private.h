/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files that change the table share: writer.c and insert.c. The thread that owns the
 * writer only. Private to this folder. */
#ifndef BD_LOCATION_WRITER_PRIVATE_H
#define BD_LOCATION_WRITER_PRIVATE_H

#include "allocator.h"

/* Writes a record that nobody knows of yet to *off. NO_MEMORY: there is none, or no room to retire
 * one, or the bindings are no record. */
enum bd_table_rc bd_writer_record(struct bd_writer *writer, struct bd_str aor,
                                  const struct bd_binding *bindings, unsigned cnt, uint64_t *off);

/* After a slot has got the record at `off`: marks it, and lowers due_s. */
void bd_writer_placed(struct bd_writer *writer, uint32_t bucket, unsigned slot, uint64_t off,
                      const struct bd_binding *bindings, unsigned cnt);

/* Of bd_table_put: the AoR had no record when the caller looked. CONFLICT: it has one now;
 * WINDOW_FULL: no slot is free. */
enum bd_table_rc bd_writer_insert(struct bd_writer *writer, uint64_t hash, struct bd_str aor,
                                  const struct bd_binding *bindings, unsigned cnt);

#endif
