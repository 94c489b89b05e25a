# autoclosed in an image that holds the program, the certificates it trusts, and nothing else: no shell, no user but a
# number. How to run it, read-only and with its secrets: docs/deploy.md, Containers.
FROM docker.io/library/rust:1-bookworm AS build
# The versions are those of the Debian release.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates musl-tools \
    && rm -rf /var/lib/apt/lists/*
RUN rustup target add x86_64-unknown-linux-musl
WORKDIR /build
COPY . .
RUN cargo build --release --locked --target x86_64-unknown-linux-musl \
    && mkdir -p /root-of-image/var/lib /root-of-image/etc/autoclosed /root-of-image/tmp \
    && install -D target/x86_64-unknown-linux-musl/release/autoclosed /root-of-image/usr/bin/autoclosed \
    && install -D -m 644 /etc/ssl/certs/ca-certificates.crt /root-of-image/etc/ssl/certs/ca-certificates.crt \
    && install -d -m 700 -o 65532 -g 65532 /root-of-image/var/lib/autoclosed

FROM scratch
COPY --from=build /root-of-image/ /
# The database is here, and a relative `database.url` starts here. A new volume takes its owner from the image.
WORKDIR /var/lib/autoclosed
VOLUME /var/lib/autoclosed
# Files called intercom-access-token and intercom-client-secret, as Docker's and Kubernetes' secrets are mounted.
ENV CREDENTIALS_DIRECTORY=/run/secrets
USER 65532:65532
EXPOSE 8080 8081
# Status 0 while all is well. The first look at a large workspace takes minutes.
HEALTHCHECK --interval=30s --timeout=10s --start-period=10m --retries=3 CMD ["/usr/bin/autoclosed", "status"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/autoclosed"]
CMD ["run", "--config", "/etc/autoclosed/autoclosed.toml"]
