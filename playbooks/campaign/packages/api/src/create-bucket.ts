// One-shot: the bucket for the campaigns' assets, if it is not there yet.
import { makeLog, reason } from "@campaign/shared";
import { storageFromEnvironment } from "./settings";
import { Storage } from "./storage";

async function main(): Promise<void> {
  const log = makeLog("create-bucket", process.env.LOG_LEVEL);
  try {
    const settings = storageFromEnvironment(process.env);
    const made = await new Storage(settings).createBucket();
    log("info", made ? "the bucket was made" : "the bucket is there already", { bucket: settings.bucket });
  } catch (error) {
    log("error", "the bucket could not be made", { error: reason(error) });
    process.exit(1);
  }
}

void main();
