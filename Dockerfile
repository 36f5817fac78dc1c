# The portal as one binary in a small image.
FROM rust:1-bookworm AS build
RUN rustup target add wasm32-unknown-unknown
WORKDIR /src
COPY . .
# Without the demo's FTPS server: an image is for `serve`.
RUN cargo build --release --locked --package ferryport --no-default-features

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --no-create-home --shell /usr/sbin/nologin ferryport
COPY --from=build /src/target/release/ferryport /usr/local/bin/ferryport
USER ferryport
EXPOSE 8080
ENTRYPOINT ["ferryport"]
CMD ["serve"]
