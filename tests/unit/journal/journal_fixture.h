/* SPDX-License-Identifier: BSD-3-Clause */
/* A small table with a history: every version that each AoR ever had, so that what a load gives
 * can be held against what was written, acknowledged and possible. Journals and snapshots of it are
 * written as the control process would. */
#ifndef BD_TEST_JOURNAL_FIXTURE_H
#define BD_TEST_JOURNAL_FIXTURE_H

#include "journal.h"
#include "journal_files.h"
#include "journal_load.h"
#include "memfs.h"
#include "table_fixture.h"

enum { MODEL_SLOTS = 16, MODEL_AORS = 10, MODEL_VERSIONS_MAX = 600, MODEL_ACKS_MAX = 400 };

enum model_dirty { MODEL_CLEAN, MODEL_REFRESHED, MODEL_CHANGED };

/* One AoR at one version: its contacts' texts were made at version `put`. */
struct model_version {
    uint16_t put;
    uint8_t cnt; /* 0: not there */
};
struct model_slot {
    int aor; /* -1: empty */
    enum model_dirty dirty;
};
/* What was acknowledged when the file system had made so many changes. */
struct model_ack {
    unsigned ops;
    uint16_t version[MODEL_AORS];
};

struct model {
    struct memfs *fs;
    struct bd_journal journal;
    struct bd_journal_time now;
    uint64_t geometry;
    bool degraded; /* a journal has failed, no snapshot made up for it yet */
    uint64_t random;
    struct model_version history[MODEL_AORS][MODEL_VERSIONS_MAX];
    uint16_t version[MODEL_AORS]; /* the latest */
    uint16_t swept[MODEL_AORS];
    struct model_slot slot[MODEL_SLOTS];
    struct model_ack ack[MODEL_ACKS_MAX];
    unsigned acks;
    struct bd_error error;
};

void model_open(struct model *m, struct memfs *fs, uint64_t seed);
/* One change by chance. */
void model_step(struct model *m);
/* Changes of a kind. */
void model_insert(struct model *m, int aor, int slot, unsigned cnt);
void model_refresh(struct model *m, int aor);
void model_replace(struct model *m, int aor, unsigned cnt);
void model_remove(struct model *m, int aor);

/* As control does. -1: it failed. */
int model_begin(struct model *m); /* the first journal */
int model_sweep(struct model *m);
int model_sync(struct model *m); /* acknowledges what was swept */
/* Next journal, snapshot, prune; changes and sweeps go on meanwhile when `busy`. */
int model_snapshot(struct model *m, bool busy);
int model_finish(struct model *m);

/* The bindings of an AoR at a version; text lives till the next call. Returns cnt. */
unsigned model_bindings(const struct model *m, int aor, uint16_t version,
                        struct bd_binding *bindings);
struct bd_str model_aor(int aor, char out[32]);

enum { LOADED_PROBLEMS_MAX = 64 };

/* What a load gave. */
struct loaded {
    const struct model *model;
    int version[MODEL_AORS]; /* -1: not there */
    struct bd_journal_report report;
    struct bd_journal_problem problem[LOADED_PROBLEMS_MAX];
    char file[LOADED_PROBLEMS_MAX][BD_JOURNAL_NAME_MAX]; /* of each problem */
    unsigned problems;
    uint64_t ahead; /* sum of the hints' bytes */
    struct bd_error error;
    bool any_time; /* the load's clock differs from the model's: expiries are not compared */
};

/* Loads; each binding given is checked to be one of its AoR's history, whole. */
int model_load(const struct model *m, struct memfs *fs, struct loaded *loaded);
int model_load_at(const struct model *m, struct memfs *fs, struct bd_journal_time now,
                  struct loaded *loaded);
/* Each AoR is at a version that it had between the acknowledged one and the latest. */
void model_expect(const struct model *m, const struct loaded *loaded,
                  const uint16_t version[MODEL_AORS]);
/* Each is at its latest. */
void model_expect_all(const struct model *m, const struct loaded *loaded);

#endif
