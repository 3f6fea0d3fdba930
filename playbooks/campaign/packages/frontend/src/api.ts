// What the page asks the API.

export interface Campaign {
  readonly id: string;
  readonly name: string;
  readonly longitude: number;
  readonly latitude: number;
  readonly radius_m: number;
  readonly starts_at: string;
  readonly ends_at: string;
  readonly status: "scheduled" | "active" | "ended";
  readonly matches: number;
}

export interface Match {
  readonly visit_id: number;
  readonly visitor: string;
  readonly distance_m: number;
  readonly matched_at: string;
}

export const campaigns = () => ask<Campaign[]>("/api/campaigns");
export const campaign = (id: string) => ask<Campaign>(`/api/campaigns/${encodeURIComponent(id)}`);
export const matches = (id: string) => ask<Match[]>(`/api/campaigns/${encodeURIComponent(id)}/matches`);

async function ask<Answer>(path: string): Promise<Answer> {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`the API answered ${response.status}`);
  return (await response.json()) as Answer;
}
