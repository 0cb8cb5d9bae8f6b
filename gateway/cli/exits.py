"""Exit codes of every command; docs/commands.md is made of this table."""

DONE, FAILED, USAGE, NOT_READY, NEEDS_APPROVAL = range(5)

MEANINGS = {
    DONE: "done; also where a list is empty, and after Ctrl-C of what goes on for ever",
    FAILED: "refused, wrong or not found, or no gateway answers; stderr says which, and what to do",
    USAGE: "the command is not written so; stderr says how",
    NOT_READY: "`status`: the gateway answers, and is not ready",
    NEEDS_APPROVAL: "`replay`: a person has to approve the config, with --approve",
}
