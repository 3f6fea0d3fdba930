// Configuration, read once: plain values from the environment, secrets from files. Knows no service.
import { readFileSync } from "node:fs";

export type Environment = Readonly<Record<string, string | undefined>>;

/** A value that can not be used. Its message names the variable and never a secret's value. */
export class SettingsError extends Error {}

/** A variable, or its default; SettingsError when it has neither. */
export function text(environment: Environment, name: string, fallback?: string): string {
  const value = environment[name] || fallback;
  if (value === undefined) throw new SettingsError(`${name} is not set`);
  return value;
}

/** A whole number above zero. */
export function wholeNumber(environment: Environment, name: string, fallback: number): number {
  const value = environment[name] || String(fallback);
  if (!/^[1-9][0-9]{0,8}$/.test(value)) {
    throw new SettingsError(`${name} is "${value}", expected a whole number above zero`);
  }
  return Number(value);
}

/**
 * A secret: from the file that NAME_FILE names, else from /run/secrets/name, else from the variable NAME itself, which
 * is for a developer's shell only. One line break at the end belongs to the file, not to the value.
 */
export function secret(environment: Environment, name: string, folder = "/run/secrets"): string {
  const named = environment[`${name}_FILE`];
  const file = named || `${folder}/${name.toLowerCase()}`;
  let value: string | undefined;
  try {
    value = readFileSync(file, "utf8").replace(/\r?\n$/, "");
  } catch (error) {
    if (named || (error as NodeJS.ErrnoException).code !== "ENOENT") {
      throw new SettingsError(`${name}: ${file} can not be read (${(error as NodeJS.ErrnoException).code})`);
    }
    value = environment[name];
  }
  if (!value) throw new SettingsError(`${name} is missing: expected the file ${file}`);
  return value;
}
