-- Drops: links that anybody can upload to. A limit that the drop does not have is 2^63 - 1, so that one
-- comparison serves all. `password_hash` is empty where there is no password, `revoked_ms` is 0 until the
-- drop is withdrawn. The secret of the link is sealed, a secret of the kind `drop_link`.
CREATE TABLE drops (
    id TEXT NOT NULL PRIMARY KEY,
    secret_sha256 BYTEA NOT NULL,
    preset TEXT NOT NULL,
    title TEXT NOT NULL,
    note TEXT NOT NULL,
    folder TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    types TEXT NOT NULL,
    ask TEXT NOT NULL,
    starts_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    revoked_ms BIGINT NOT NULL,
    max_files BIGINT NOT NULL,
    max_bytes BIGINT NOT NULL,
    max_file_bytes BIGINT NOT NULL,
    max_arrivals BIGINT NOT NULL,
    used_files BIGINT NOT NULL,
    used_bytes BIGINT NOT NULL,
    used_arrivals BIGINT NOT NULL
);

-- Arrivals: what one guest delivers. One begins with its first claimed file. Who the guest is, and the
-- folder, is sealed, a secret of the kind `drop_arrival`. `finished_ms` is 0 until the guest has finished.
CREATE TABLE arrivals (
    id TEXT NOT NULL PRIMARY KEY,
    drop_id TEXT NOT NULL,
    key_sha256 BYTEA NOT NULL,
    client TEXT NOT NULL,
    started_ms BIGINT NOT NULL,
    last_ms BIGINT NOT NULL,
    finished_ms BIGINT NOT NULL,
    files BIGINT NOT NULL,
    bytes BIGINT NOT NULL
);
CREATE INDEX arrivals_of_drop ON arrivals (drop_id);

-- Files of arrivals: claimed, then stored, failed or released. Name and path are sealed, a secret of the kind
-- `drop_file`. A claim belongs to the portal `instance`, which is empty while the upload is paused, and ends
-- at `lease_until_ms`. The path of a claimed file is nobody else's; once it is stored, the server shows it.
CREATE TABLE arrival_files (
    id TEXT NOT NULL PRIMARY KEY,
    drop_id TEXT NOT NULL,
    arrival_id TEXT NOT NULL,
    preset TEXT NOT NULL,
    name_sha256 BYTEA NOT NULL,
    path_sha256 BYTEA NOT NULL,
    number BIGINT NOT NULL,
    size BIGINT NOT NULL,
    state TEXT NOT NULL,
    instance TEXT NOT NULL,
    lease_until_ms BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    verified TEXT NOT NULL,
    problem TEXT NOT NULL
);
CREATE UNIQUE INDEX arrival_files_claimed_path ON arrival_files (preset, path_sha256) WHERE state = 'claimed';
CREATE INDEX arrival_files_lease ON arrival_files (lease_until_ms) WHERE state = 'claimed';
CREATE INDEX arrival_files_of_arrival ON arrival_files (arrival_id);
