import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { secret, SettingsError, text, wholeNumber } from "../src/settings";

const folder = mkdtempSync(join(tmpdir(), "settings-"));

test("a secret comes from its file, without the file's last line break", () => {
  writeFileSync(join(folder, "jwt_secret"), " kept $as-it is \n");
  assert.equal(secret({ JWT_SECRET: "from the variable" }, "JWT_SECRET", folder), " kept $as-it is ");
});

test("a file that is named wins, and is an error when it is not there", () => {
  writeFileSync(join(folder, "other"), "named");
  assert.equal(secret({ JWT_SECRET_FILE: join(folder, "other") }, "JWT_SECRET", folder), "named");
  assert.throws(() => secret({ JWT_SECRET_FILE: "/nowhere", JWT_SECRET: "x" }, "JWT_SECRET", folder), SettingsError);
});

test("without a file the variable is taken, and nothing is an error that does not show a value", () => {
  assert.equal(secret({ S3_SECRET_KEY: "shell" }, "S3_SECRET_KEY", folder), "shell");
  assert.throws(() => secret({}, "S3_SECRET_KEY", folder), /S3_SECRET_KEY is missing/);
});

test("a number is whole and above zero", () => {
  assert.equal(wholeNumber({ PORT: "" }, "PORT", 3000), 3000);
  for (const wrong of ["0", "-1", "1.5", "1e3", "many"]) {
    assert.throws(() => wholeNumber({ PORT: wrong }, "PORT", 3000), /PORT is/);
  }
});

test("a variable without value or default is an error", () => {
  assert.equal(text({}, "S3_BUCKET", "campaign-assets"), "campaign-assets");
  assert.throws(() => text({}, "S3_BUCKET"), /S3_BUCKET is not set/);
});
