export * from "./channels";
export * from "./connections";
export * from "./log";
export * from "./settings";
export * from "./worker";
