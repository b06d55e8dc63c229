/* SPDX-License-Identifier: BSD-3-Clause */
#include "search.h"

enum { CONVERGED = 10 };

static double at_least_tenth(double weight)
{
    return weight > 0.10 ? weight : 0.10;
}

struct search search_of(uint64_t r, double w)
{
    return (struct search){.r = r, .w = w, .d = at_least_tenth(w / 2)};
}

bool search_step(struct search *s, bool success)
{
    if (!success) {
        s->r = (uint64_t)((double)s->r - s->d * (double)s->r);
        s->d = at_least_tenth(s->d / 2);
        s->w = at_least_tenth(s->w / 2);
        return false;
    }
    if (s->r > s->old_r)
        s->old_r = s->r;
    else if (++s->count >= CONVERGED)
        return true;
    s->r = (uint64_t)((double)s->r + s->w * (double)s->r);
    return false;
}
