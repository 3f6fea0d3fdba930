// What Nest hands to controllers, and the names under which it does.
export const DATABASE = Symbol("database");
export const LOG = Symbol("log");
export const REDIS = Symbol("redis");
export const SETTINGS = Symbol("settings");
export const STORAGE = Symbol("storage");
