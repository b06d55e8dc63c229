/* SPDX-License-Identifier: BSD-3-Clause */
/* The messages of tests/corpus, and buffers whose last byte lies before a page nobody may touch. */
#ifndef BD_TEST_CORPUS_H
#define BD_TEST_CORPUS_H

#include "str.h"

struct corpus_file {
    char name[96]; /* "desk-snom-q.sip", "torture/rfc4475/wsinv.dat" */
    struct bd_str text;
};

struct corpus {
    struct corpus_file file[160];
    unsigned cnt;
};

/* Loads every file of a folder of tests/corpus ("" is the top) that ends in suffix, sorted by name.
 * Ends the test program when there is none. */
void corpus_load(struct corpus *corpus, const char *folder, const char *suffix);

/* Everything: our own messages and both RFCs'. */
void corpus_load_all(struct corpus *corpus);
const struct corpus_file *corpus_find(const struct corpus *corpus, const char *name);

/* Memory between two PROT_NONE pages. */
struct guarded {
    char *begin, *end;
};
struct guarded guarded_new(uint32_t cap);
void guarded_free(struct guarded *g);
/* Copies the text so that it ends at the upper, or begins at the lower, guard page. */
char *guarded_high(const struct guarded *g, struct bd_str text);
char *guarded_low(const struct guarded *g, struct bd_str text);

#endif
