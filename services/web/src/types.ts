/** The API's responses, as far as the page uses them. Sides are in pixels, confidences in percent. */

/** `processing`: the current run has not ended, and none is published. */
export type Status = "completed" | "failed" | "processing";

export interface Label {
  name: string;
  confidence: number;
}

/** A presigned URL of a picture. */
export interface PictureLink {
  url: string;
  width: number;
  height: number;
}

/** What a page shows while a picture loads. */
export interface Placeholder {
  /** Base64. */
  thumbHash: string;
}

export interface Failure {
  stage: string;
  reason: string;
  /** A sentence; in the detail of an image only. */
  detail?: string;
  fault?: string;
}

/** An image in a list. */
export interface ImageSummary {
  image: string;
  run: number;
  status: Status;
  /** ISO 8601: when the run ended, or when it started if it is processing. */
  at: string;
  name: string;
  owner: string | null;
  format: string | null;
  width: number | null;
  height: number | null;
  labels: readonly Label[];
  faces: number | null;
  flagged: boolean;
  /** Its renditions have no links until an operator releases it. */
  quarantined: boolean;
  thumbnail: PictureLink | null;
  placeholder: Placeholder | null;
  failure: Failure | null;
}

export interface Rendition extends PictureLink {
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

/** One service's handling of one event. */
export interface Hop {
  service: string;
  type: string;
  run: number;
  /** ISO 8601: when the last attempt started. */
  at: string;
  waitedMs: number | null;
  workedMs: number | null;
  attempts: number;
  state: "done" | "in-progress" | "waiting" | "gave-up";
}

/** What was created for a run and then deleted by compensation. */
export interface CompensatedRun {
  run: number;
  /** Names of renditions. */
  renditions: string[];
  analysis: boolean;
}

/** What the original has beside its pixels, and the defects of its file. */
export interface PictureDetails {
  hdr: boolean;
  gainMap: boolean;
  animated: boolean;
  frames: number;
  /** Seconds of one pass. */
  duration: number | null;
  /** Stable codes. */
  warnings: readonly string[];
}

/** Everything on record about one image. */
export interface ImageDetail extends ImageSummary {
  source: { key: string; bytes: number; sha256?: string | null };
  captured: { at?: string | null; camera?: string | null } | null;
  gpsRemoved: boolean | null;
  details: PictureDetails | null;
  renditions: Rendition[];
  text: string[] | null;
  moderation: { flagged: boolean; names: string[] } | null;
  /** Estimated cost of this run in US dollars; `detections` is a part of `usd`. */
  cost?: { usd: number; detections: number } | null;
  runs: Run[];
  timeline: Hop[];
  compensated: CompensatedRun[];
}

export interface SimilarImage extends ImageSummary {
  kind: "near-duplicate" | "similar";
  /** From 0 to 1; 1 is an identical picture. */
  score: number;
}

export interface ImagePage {
  items: ImageSummary[];
  cursor: string | null;
}

export interface LabelCount {
  name: string;
  images: number;
}

/** A presigned upload. */
export interface Upload {
  image: string;
  key: string;
  expires: string;
  post: { url: string; fields: Record<string, string> };
}

/** A bounding box as ratios of the picture's sides, in Rekognition's format. */
export interface Box {
  Left: number;
  Top: number;
  Width: number;
  Height: number;
}

/** Rekognition's responses by detection; one that is switched off is missing. */
export interface Analysis {
  answers: {
    labels?: { Labels: { Name: string; Confidence: number; Instances?: { BoundingBox?: Box; Confidence?: number }[] }[] };
    faces?: { FaceDetails: { BoundingBox: Box; Confidence: number }[] };
    text?: { TextDetections: { DetectedText: string; Type: string; Confidence: number; Geometry: { BoundingBox: Box } }[] };
  };
}
