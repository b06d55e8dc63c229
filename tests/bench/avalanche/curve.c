/* SPDX-License-Identifier: BSD-3-Clause */
#include "curve.h"

bool curve_open(struct curve *curve, const char *path, const char *series, uint32_t cnt,
                double step_s)
{
    *curve = (struct curve){
        .series = series, .cnt = cnt, .step = (uint32_t)(step_s * CROWD_TICKS_PER_S)};
    if (!path)
        return true;
    curve->file = fopen(path, "w");
    if (!curve->file) {
        perror(path);
        return false;
    }
    fputs("series,seconds,percent,registered,sent,lost\n", curve->file);
    return true;
}

static void write_point(struct curve *curve, uint32_t now, struct crowd *crowd)
{
    const struct crowd_counts *counts = crowd_counts(crowd);
    uint64_t changed = counts->registered + counts->sent;
    if (now > 0 && changed == curve->written)
        return;
    curve->written = changed;
    fprintf(curve->file, "%s,%.3f,%.2f,%u,%llu,%llu\n", curve->series,
            (double)now / CROWD_TICKS_PER_S, 100.0 * counts->registered / curve->cnt,
            counts->registered, (unsigned long long)counts->sent, (unsigned long long)counts->lost);
}

void curve_note(struct curve *curve, uint32_t now, struct crowd *crowd)
{
    if (!curve->file || now < curve->next)
        return;
    write_point(curve, now, crowd);
    curve->next = now - now % curve->step + curve->step;
}

bool curve_close(struct curve *curve, uint32_t now, struct crowd *crowd)
{
    if (!curve->file)
        return true;
    write_point(curve, now, crowd);
    if (fclose(curve->file) == 0)
        return true;
    perror("bindery-avalanche: the CSV file");
    return false;
}
