# The app's image: one static program, the certificate authorities that it trusts, and an empty data folder. It runs as a user
# without rights. With no settings it keeps everything in /data: mount a volume there.
#
# The base image is pinned by tag. Pin it by digest where the registry can be asked for one:
# docker buildx imagetools inspect golang:1.26.8
FROM golang:1.26.8 AS build
WORKDIR /src
# Modules in a layer of their own: they change less often than the code.
COPY app/go.mod app/go.sum ./
RUN go mod download
COPY app ./
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$VERSION" -o /rootfs/dossier ./cmd/dossier
# SQLite puts what does not fit into memory into /tmp.
RUN mkdir -p /rootfs/data /rootfs/tmp /rootfs/etc/ssl/certs && \
    cp /etc/ssl/certs/ca-certificates.crt /rootfs/etc/ssl/certs/

# For compose.yaml only; see app/internal/cloud. Not built unless it is asked for.
FROM build AS prepare
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -o /usr/local/bin/cloud ./internal/cloud
ENTRYPOINT ["cloud", "prepare"]

FROM scratch
COPY --from=build --chown=65532:65532 /rootfs /
USER 65532:65532
# Inside a container, localhost is nobody else's.
ENV DOSSIER_LISTEN=:8080 DOSSIER_DATA=/data
EXPOSE 8080
VOLUME /data
HEALTHCHECK CMD ["/dossier", "healthcheck"]
ENTRYPOINT ["/dossier"]
CMD ["serve"]
