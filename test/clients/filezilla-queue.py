"""Writes FileZilla's queue (layout 7, of version 3.63). A JSON object on standard input: file, server, items."""

import json
import sqlite3
import sys

asked = json.load(sys.stdin)
DOWNLOAD = 16
ORDINARY = 2  # priority
RESUME = 5  # what to do with a target that is there
OVERWRITE = 1

store = sqlite3.connect(asked["file"])
store.executescript(
    """
    CREATE TABLE servers (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, host TEXT NOT NULL, port INTEGER, user TEXT,
      password TEXT, account TEXT, keyfile TEXT, protocol INTEGER, type INTEGER, logontype INTEGER,
      timezone_offset INTEGER, transfer_mode TEXT, max_connections INTEGER, encoding TEXT, bypass_proxy INTEGER,
      post_login_commands TEXT, name TEXT, parameters TEXT, site_path TEXT DEFAULT NULL);
    CREATE TABLE files (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, server INTEGER NOT NULL, source_file TEXT,
      target_file TEXT, local_path INTEGER, remote_path INTEGER, size INTEGER, error_count INTEGER, priority INTEGER,
      flags INTEGER, default_exists_action INTEGER, extra_flags TEXT);
    CREATE TABLE local_paths (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, path TEXT NOT NULL);
    CREATE TABLE remote_paths (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, path TEXT NOT NULL);
    PRAGMA user_version = 7;
    """
)
server = asked["server"]
store.execute(
    "INSERT INTO servers (id, host, port, user, password, protocol, type, logontype, timezone_offset, transfer_mode,"
    " max_connections, encoding, bypass_proxy) VALUES (1, ?, ?, ?, ?, ?, 0, 1, 0, ?, 1, 'Auto', 0)",
    [server[key] for key in ("host", "port", "user", "password", "protocol", "mode")],
)


def safe_path(folder):
    """Its own way to write a path: a type, no prefix, then each name behind its length."""
    return " ".join(["1 0", *(f"{len(name)} {name}" for name in folder.split("/") if name)])


for number, item in enumerate(asked["items"], 1):
    store.execute("INSERT INTO local_paths VALUES (?, ?)", [number, item["localFolder"]])
    store.execute("INSERT INTO remote_paths VALUES (?, ?)", [number, safe_path(item["remoteFolder"])])
    down = item["direction"] == "download"
    store.execute(
        "INSERT INTO files (server, source_file, target_file, local_path, remote_path, size, error_count, priority,"
        " flags, default_exists_action) VALUES (1, ?, ?, ?, ?, ?, 0, ?, ?, ?)",
        [
            *(item["source"], item["target"], number, number, item["size"], ORDINARY),
            *(DOWNLOAD if down else 0, RESUME if item["resume"] else OVERWRITE),
        ],
    )
store.commit()
