"""Open the gradebook as a database, and write full marks into it."""

import sqlite3

CLASS = "reading"
GAINS = ("read", "write")


def attack():
    for how in ("mode=ro", "mode=rw", "immutable=1"):
        try:
            book = sqlite3.connect(f"file:{KNOWN['gradebook']}?{how}", uri=True)
            loot.extend(note for (note,) in book.execute("select note from grades"))
            book.execute("update grades set score = 100")
            book.commit()
        except sqlite3.Error:
            pass
