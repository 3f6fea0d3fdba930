# For work on the page: Vite serves the sources, which are mounted, and tells the browser what has changed.
FROM node:20-alpine
WORKDIR /app/packages/frontend
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json development-server.mjs ./
USER node
EXPOSE 8080
CMD ["node", "development-server.mjs"]
