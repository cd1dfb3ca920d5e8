/** What the API answers, as far as the page reads it. Sides are in pixels, confidences in percent. */

/** `working` is every image whose current run has not ended. */
export type Status = "completed" | "failed" | "working";

export interface Named {
  name: string;
  confidence: number;
}

export interface Picture {
  url: string;
  width: number;
  height: number;
}

export interface Failure {
  stage: string;
  reason: string;
  /** The same as a sentence; a summary leaves it out. */
  detail?: string;
  fault?: string;
}

export interface Summary {
  image: string;
  run: number;
  status: Status;
  /** ISO 8601: when it ended, or, while it is worked on, when it began. */
  at: string;
  name: string;
  owner: string | null;
  format: string | null;
  width: number | null;
  height: number | null;
  labels: readonly Named[];
  faces: number | null;
  flagged: boolean;
  /** Quarantine keeps its renditions until somebody releases it. */
  quarantined: boolean;
  thumbnail: Picture | null;
  failure: Failure | null;
}

export interface Rendition extends Picture {
  name: string;
  format: string;
  bytes: number;
}

export interface Run {
  run: number;
  status: string;
  started: string;
  ended: string | null;
}

export interface Hop {
  service: string;
  type: string;
  run: number;
  /** ISO 8601: when the last try began. */
  at: string;
  waited_ms: number | null;
  worked_ms: number | null;
  attempts: number;
  state: "done" | "working" | "waiting" | "given-up";
}

/** What had been made for a run and was compensated again. */
export interface Unmade {
  run: number;
  /** Names of renditions. */
  renditions: string[];
  analysis: boolean;
}

export interface Detail extends Summary {
  source: { key: string; bytes: number; sha256?: string | null };
  captured: { at?: string | null; camera?: string | null } | null;
  gps_removed: boolean | null;
  renditions: Rendition[];
  text: string[] | null;
  moderation: { flagged: boolean; names: string[] } | null;
  /** An estimate in US dollars, of the run that is shown; `detections` is what of it they are. */
  cost?: { usd: number; detections: number } | null;
  runs: Run[];
  timeline: Hop[];
  compensated: Unmade[];
}

export interface Similar extends Summary {
  kind: "near-duplicate" | "similar";
  /** From 0 to 1; 1 is the same picture. */
  score: number;
}

export interface Page {
  items: Summary[];
  cursor: string | null;
}

export interface LabelCount {
  name: string;
  images: number;
}

export interface Ticket {
  image: string;
  key: string;
  expires: string;
  post: { url: string; fields: Record<string, string> };
}

/** A box in parts of the picture's sides, as Rekognition gives it. */
export interface Box {
  Left: number;
  Top: number;
  Width: number;
  Height: number;
}

/** Rekognition's own answers; one that was not asked is missing. */
export interface Analysis {
  answers: {
    labels?: { Labels: { Name: string; Confidence: number; Instances?: { BoundingBox?: Box; Confidence?: number }[] }[] };
    faces?: { FaceDetails: { BoundingBox: Box; Confidence: number }[] };
    text?: { TextDetections: { DetectedText: string; Type: string; Confidence: number; Geometry: { BoundingBox: Box } }[] };
  };
}
