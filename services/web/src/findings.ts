/** What Rekognition detected, with its boxes. Pure. */
import type { Analysis, Box } from "./types";

export interface Finding {
  key: string;
  kind: "Objects" | "Faces" | "Text";
  name: string;
  confidence: number;
  /** As ratios of the picture's sides; empty for a label of the whole picture. */
  boxes: Box[];
}

export function findings(analysis: Analysis): Finding[] {
  return [...objects(analysis), ...faces(analysis), ...lines(analysis)];
}

function objects({ answers }: Analysis): Finding[] {
  return (answers.labels?.Labels ?? []).map((label) => ({
    key: `object ${label.Name}`,
    kind: "Objects",
    name: label.Name,
    confidence: label.Confidence,
    boxes: (label.Instances ?? []).flatMap((instance) => instance.BoundingBox ?? []),
  }));
}

function faces({ answers }: Analysis): Finding[] {
  return (answers.faces?.FaceDetails ?? []).map((face, n) => ({
    key: `face ${n}`,
    kind: "Faces",
    name: `Face ${n + 1}`,
    confidence: face.Confidence,
    boxes: [face.BoundingBox],
  }));
}

/** Lines only: each word is part of one. */
function lines({ answers }: Analysis): Finding[] {
  const detections = (answers.text?.TextDetections ?? []).filter((text) => text.Type === "LINE");
  return detections.map((line, n) => ({
    key: `text ${n}`,
    kind: "Text",
    name: `“${line.DetectedText}”`,
    confidence: line.Confidence,
    boxes: [line.Geometry.BoundingBox],
  }));
}
