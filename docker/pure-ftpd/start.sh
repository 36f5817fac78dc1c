#!/usr/bin/env bash
# Makes a certificate unless there is one, then runs the server in the foreground.
set -euo pipefail
certificate=/etc/pure-ftpd/tls/pure-ftpd.pem
if [[ ! -s $certificate ]]; then
    mkdir -p "${certificate%/*}"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 \
        -subj /CN=ftps -addext subjectAltName=DNS:ftps,DNS:localhost \
        -keyout "$certificate.key" -out "$certificate.crt"
    # One file with key and certificate, complete before it has its name.
    (umask 077 && cat "$certificate.key" "$certificate.crt" >"$certificate.partial")
    rm "$certificate.key"
    mv "$certificate.partial" "$certificate"
fi
# -Y 2: no session without TLS. -2: key and certificate. -p: the passive ports. -E: no anonymous
# logins. -l unix: accounts of the system. -j: make missing home directories.
exec pure-ftpd -Y 2 -2 "$certificate" -p 30000:30099 -E -l unix -j
