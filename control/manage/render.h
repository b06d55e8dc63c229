/* SPDX-License-Identifier: BSD-3-Clause */
/* One document, two renderings: an answer is built once as JSON; people get this text of it.
 *
 *   {"arena": {"path": "/dev/shm/x"}, "serving": true}   ->   arena path: /dev/shm/x
 *                                                                serving: yes
 *   {"workers": [{"worker": 0, "rx_frames": 7}, ...]}    ->   WORKER  RX-FRAMES
 *                                                                  0          7
 *
 * Never writes an empty line (it would end the answer), never a control character or a byte beyond
 * ASCII (they stand as \xNN: what a phone sent must not drive an operator's terminal). */
#ifndef BD_RENDER_H
#define BD_RENDER_H

#include <event2/buffer.h>
#include <jansson.h>

#include "str.h"

enum bd_render_style {
    BD_RENDER_TABLES, /* an array of objects becomes a table */
    BD_RENDER_BLOCKS  /* an array of objects becomes numbered labels: "contact 1 uri: ..." */
};

void bd_render(struct evbuffer *out, const json_t *document, enum bd_render_style style);

/* Adds `s` escaped as above, then blanks up to `width` columns and one more; width 0 adds none. */
void bd_render_cell(struct evbuffer *out, struct bd_str s, uint32_t width);

/* A JSON string of any bytes: text that is no UTF-8 has its odd bytes escaped as \xNN. */
json_t *bd_json_str(struct bd_str s);

#endif
