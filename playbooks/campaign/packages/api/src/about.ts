// What the API says of itself.
export const ABOUT = { name: "campaign-api", version: "1.0.0" };
