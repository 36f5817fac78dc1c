# The portal as an image of its own: the program, the shared libraries that it is linked to, and the
# CA certificates by which it verifies FTPS servers. Nothing else: no shell, no package manager.
#
#   docker build --tag ferryport .
#
# docs/operating.md has the `docker run` line.

# The tag pins the release of Rust and of Debian, and still takes Debian's security fixes when the
# image is built again with `--pull`. Where builds have to be the same byte for byte, pin the digest
# too (`rust:1.95-slim-bookworm@sha256:…`), and have a bot renew it: a digest that nobody renews
# leaves these fixes out.
FROM rust:1.95-slim-bookworm AS build
RUN rustup target add wasm32-unknown-unknown
WORKDIR /src
COPY . .
# `distribution` makes a smaller and faster program, and takes several times as long.
ARG PROFILE=release
# The cache mounts keep the crates and what was compiled of them for the next build; what the image needs
# is copied out of them.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --profile "$PROFILE" --locked --package ferryport \
 && install -D --strip "target/$PROFILE/ferryport" /image/usr/local/bin/ferryport
# `ldd` names the loader and the libraries by their paths.
RUN ldd /image/usr/local/bin/ferryport | grep --only-matching '/[^ ]*' \
  | xargs cp --dereference --parents --target-directory=/image \
 && cp --parents /etc/ssl/certs/ca-certificates.crt /image \
 && echo 'hosts: files dns' >/image/etc/nsswitch.conf

FROM scratch
LABEL org.opencontainers.image.title="Ferryport" \
      org.opencontainers.image.description="Upload files to any FTPS server from a browser" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.documentation="docs/operating.md"
COPY --from=build /image /
# All addresses of the container. The portal starts only with `FERRYPORT_TRUSTED_PROXIES` or with a
# certificate (`FERRYPORT_TLS_CERTIFICATE_FILE`), because passwords go over this connection.
ENV FERRYPORT_LISTEN=0.0.0.0:8080
EXPOSE 8080
# By number, so that `runAsNonRoot` of Kubernetes can tell that it is not root.
USER 65532:65532
HEALTHCHECK --interval=10s --timeout=6s --start-period=5s --retries=3 \
    CMD ["/usr/local/bin/ferryport", "health"]
ENTRYPOINT ["/usr/local/bin/ferryport"]
CMD ["serve"]
