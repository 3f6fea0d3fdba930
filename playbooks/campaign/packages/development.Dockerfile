# For work on the API, the rules engine and the scheduler: everything but their sources, which are mounted. One image for
# all three, made anew only when the packages they need have changed.
FROM node:20-alpine
# Shared code is taken from its sources, not from what a build makes of them.
ENV NODE_OPTIONS=--conditions=development
WORKDIR /app/packages
COPY package.json package-lock.json ./
COPY shared/package.json shared/
COPY api/package.json api/
COPY rules-engine/package.json rules-engine/
COPY scheduler/package.json scheduler/
RUN npm ci --no-audit --no-fund
COPY tsconfig.json ./
USER node
