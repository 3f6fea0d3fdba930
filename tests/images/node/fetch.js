// node fetch.js URL SHA1 FILE: downloads, checks, writes.
const { createHash } = require("node:crypto");
const { writeFileSync } = require("node:fs");

const [url, expected, file] = process.argv.slice(2);
(async () => {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  const bytes = Buffer.from(await answer.arrayBuffer());
  const found = createHash("sha1").update(bytes).digest("hex");
  if (found !== expected) throw new Error(`${url}: expected sha1 ${expected}, found ${found}`);
  writeFileSync(file, bytes);
})();
