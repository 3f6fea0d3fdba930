// The bucket with the campaigns' assets, in anything that speaks S3.
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { Client } from "minio";
import type { StorageSettings } from "./settings";

export interface Asset {
  readonly content: Buffer;
  readonly type: string;
}

export class Storage {
  private readonly client: Client;
  private readonly bucket: string;

  constructor(settings: StorageSettings) {
    const { protocol, hostname, port } = settings.endpoint;
    const secure = protocol === "https:";
    this.bucket = settings.bucket;
    this.client = new Client({
      endPoint: hostname,
      port: Number(port) || (secure ? 443 : 80),
      useSSL: secure,
      accessKey: settings.accessKey,
      secretKey: settings.secretKey,
      region: "us-east-1",
      pathStyle: true,
    });
  }

  /** Make the bucket; false when it was there already. */
  async createBucket(): Promise<boolean> {
    if (await this.client.bucketExists(this.bucket)) return false;
    await this.client.makeBucket(this.bucket);
    return true;
  }

  /** Throws when the storage is away, refuses the keys, or has no such bucket. */
  async check(): Promise<void> {
    if (!(await this.client.bucketExists(this.bucket))) throw new Error(`there is no bucket ${this.bucket}`);
  }

  async put(key: string, asset: Asset): Promise<void> {
    await this.client.putObject(this.bucket, key, Readable.from([asset.content]), asset.content.length, {
      "Content-Type": asset.type,
    });
  }

  /** The asset, or null when there is none. */
  async get(key: string): Promise<Asset | null> {
    try {
      const { metaData } = await this.client.statObject(this.bucket, key);
      const content = await buffer(await this.client.getObject(this.bucket, key));
      return { content, type: metaData["content-type"] ?? "application/octet-stream" };
    } catch (error) {
      if (["NotFound", "NoSuchKey"].includes((error as { code?: string }).code ?? "")) return null;
      throw error;
    }
  }
}
