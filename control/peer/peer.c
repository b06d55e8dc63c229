/* SPDX-License-Identifier: BSD-3-Clause */
#include "peer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "clock.h"
#include "sweeper.h"

struct bd_peer {
    struct bd_control *control;
    struct event *timer;
    struct event *death; /* on pidfd; NULL while there is no dataplane */
    int pidfd;
    uint32_t pid, generation;
};

static struct bd_role_line *dataplane_line(const struct bd_peer *peer)
{
    return bd_control_line(peer->control, BD_ROLE_DATAPLANE);
}

static void bury_workers(struct bd_peer *peer, uint32_t generation)
{
    bd_epoch_bury(peer->control->table.epoch, bd_epoch_worker(0), BD_WORKERS_MAX,
                  (uint16_t)generation);
}

static void let_go(struct bd_peer *peer)
{
    if (peer->death)
        event_free(peer->death);
    peer->death = NULL;
    if (peer->pidfd >= 0)
        close(peer->pidfd);
    peer->pidfd = -1;
}

static void on_death(evutil_socket_t fd, short what, void *arg)
{
    struct bd_peer *peer = arg;
    bd_log(BD_LOG_NOTICE, "bindery-dataplane (pid %u) is gone; its bindings stay in the arena",
           peer->pid);
    let_go(peer);
    bury_workers(peer, peer->generation);
}

/* The generation is read before the lock is looked at: if that is free, whose lines say so is dead.
 * The pidfd is opened before the second look at the line: if pid and generation are the same then,
 * and the lock is held, the descriptor is that process's and no successor's. */
static void look_for_dataplane(struct bd_peer *peer)
{
    struct bd_role_line *line = dataplane_line(peer);
    uint32_t generation = atomic_load(&line->generation), pid = atomic_load(&line->pid);
    if (!bd_arena_role_alive(&peer->control->arena, BD_ROLE_DATAPLANE)) {
        bury_workers(peer, generation); /* it may have come and died since the last look */
        return;
    }
    if (pid == 0)
        return;
    peer->pidfd = pidfd_open((pid_t)pid, 0);
    if (peer->pidfd < 0)
        return;
    if (atomic_load(&line->generation) == generation && atomic_load(&line->pid) == pid &&
        bd_arena_role_alive(&peer->control->arena, BD_ROLE_DATAPLANE))
        peer->death = event_new(peer->control->base, peer->pidfd, EV_READ, on_death, peer);
    if (!peer->death || event_add(peer->death, NULL) < 0) {
        let_go(peer);
        return;
    }
    peer->pid = pid;
    peer->generation = generation;
    bd_log(BD_LOG_NOTICE, "bindery-dataplane is here (pid %u)", pid);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct bd_peer *peer = arg;
    struct bd_control *control = peer->control;
    atomic_store_explicit(&bd_control_line(control, BD_ROLE_CONTROL)->heartbeat_ms, bd_clock_ms(),
                          memory_order_relaxed);
    if (!peer->death)
        look_for_dataplane(peer);
    if (control->sweeper)
        bd_sweeper_pause(control->sweeper, !bd_peer_serving(peer));
}

struct bd_peer *bd_peer_new(struct bd_control *control, struct bd_error *error)
{
    struct bd_peer *peer = calloc(1, sizeof(*peer));
    struct timeval tick = {.tv_usec = BD_PEER_TICK_MS * 1000};
    if (peer) {
        *peer = (struct bd_peer){.control = control, .pidfd = -1};
        peer->timer = event_new(control->base, -1, EV_PERSIST, on_tick, peer);
    }
    if (!peer || !peer->timer || event_add(peer->timer, &tick) < 0) {
        bd_peer_free(peer);
        bd_fail(error, "out of memory");
        return NULL;
    }
    /* Lines of dead processes would hold up reuse for ever: of control's those of a predecessor, as
     * the journal's threads of this process read already. */
    bd_table_bury_readers(&control->table);
    on_tick(-1, 0, peer);
    return peer;
}

void bd_peer_free(struct bd_peer *peer)
{
    if (!peer)
        return;
    let_go(peer);
    if (peer->timer)
        event_free(peer->timer);
    free(peer);
}

bool bd_peer_alive(const struct bd_peer *peer)
{
    return peer->death != NULL;
}

bool bd_peer_serving(const struct bd_peer *peer)
{
    return peer->death && atomic_load(&dataplane_line(peer)->serving) != 0;
}
