// Passwords of accounts are kept as salted scrypt hashes.
import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

const derive = promisify<string, Buffer, number, Buffer>(scrypt);
const LENGTH = 32;

export async function hash(password: string): Promise<string> {
  const salt = randomBytes(16);
  return `${salt.toString("hex")}:${(await derive(password, salt, LENGTH)).toString("hex")}`;
}

export async function matches(password: string, stored: string): Promise<boolean> {
  const [salt = "", expected = ""] = stored.split(":");
  return timingSafeEqual(await derive(password, Buffer.from(salt, "hex"), LENGTH), Buffer.from(expected, "hex"));
}
