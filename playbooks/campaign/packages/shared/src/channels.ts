// The words that the services have agreed on in Redis.

/** Something about the campaigns has changed. */
export const CAMPAIGNS_CHANGED = "campaigns.changed";
/** A visit was recorded and wants to be looked at. */
export const VISIT_RECORDED = "visits.recorded";
/** A visit belongs to a campaign. */
export const VISIT_MATCHED = "visits.matched";
/** The list of campaigns as JSON, for a few seconds. */
export const CAMPAIGNS_CACHE = "cache:campaigns";
