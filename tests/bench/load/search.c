/* SPDX-License-Identifier: BSD-3-Clause */
#include "search.h"

enum { CONVERGED = 3 };

static double not_too_small(double weight)
{
    return weight > 0.02 ? weight : 0.02;
}

struct search search_of(uint64_t r, double w)
{
    return (struct search){.r = r, .w = w, .d = not_too_small(w / 2)};
}

bool search_step(struct search *s, bool success)
{
    if (!success) {
        s->r = (uint64_t)((double)s->r - s->d * (double)s->r);
        s->d = not_too_small(s->d / 2);
        s->w = not_too_small(s->w / 2);
        return false;
    }
    if (s->r > s->old_r)
        s->old_r = s->r;
    else if (++s->count >= CONVERGED)
        return true;
    s->r = (uint64_t)((double)s->r + s->w * (double)s->r);
    return false;
}
