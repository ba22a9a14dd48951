/** An event or a document that a service could not apply. */
export interface Parked {
  service: string;
  identity: number;
  source: string;
  ordering_key: string;
  event: { type?: string; data?: Record<string, unknown> } & Record<string, unknown>;
  problem: string;
  attempts: number;
  parked_at: string;
}

export const PARKED = ["parked-events"];
