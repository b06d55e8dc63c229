/* SPDX-License-Identifier: BSD-3-Clause */
#include "journal_print.h"

#include <inttypes.h>
#include <time.h>

static const char *const type_name[] = {
    [BD_JOURNAL_PUT] = "PUT",       [BD_JOURNAL_STATE] = "STATE", [BD_JOURNAL_EMPTY] = "EMPTY",
    [BD_JOURNAL_COMMIT] = "COMMIT", [BD_JOURNAL_END] = "END",
};

static void print_time(FILE *out, uint64_t ms)
{
    struct tm tm;
    time_t s = (time_t)(ms / 1000);
    char text[64] = "?";
    if (gmtime_r(&s, &tm))
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
    fprintf(out, "%s.%03uZ", text, (unsigned)(ms % 1000));
}

static void print_text(FILE *out, struct bd_str text)
{
    for (uint32_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c > ' ' && c < 0x7f && c != '\\')
            fputc(c, out);
        else
            fprintf(out, "\\x%02x", c);
    }
}

void bd_journal_print_header(FILE *out, const struct bd_journal_header *header)
{
    fprintf(out, "%s %" PRIu64 ", format %u, made ",
            header->kind == BD_JOURNAL_FILE_SNAPSHOT ? "snapshot" : "journal", header->number,
            header->version);
    print_time(out, header->made.wall_ms);
    fprintf(out, ", table %016" PRIx64 " of %" PRIu64 " slots", header->geometry, header->slots);
    if (header->previous)
        fprintf(out, ", goes on from journal %" PRIu64, header->previous);
    fputc('\n', out);
}

static void print_contact(FILE *out, const struct bd_journal_record *record, unsigned c)
{
    fputs(c ? ", " : " ", out);
    if (record->type == BD_JOURNAL_PUT) {
        print_text(out, record->binding[c].text[BD_TEXT_URI]);
        fputc(' ', out);
    }
    fprintf(out, "CSeq %u until ", record->contact[c].cseq);
    print_time(out, record->contact[c].expires_ms);
}

void bd_journal_print_record(FILE *out, const struct bd_journal_record *record)
{
    fprintf(out, "%" PRIu64 " #%" PRIu64 " %s", record->off, record->seq, type_name[record->type]);
    switch (record->type) {
    case BD_JOURNAL_PUT:
    case BD_JOURNAL_STATE:
        fprintf(out, " slot %" PRIu64 " check %08x ", record->slot, record->check);
        if (record->type == BD_JOURNAL_PUT)
            print_text(out, record->aor);
        for (unsigned c = 0; c < record->cnt; c++)
            print_contact(out, record, c);
        break;
    case BD_JOURNAL_EMPTY:
        fprintf(out, " slot %" PRIu64, record->slot);
        break;
    case BD_JOURNAL_COMMIT:
    case BD_JOURNAL_END:
        fprintf(out, " %" PRIu64 " records at ", record->records);
        print_time(out, record->wall_ms);
        if (record->next)
            fprintf(out, ", journal %" PRIu64 " goes on", record->next);
        break;
    }
    fputc('\n', out);
}

void bd_journal_print_problem(FILE *out, const struct bd_journal_problem *problem)
{
    fprintf(out, "%s: byte %" PRIu64, problem->file ? problem->file : "?", problem->off);
    if (problem->bytes)
        fprintf(out, ", %" PRIu64 " bytes", problem->bytes);
    fprintf(out, ", after record %" PRIu64 ": %s", problem->after,
            bd_journal_trouble_text(problem->trouble));
    if (problem->lost)
        fprintf(out, "; %" PRIu64 " records lost", problem->lost);
    fputc('\n', out);
}
