# The Waybill gateway.
#
#   docker build -t waybill .
#   docker run -p 127.0.0.1:9091:9091 -p 127.0.0.1:7878:7878 -v waybill:/data -e AllowInsecure=true waybill
#
# Without AllowInsecure it wants to know who its clients are (Tokens and its neighbours, docs/security.md), since it listens on every
# address of its container.
#
# A configuration of your own goes to /config.yaml: -v ./config.yaml:/config.yaml:ro. The root file system may be read-only.

FROM node:22-bookworm-slim AS build
WORKDIR /app
# The packages change less often than the source: this layer is kept until a manifest changes.
COPY package.json package-lock.json ./
COPY admin/package.json admin/
COPY proto/package.json proto/
COPY sdk-ts/package.json sdk-ts/
COPY server/package.json server/
COPY docs/api/package.json docs/api/
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.base.json ./
COPY proto proto
COPY sdk-ts sdk-ts
COPY server server
COPY admin admin
RUN npx tsc -b proto sdk-ts server
RUN cd admin && npx vite build
RUN npm prune --omit=dev --ignore-scripts --no-audit --no-fund
# What only the compiler and the tests read.
RUN find proto sdk-ts server -name node_modules -prune -o -type f \
      \( -name '*.test.*' -o -name '*.d.ts' -o -name '*.d.ts.map' -o -name '*.tsbuildinfo' \) -exec rm {} + \
  && rm -rf server/src sdk-ts/src proto/gen
# What no program reads of the installed packages: half of their 86 MB. OpenTelemetry brings every module three times, of which
# Node loads build/src; SQLite its source, and builds for other systems.
RUN find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete \
  && rm -rf node_modules/@types node_modules/@opentelemetry/*/build/esm node_modules/@opentelemetry/*/build/esnext \
    node_modules/@photostructure/sqlite/src node_modules/@photostructure/sqlite/prebuilds/darwin-* \
    node_modules/@photostructure/sqlite/prebuilds/win32-*
RUN mkdir /data

FROM node:22-bookworm-slim
ENV NODE_ENV=production \
    Host=0.0.0.0 \
    DataFile=/data/waybill.db
WORKDIR /app
# The gateway may read its own files, not write them.
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/proto proto
COPY --from=build /app/sdk-ts sdk-ts
COPY --from=build /app/server server
# The web UI is files; what built it stays behind.
COPY --from=build /app/admin/dist admin/dist
COPY --from=build --chown=node:node /data /data
USER node
VOLUME /data
EXPOSE 9091 7878
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "server/dist/cli/probe.js"]
# The heap's young part: Node takes less where memory is limited. With 32 MiB a gateway is 40 MB larger, and no faster.
ENTRYPOINT ["node", "--max-semi-space-size=16", "server/dist/cli/main.js"]
CMD ["serve"]
