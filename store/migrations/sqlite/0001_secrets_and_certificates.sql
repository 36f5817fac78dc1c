-- Secrets, sealed by the portal's keyring. `kind` and `name` say what a secret is for; `key_id` is the
-- key of the keyring that sealed it.
CREATE TABLE secrets (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    key_id TEXT NOT NULL,
    ciphertext BLOB NOT NULL,
    changed_ms BIGINT NOT NULL,
    PRIMARY KEY (kind, name)
);

-- Certificates of the portal with their chains in PEM form. The private key of each is a secret of the
-- same name.
CREATE TABLE acme_certificates (
    name TEXT NOT NULL PRIMARY KEY,
    chain TEXT NOT NULL,
    changed_ms BIGINT NOT NULL
);

-- Challenges that a certificate authority may ask about until `until_ms` (RFC 8555 section 8). They are
-- answered in public and are no secrets.
CREATE TABLE acme_challenges (
    token TEXT NOT NULL PRIMARY KEY,
    domain TEXT NOT NULL,
    key_authorization TEXT NOT NULL,
    until_ms BIGINT NOT NULL
);

-- Work that only one portal may do at a time.
CREATE TABLE leases (
    name TEXT NOT NULL PRIMARY KEY,
    instance TEXT NOT NULL,
    until_ms BIGINT NOT NULL
);
