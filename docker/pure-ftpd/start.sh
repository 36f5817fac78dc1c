#!/usr/bin/env bash
# Makes the certificate at the first start, then runs the server in the foreground.
set -euo pipefail
certificate=/etc/ssl/private/pure-ftpd.pem
if [[ ! -s $certificate ]]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 \
        -subj /CN=ftps -addext subjectAltName=DNS:ftps,DNS:localhost \
        -keyout "$certificate" -out "$certificate.crt"
    cat "$certificate.crt" >>"$certificate"
    chmod 600 "$certificate"
fi
# -Y 2: no session without TLS. -p: the passive ports. -E: no anonymous logins. -l unix: /etc/passwd.
exec pure-ftpd -Y 2 -2 "$certificate" -p 30000:30099 -E -l unix -j
