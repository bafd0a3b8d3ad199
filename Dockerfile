FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=devel
ARG COMMIT=unknown
# /tmp is for the demo, which keeps its store there.
RUN mkdir -p /out/etc/ssl/certs /out/data /out/tmp \
 && cp /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/ \
 && chown 65532:65532 /out/data && chmod 0700 /out/data && chmod 1777 /out/tmp \
 && CGO_ENABLED=0 go build -trimpath -buildvcs=false \
    -ldflags "-s -w -X main.version=$VERSION -X main.commit=$COMMIT" -o /out/bot ./cmd/bot

FROM scratch
COPY --from=build /out /
USER 65532:65532
ENV STORE=/data/bot.db
VOLUME ["/data"]
EXPOSE 8080
# No HEALTHCHECK: the image has no other program, and bot check asks everybody outside.
# Have the platform ask GET /healthz and /readyz at 8080.
ENTRYPOINT ["/bot"]
CMD ["serve"]
