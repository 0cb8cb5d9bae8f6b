"""The store's tables, as the list of steps that made them. A step that was released is never changed: add another.

Each step and its row in `migrations` are one transaction, so a store is always at a whole step. A store of a newer
gateway is refused, never guessed at.
"""

import sqlite3

BOOK = "CREATE TABLE IF NOT EXISTS migrations (step INTEGER PRIMARY KEY, at_ns INTEGER NOT NULL) STRICT"
STEPS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE revisions (
            number INTEGER PRIMARY KEY, content TEXT NOT NULL, text TEXT NOT NULL, digest TEXT NOT NULL,
            plan TEXT NOT NULL, at_ns INTEGER NOT NULL, who TEXT NOT NULL, note TEXT NOT NULL, how TEXT NOT NULL,
            base INTEGER NOT NULL, "commit" TEXT NOT NULL, author TEXT NOT NULL, dirty INTEGER NOT NULL,
            diff TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('active', 'superseded', 'rolled back'))
        ) STRICT""",
        "CREATE UNIQUE INDEX one_active ON revisions (state) WHERE state = 'active'",
        """CREATE TABLE audit (
            number INTEGER PRIMARY KEY, at_ns INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL,
            target TEXT NOT NULL, detail TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL
        ) STRICT""",
        """CREATE TABLE isolations (
            id INTEGER PRIMARY KEY AUTOINCREMENT, target TEXT NOT NULL, reason TEXT NOT NULL, actor TEXT NOT NULL,
            note TEXT NOT NULL, at_ns INTEGER NOT NULL, expires_ns INTEGER NOT NULL, keep_open INTEGER NOT NULL,
            released_ns INTEGER
        ) STRICT""",
        "CREATE UNIQUE INDEX one_isolation ON isolations (target) WHERE released_ns IS NULL",
    ),
    (   # breakers are forced by hand too: one table for all that stands in the config's place for a time
        """CREATE TABLE overrides (
            id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, target TEXT NOT NULL, value TEXT NOT NULL,
            reason TEXT NOT NULL, who TEXT NOT NULL, note TEXT NOT NULL, at_ns INTEGER NOT NULL,
            expires_ns INTEGER NOT NULL, ended TEXT NOT NULL CHECK (ended IN ('', 'released', 'expired', 'replaced')),
            ended_ns INTEGER NOT NULL
        ) STRICT""",
        "CREATE UNIQUE INDEX one_override ON overrides (kind, target) WHERE ended = ''",
        """INSERT INTO overrides SELECT id, 'isolation', target, iif(keep_open, 'keep open', 'close'), reason,
            actor, note, at_ns, expires_ns, iif(released_ns IS NULL, '', 'released'),
            coalesce(released_ns, 0) FROM isolations""",
        "DROP TABLE isolations",
    ),
    (   # incidents; `installation` names this store in the keys of alerts, so that no other one's can be taken for it
        "CREATE TABLE installation (name TEXT PRIMARY KEY) STRICT",
        "INSERT INTO installation VALUES (lower(hex(randomblob(4))))",
        """CREATE TABLE incidents (
            id INTEGER PRIMARY KEY AUTOINCREMENT, state TEXT NOT NULL, opened_ns INTEGER NOT NULL,
            document TEXT NOT NULL
        ) STRICT""",
        "CREATE INDEX incidents_by_state ON incidents (state)",
        """CREATE TABLE timeline (
            number INTEGER PRIMARY KEY AUTOINCREMENT, incident INTEGER NOT NULL REFERENCES incidents (id),
            at_ns INTEGER NOT NULL, who TEXT NOT NULL, kind TEXT NOT NULL, words TEXT NOT NULL
        ) STRICT""",
        "CREATE INDEX timeline_of ON timeline (incident)",
        """CREATE TABLE outbox (
            number INTEGER PRIMARY KEY AUTOINCREMENT, incident INTEGER NOT NULL REFERENCES incidents (id),
            receiver TEXT NOT NULL, kind TEXT NOT NULL, document TEXT NOT NULL, at_ns INTEGER NOT NULL,
            due_ns INTEGER NOT NULL, attempts INTEGER NOT NULL, fault TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'given up'))
        ) STRICT""",
        "CREATE INDEX outbox_waiting ON outbox (due_ns) WHERE state = 'waiting'",
        """CREATE TABLE changes (
            number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, at_ns INTEGER NOT NULL, words TEXT NOT NULL,
            scope TEXT NOT NULL, reference TEXT NOT NULL
        ) STRICT""",
        """CREATE TABLE reports (
            number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, target TEXT NOT NULL, at_ns INTEGER NOT NULL,
            who TEXT NOT NULL, words TEXT NOT NULL
        ) STRICT""",
        """CREATE TABLE maintenance (
            id INTEGER PRIMARY KEY AUTOINCREMENT, target TEXT NOT NULL, reason TEXT NOT NULL, who TEXT NOT NULL,
            at_ns INTEGER NOT NULL, expires_ns INTEGER NOT NULL
        ) STRICT""",
    ),
    (   # what the gateway does by itself about an incident; one in force for a kind and target at a time
        """CREATE TABLE actions (
            id INTEGER PRIMARY KEY AUTOINCREMENT, incident INTEGER NOT NULL REFERENCES incidents (id),
            kind TEXT NOT NULL, target TEXT NOT NULL, state TEXT NOT NULL, document TEXT NOT NULL
        ) STRICT""",
        "CREATE INDEX actions_of ON actions (incident)",
        """CREATE UNIQUE INDEX one_action ON actions (kind, target)
            WHERE state IN ('tried', 'kept', 'held', 'returning')""",
    ),
    ("ALTER TABLE revisions ADD COLUMN reason TEXT NOT NULL DEFAULT ''",),
    (   # `resolved_ns`: the end that it was drafted for; after a relapse it is drafted anew
        """CREATE TABLE post_mortems (
            incident INTEGER PRIMARY KEY REFERENCES incidents (id), resolved_ns INTEGER NOT NULL,
            status TEXT NOT NULL, document TEXT NOT NULL
        ) STRICT""",
    ),
    (   # what would keep it from coming back; the same is not proposed twice for an incident
        """CREATE TABLE proposals (
            id INTEGER PRIMARY KEY AUTOINCREMENT, incident INTEGER NOT NULL REFERENCES incidents (id),
            kind TEXT NOT NULL, name TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('proposed', 'accepted', 'declined')), document TEXT NOT NULL,
            UNIQUE (incident, kind, name)
        ) STRICT""",
    ),
    (   # how a revision was watched after it was applied, and what came of it
        """CREATE TABLE probations (
            revision INTEGER PRIMARY KEY, beside INTEGER NOT NULL, state TEXT NOT NULL, began_ns INTEGER NOT NULL,
            at_ns INTEGER NOT NULL, verdict TEXT NOT NULL, proven INTEGER NOT NULL, document TEXT NOT NULL
        ) STRICT""",
    ),
    (   # what `gateway drill` saw
        """CREATE TABLE drills (
            number INTEGER PRIMARY KEY AUTOINCREMENT, at_ns INTEGER NOT NULL, who TEXT NOT NULL, document TEXT NOT NULL
        ) STRICT""",
    ),
)


class NewerStoreError(RuntimeError):
    """The store was written by a newer gateway."""


def migrate(connection: sqlite3.Connection, at_ns: int) -> None:
    """Bring the store to the last step. Raises NewerStoreError or sqlite3.Error; `connection` is in autocommit."""
    connection.execute(BOOK)
    done: int = connection.execute("SELECT coalesce(max(step), 0) FROM migrations").fetchone()[0]
    if done > len(STEPS):
        raise NewerStoreError(f"the store is at step {done}, this gateway knows {len(STEPS)}; run the newer gateway, "
                              "or give this one a state folder of its own")
    for step, statements in enumerate(STEPS[done:], done + 1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in statements:
                connection.execute(statement)
            connection.execute("INSERT INTO migrations VALUES (?, ?)", (step, at_ns))
            connection.execute("COMMIT")
        except sqlite3.Error:
            connection.execute("ROLLBACK")
            raise
