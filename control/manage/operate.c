/* SPDX-License-Identifier: BSD-3-Clause */
/* `unregister`, `reload`, `drain`: what changes the run. */
#include "commands.h"
#include "reload.h"
#include "remover.h"
#include "words.h"

/* --- unregister ------------------------------------------------------------------------------- */

static void on_removed(void *arg, int removed, const struct bd_error *error)
{
    struct bd_answer *answer = arg;
    if (removed < 0)
        bd_answer_error(answer, "%s", error->text);
    else if (removed == 0)
        bd_answer_error(answer, "no such binding");
    else
        bd_answer_done(answer, "removed %d binding%s", removed, removed == 1 ? "" : "s");
}

void bd_command_unregister(struct bd_answer *answer, const struct bd_str *args, unsigned cnt)
{
    struct bd_control *control = bd_answer_control(answer);
    struct bd_control_aor aor;
    struct bd_error error;
    bd_control_reading(control);
    int rc = bd_control_aor(control, args[0], &aor, &error);
    bd_control_done_reading(control);
    struct bd_str contact = cnt > 1 ? args[1] : BD_STR_NULL;
    if (rc == 0)
        rc = bd_remover_ask(control->remover, (struct bd_str){aor.text, aor.len}, contact,
                            on_removed, answer, &error);
    if (rc < 0)
        bd_answer_error(answer, "%s", error.text);
}

/* --- reload ----------------------------------------------------------------------------------- */

static void on_reloaded(void *arg, bool ok, struct bd_str text)
{
    struct bd_answer *answer = arg;
    if (ok)
        bd_answer_done(answer, "%.*s", BD_STR_ARG(text));
    else
        bd_answer_errors(answer, text);
}

void bd_command_reload(struct bd_answer *answer, const struct bd_str *args, unsigned cnt)
{
    bd_reload(bd_answer_control(answer), on_reloaded, answer);
}

/* --- drain ------------------------------------------------------------------------------------ */

void bd_command_drain(struct bd_answer *answer, const struct bd_str *args, unsigned cnt)
{
    _Atomic uint32_t *draining = &bd_answer_control(answer)->arena.header->draining;
    bool on = cnt > 0 && bd_word_is(args[0], "on");
    if (cnt > 0 && !on && !bd_word_is(args[0], "off")) {
        bd_answer_usage(answer, "drain [on | off]");
        return;
    }
    if (cnt > 0 && on != (atomic_load(draining) != 0)) {
        atomic_store(draining, on);
        bd_log(BD_LOG_NOTICE, on ? "draining: new bindings are refused" : "draining ended");
    }
    bd_answer_done(answer, atomic_load(draining)
                               ? "draining: new bindings are refused, refreshes go through"
                               : "not draining");
}
