/* SPDX-License-Identifier: BSD-3-Clause */
/* Named points between two steps of the slot protocol, where a test may kill the process or let
 * other threads pass. Nothing at all outside of test builds. */
#ifndef BD_LOCATION_RACE_H
#define BD_LOCATION_RACE_H

#ifdef BD_RACE_TEST
extern void (*bd_race_hook)(const char *point);
#define BD_RACE_POINT(name) (bd_race_hook ? bd_race_hook(name) : (void)0)
#else
#define BD_RACE_POINT(name) ((void)0)
#endif

#endif
